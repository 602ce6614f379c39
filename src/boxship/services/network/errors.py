"""What can go wrong with networks, each with the sentence the user reads.

Class names are Neutron's, because clients find them as ``type`` in the body of an error.
"""

from __future__ import annotations

from boxship.core import errors


class InvalidInput(errors.BadRequest):
    """A value is not acceptable; the sentence names it."""


class PolicyNotAuthorized(errors.Forbidden):
    """The resource is visible to the caller, and not the caller's to change."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"rule:{rule} is disallowed by policy")


class OverQuota(errors.OverQuota):
    """``overs`` are the resources, as in the quota, that would exceed it."""

    def __init__(self, overs: str) -> None:
        super().__init__(f"Quota exceeded for resources: ['{overs}'].")


class QuotaBelowUse(errors.BadRequest):
    """A limit is to be set below what the project has already."""

    def __init__(self, resource: str, most: int, used: int) -> None:
        super().__init__(
            f"Quota limit {most} for {resource} must be greater than or equal to already used {used}", field=resource
        )


class TenantQuotaNotFound(errors.NotFound):
    """No admin ever said what the project may have."""

    def __init__(self, project_id: str) -> None:
        super().__init__(f"Quota for tenant {project_id} could not be found.")


class AvailabilityZoneNotFound(errors.NotFound):
    """No host is in the zone that is hinted at."""

    def __init__(self, zone: str) -> None:
        super().__init__(f"AvailabilityZone {zone} could not be found.")


class AgentNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Agent {id} could not be found.")


class AgentInUse(errors.Conflict):
    """Only the agents of hosts that are gone are removed."""

    def __init__(self, id: str, host: str) -> None:
        super().__init__(f"Agent {id} is alive: its host {host} works. Stop Boxship there first.")


class SecurityGroupConflict(errors.Conflict):
    """Groups do not go together."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Error {reason} while attempting the operation.")


class NotUnique(errors.Conflict):
    """A name stands for several resources."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"More than one {kind} is called {name!r}; use an id.")


class NoDefaultNetwork(errors.Conflict):
    """A container was to be plugged in, and nobody said where."""

    def __init__(self) -> None:
        super().__init__("The project has no network with a subnet; create one, or name a network.")


class NetworkNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Network {id} could not be found.")


class SubnetNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Subnet {id} could not be found.")


class SubnetPoolNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Subnet pool {id} could not be found.")


class PortNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Port {id} could not be found.")


class SecurityGroupNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security group {id} does not exist")


class SecurityGroupRuleNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security group rule {id} does not exist")


class RouterNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Router {id} could not be found")


class FloatingIPNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Floating IP {id} could not be found")


class TagNotFound(errors.NotFound):
    def __init__(self, tag: str) -> None:
        super().__init__(f"Tag {tag} could not be found.")


class ExtensionNotFound(errors.NotFound):
    def __init__(self, alias: str) -> None:
        super().__init__(f"Extension with alias {alias} does not exist")


class NetworkInUse(errors.Conflict):
    def __init__(self, id: str, reason: str = "There are one or more ports still in use on the network.") -> None:
        super().__init__(f"Unable to complete operation on network {id}. {reason}")


class NoNetworkAvailable(errors.Unavailable):
    def __init__(self) -> None:
        super().__init__("Unable to create the network. No project network is available for allocation.")


class ExternalNetworkExists(errors.Conflict):
    """This host has one uplink."""

    def __init__(self, id: str) -> None:
        super().__init__(f"Network {id} is the external network already; this host has one uplink.")


class SubnetInUse(errors.Conflict):
    def __init__(self, id: str, reason: str = "One or more ports have an IP allocation from this subnet.") -> None:
        super().__init__(f"Unable to complete operation on subnet {id}: {reason}")


class SubnetPoolDeleteError(errors.BadRequest):
    """Subnets have ranges of the pool."""

    def __init__(self) -> None:
        super().__init__("Unable to delete subnet pool: Subnet pool has existing allocations.", field="subnetpool")


class IllegalSubnetPoolPrefixBounds(errors.BadRequest):
    """The lengths of prefixes contradict each other, or the IP version."""

    def __init__(self, field: str, length: int, bound: str, limit: int) -> None:
        super().__init__(f"Illegal prefix bounds: {field}={length}, {bound}={limit}.", field=field)


class IllegalSubnetPoolPrefixUpdate(errors.BadRequest):
    """A pool only grows."""

    def __init__(self) -> None:
        super().__init__(
            "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.", field="prefixes"
        )


class PrefixVersionMismatch(errors.BadRequest):
    """A pool is of one IP version."""

    def __init__(self) -> None:
        super().__init__("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", field="prefixes")


class MinPrefixSubnetAllocationError(errors.BadRequest):
    def __init__(self, length: int, least: int) -> None:
        super().__init__(
            f"Unable to allocate subnet with prefix length {length}, minimum allowed prefix is {least}.",
            field="prefixlen",
        )


class MaxPrefixSubnetAllocationError(errors.BadRequest):
    def __init__(self, length: int, most: int) -> None:
        super().__init__(
            f"Unable to allocate subnet with prefix length {length}, maximum allowed prefix is {most}.",
            field="prefixlen",
        )


class SubnetAllocationError(errors.Conflict):
    """The pool has no room for the range."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Failed to allocate subnet: {reason}.")


