"""What can go wrong with subnets and subnet pools."""

from __future__ import annotations

from boxship.core import errors


class SubnetNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Subnet {id} could not be found.")


class SubnetPoolNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Subnet pool {id} could not be found.")


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
