"""What can go wrong with networks, ports and their addresses."""

from __future__ import annotations

from boxship.core import errors


class NoDefaultNetwork(errors.Conflict):
    """A container was to be plugged in, and nobody said where."""

    def __init__(self) -> None:
        super().__init__("The project has no network with a subnet; create one, or name a network.")


class NetworkNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Network {id} could not be found.")


class PortNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Port {id} could not be found.")


class NetworkInUse(errors.Conflict):
    def __init__(self, id: str, reason: str = "There are one or more ports still in use on the network.") -> None:
        super().__init__(f"Unable to complete operation on network {id}. {reason}")


class NetworkMTUSubnetConflict(errors.Conflict):
    def __init__(self, mtu: int) -> None:
        super().__init__(f"The MTU {mtu} of the network is below the 1280 that an IPv6 subnet needs (RFC 8200).")


class NoNetworkAvailable(errors.Unavailable):
    def __init__(self) -> None:
        super().__init__("Unable to create the network. No project network is available for allocation.")


class SegmentInUse(errors.Conflict):
    def __init__(self, segment: int) -> None:
        super().__init__(f"Unable to create the network. The segment {segment} is in use.")


class IpAddressGenerationFailure(errors.Conflict):
    def __init__(self, network_id: str) -> None:
        super().__init__(f"No more IP addresses available on network {network_id}.")


class IpAddressAlreadyAllocated(errors.Conflict):
    def __init__(self, ip: str, subnet_id: str) -> None:
        super().__init__(f"IP address {ip} already allocated in subnet {subnet_id}")


class InvalidIpForNetwork(errors.BadRequest):
    def __init__(self, ip: str) -> None:
        super().__init__(
            f"IP address {ip} is not a valid IP for any of the subnets on the specified network.",
            field="fixed_ips",
        )


class InvalidIpForSubnet(errors.BadRequest):
    def __init__(self, ip: str) -> None:
        super().__init__(f"IP address {ip} is not a valid IP for the specified subnet.", field="fixed_ips")


class MacAddressInUse(errors.Conflict):
    def __init__(self, network_id: str, mac: str) -> None:
        super().__init__(f"Unable to complete operation for network {network_id}. The mac address {mac} is in use.")


class PortInUse(errors.Conflict):
    """``use`` says what uses it."""

    def __init__(self, id: str, use: str) -> None:
        super().__init__(f"Unable to complete operation on port {id}. {use}")


class ServicePortInUse(errors.Conflict):
    def __init__(self, id: str, reason: str) -> None:
        super().__init__(f"Port {id} cannot be deleted directly via the port API: {reason}.")


class PortSecurityAndIPRequiredForSecurityGroups(errors.Conflict):
    def __init__(self) -> None:
        super().__init__(
            "Port security must be enabled and port must have an IP address in order to use security groups."
        )


class AddressPairAndPortSecurityRequired(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("Port Security must be enabled in order to have allowed address pairs on a port.")


class DuplicateAddressPairInRequest(errors.BadRequest):
    def __init__(self, mac: str, ip: str) -> None:
        super().__init__(
            f"Request contains duplicate address pair: mac_address {mac} ip_address {ip}.",
            field="allowed_address_pairs",
        )