class SubnetPoolQuotaExceeded(errors.OverQuota):
    def __init__(self) -> None:
        super().__init__("Per-project subnet pool prefix quota exceeded.")


class NetworkSubnetPoolAffinityError(errors.BadRequest):
    def __init__(self) -> None:
        super().__init__(
            "Subnets hosted on the same network must be allocated from the same subnet pool.", field="subnetpool_id"
        )


class DefaultSubnetPoolExists(errors.BadRequest):
    """One pool of each IP version is the default one."""

    def __init__(self, version: int) -> None:
        super().__init__(f"A default subnetpool for IPv{version} has already been set. Only one default may exist.")


class GatewayIpInUse(errors.Conflict):
    def __init__(self, ip: str, port_id: str) -> None:
        super().__init__(f"Current gateway ip {ip} already in use by port {port_id}. Unable to update.")


class InvalidAllocationPool(errors.BadRequest):
    def __init__(self, pool: str) -> None:
        super().__init__(f"The allocation pool {pool} is not valid.", field="allocation_pools")


class OutOfBoundsAllocationPool(errors.BadRequest):
    def __init__(self, pool: str, cidr: str) -> None:
        super().__init__(f"The allocation pool {pool} spans beyond the subnet cidr {cidr}.", field="allocation_pools")


class OverlappingAllocationPools(errors.Conflict):
    def __init__(self, first: str, second: str, cidr: str) -> None:
        super().__init__(f"Found overlapping allocation pools: {first} {second} for subnet {cidr}.")


class GatewayConflictWithAllocationPools(errors.Conflict):
    def __init__(self, pool: str, ip: str) -> None:
        super().__init__(f"Gateway ip {ip} conflicts with allocation pool {pool}.")


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


class SecurityGroupInUse(errors.Conflict):
    def __init__(self, id: str, reason: str = "in use") -> None:
        super().__init__(f"Security Group {id} {reason}.")


class SecurityGroupCannotRemoveDefault(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("Insufficient rights for removing default security group.")


class SecurityGroupCannotUpdateDefault(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("Updating default security group not allowed.")


class SecurityGroupDefaultAlreadyExists(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("Default security group already exists.")


class SecurityGroupRuleExists(errors.Conflict):
    def __init__(self, rule_id: str) -> None:
        super().__init__(f"Security group rule already exists. Rule id is {rule_id}.")


class SecurityGroupRuleInvalid(InvalidInput):
    """The root of what Neutron refuses in a rule."""


class SecurityGroupInvalidPortRange(SecurityGroupRuleInvalid):
    def __init__(self) -> None:
        super().__init__("For TCP/UDP protocols, port_range_min must be <= port_range_max", field="port_range_min")


class SecurityGroupInvalidPortValue(SecurityGroupRuleInvalid):
    def __init__(self, field: str, port: int) -> None:
        super().__init__(f"Invalid value for port {port}", field=field)


class SecurityGroupInvalidProtocolForPort(SecurityGroupRuleInvalid):
    def __init__(self, protocol: str) -> None:
        super().__init__(
            f"Ports cannot be specified for protocol {protocol}. "
            "Ports are only supported for tcp, udp, udplite, sctp and dccp.",
            field="port_range_min",
        )


class SecurityGroupInvalidIcmpValue(SecurityGroupRuleInvalid):
    def __init__(self, field: str, attribute: str, value: int) -> None:
        super().__init__(f"Invalid value for ICMP {attribute} ({field}) {value}. It must be 0 to 255.", field=field)


class SecurityGroupMissingIcmpType(SecurityGroupRuleInvalid):
    def __init__(self, code: int) -> None:
        super().__init__(
            f"ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing.",
            field="port_range_min",
        )


class SecurityGroupProtocolRequiredWithPorts(SecurityGroupRuleInvalid):
    def __init__(self) -> None:
        super().__init__("Must also specify protocol if port range is given.", field="protocol")


class SecurityGroupRuleInvalidProtocol(SecurityGroupRuleInvalid):
    def __init__(self, protocol: object) -> None:
        super().__init__(
            f"Security group rule protocol {protocol} not supported. Only names of protocols such as tcp, udp, icmp "
            "and integer representations [0 to 255] are supported.",
            field="protocol",
        )


class SecurityGroupEthertypeConflictWithProtocol(SecurityGroupRuleInvalid):
    def __init__(self, ethertype: str, protocol: str) -> None:
        super().__init__(f"Invalid ethertype {ethertype} for protocol {protocol}.", field="ethertype")


class SecurityGroupRuleParameterConflict(SecurityGroupRuleInvalid):
    def __init__(self, ethertype: str, cidr: str) -> None:
        super().__init__(f"Conflicting value ethertype {ethertype} for CIDR {cidr}", field="remote_ip_prefix")


class SecurityGroupMultipleRemoteEntites(SecurityGroupRuleInvalid):
    def __init__(self) -> None:
        super().__init__("Only one of remote_ip_prefix or remote_group_id may be provided.", field="remote_ip_prefix")


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
