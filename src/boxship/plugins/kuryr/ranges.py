"""Sums with ranges of addresses; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from boxship.core import errors

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def network(text: str, what: str) -> Network:
    """A range in CIDR notation. BadRequest: it is none; ``what`` names it."""
    try:
        if "/" in text:
            return ipaddress.ip_network(text)
        reason = "it has no prefix length"
    except ValueError as error:
        reason = str(error)
    raise errors.BadRequest(f"{what}: {text!r} is not a range in CIDR notation: {reason}.", field=what)


def address(text: str, what: str) -> Address:
    """An address, whose prefix length, if there is one, is dropped. BadRequest: it is none."""
    try:
        return ipaddress.ip_address(text.partition("/")[0])
    except ValueError as error:
        raise errors.BadRequest(f"{what}: {text!r} is not an IP address.", field=what) from error


def first_host(cidr: Network) -> Address:
    """The first address that a host can have: where Neutron and Docker put the gateway."""
    return cidr[0] if cidr.prefixlen >= cidr.max_prefixlen - 1 else cidr[1]


def inside(inner: Network, outer: Network) -> bool:
    """Whether all of a range is in another."""
    return inner.version == outer.version and int(outer[0]) <= int(inner[0]) and int(inner[-1]) <= int(outer[-1])


def overlap(one: Network, other: Network) -> bool:
    """Whether two ranges have an address in common."""
    return one.version == other.version and int(one[0]) <= int(other[-1]) and int(other[0]) <= int(one[-1])


def free(prefixes: Iterable[Network], length: int, taken: Iterable[Network]) -> Network | None:
    """The first range of this length in the prefixes that has no address in common with any that is taken."""
    used = list(taken)
    for prefix in prefixes:
        if length < prefix.prefixlen:
            continue
        at, size = int(prefix[0]), 1 << (prefix.max_prefixlen - length)
        while at <= int(prefix[-1]):
            found = ipaddress.ip_network((at, length)) if prefix.version == 4 else IPv6Network((at, length))
            clash = [other for other in used if overlap(found, other)]
            if not clash:
                return found
            beyond = max(int(other[-1]) for other in clash) + 1
            at = -(-beyond // size) * size
    return None


def allocation(cidr: Network, part: Network | None, left_out: Iterable[Address]) -> list[dict[str, str]]:
    """Neutron's allocation pools: the part of the range (None: all of it) without the addresses left out."""
    inner = part or cidr
    first, last = max(int(inner[0]), int(cidr[0])), min(int(inner[-1]), int(cidr[-1]))
    if cidr.prefixlen < cidr.max_prefixlen - 1:
        first = max(first, int(cidr[1]))
        last = min(last, int(cidr[-2] if cidr.version == 4 else cidr[-1]))
    make = IPv4Address if cidr.version == 4 else IPv6Address
    pools = []
    for hole in sorted({int(address) for address in left_out if address.version == cidr.version}):
        if first <= hole <= last:
            if hole > first:
                pools.append({"start": str(make(first)), "end": str(make(hole - 1))})
            first = hole + 1
    return [*pools, {"start": str(make(first)), "end": str(make(last))}] if first <= last else pools
