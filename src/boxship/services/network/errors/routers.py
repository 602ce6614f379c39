"""What can go wrong with routers, floating IPs and their port forwardings."""

from __future__ import annotations

from boxship.core import errors
from boxship.services.network.errors.general import InvalidInput


class RouterNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Router {id} could not be found")


class FloatingIPNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Floating IP {id} could not be found")


class RouterInUse(errors.Conflict):
    def __init__(self, id: str, reason: str = "still has ports") -> None:
        super().__init__(f"Router {id} {reason}")


class RouterInterfaceNotFound(errors.NotFound):
    def __init__(self, router_id: str, port_id: str) -> None:
        super().__init__(f"Router {router_id} does not have an interface with id {port_id}")


class RouterInterfaceNotFoundForSubnet(errors.NotFound):
    def __init__(self, router_id: str, subnet_id: str) -> None:
        super().__init__(f"Router {router_id} has no interface on subnet {subnet_id}")


class RouterInterfaceInUseByFloatingIP(errors.Conflict):
    def __init__(self, router_id: str, subnet_id: str) -> None:
        super().__init__(
            f"Router interface for subnet {subnet_id} on router {router_id} cannot be deleted, "
            "as it is required by one or more floating IPs."
        )


class RouterInterfaceInUseByRoute(errors.Conflict):
    def __init__(self, router_id: str, subnet_id: str) -> None:
        super().__init__(
            f"Router interface for subnet {subnet_id} on router {router_id} cannot be deleted, "
            "as it is required by one or more routes."
        )


class RouterExternalGatewayInUseByFloatingIp(errors.Conflict):
    def __init__(self, router_id: str, network_id: str) -> None:
        super().__init__(
            f"Gateway cannot be updated for router {router_id}, since a gateway to external network {network_id} "
            "is required by one or more floating IPs."
        )


class InvalidRoutes(InvalidInput):
    """A static route of a router whose next hop it cannot reach."""

    def __init__(self, destination: str, nexthop: str, reason: str) -> None:
        super().__init__(f"Invalid format for routes: {destination} via {nexthop}, {reason}", field="routes")


class ExternalGatewayForFloatingIPNotFound(errors.NotFound):
    def __init__(self, network_id: str, subnet_id: str, port_id: str) -> None:
        super().__init__(
            f"External network {network_id} is not reachable from subnet {subnet_id}.  "
            f"Therefore, cannot associate Port {port_id} with a Floating IP."
        )


class FloatingIPPortAlreadyAssociated(errors.Conflict):
    def __init__(self, fip: tuple[str, str], port_id: str, fixed_ip: str, network_id: str) -> None:
        super().__init__(
            f"Cannot associate floating IP {fip[0]} ({fip[1]}) with port {port_id} using fixed IP {fixed_ip}, "
            f"as that fixed IP already has a floating IP on external network {network_id}."
        )


class ExternalIpAddressExhausted(errors.BadRequest):
    def __init__(self, network_id: str) -> None:
        super().__init__(f"Unable to find any IP address on external network {network_id}.")


def bad_forwarding(reason: str, field: str) -> errors.BadRequest:
    """A port forwarding that cannot be; upstream calls the type only ``BadRequest``."""
    return errors.BadRequest(f"Bad port_forwarding request: {reason}.", field=field)


class PortForwardingNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Port Forwarding {id} could not be found.")


class FipInUseByPortForwarding(errors.Conflict):
    def __init__(self, id: str) -> None:
        super().__init__(f"Floating IP {id} in use by Port Forwarding resources.")


class PortHasBindingFloatingIP(errors.Conflict):
    def __init__(self, fip: tuple[str, str], port_id: str, fixed_ip: str) -> None:
        super().__init__(
            f"Cannot create port forwarding to floating IP {fip[0]} ({fip[1]}) with port {port_id} using fixed IP "
            f"{fixed_ip}, as that port already has a binding floating IP."
        )
