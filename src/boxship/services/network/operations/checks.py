"""Whether values from outside mean what they should: addresses, ranges, MACs, names. Pure: no rows, no world."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from boxship.services.network import errors, model
from boxship.services.network.schemas.ports import DhcpOptionWish
from boxship.services.network.store import addresses

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_BLANK_OPTIONS = {"router", "classless-static-route"}
"""An empty value of these tells a client that there is none (neutron-lib, extra_dhcp_opt)."""
MOST_OPTIONS = 64
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def address(text: str, field: str, version: int | None = None) -> model.Ip:
    """An IP address, without a zone. InvalidInput: it is none, or not of the version."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise errors.InvalidInput(f"'{text}' is not a valid IP address.", field=field) from error
    if isinstance(found, ipaddress.IPv6Address) and found.scope_id:
        raise errors.InvalidInput(f"'{text}' is not a valid IP address.", field=field)
    if version is not None and found.version != version:
        raise errors.InvalidInput(f"'{text}' does not match the ip_version '{version}'", field=field)
    return found


def prefix(text: str, field: str, version: int | None = None) -> model.Range:
    """A range in CIDR notation; host bits are dropped, as Neutron does. InvalidInput: none, or not of the version."""
    try:
        if "/" not in text:
            raise ValueError("no prefix length")
        if "%" in text:
            raise ValueError("a zone")
        found = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise errors.InvalidInput(f"'{text}' is not a valid IP subnet in CIDR notation.", field=field) from error
    if version is not None and found.version != version:
        raise errors.InvalidInput(f"'{text}' does not match the ip_version '{version}'", field=field)
    return found


def subnet_cidr(text: str, version: int) -> model.Range:
    """The range of a subnet. InvalidInput: a range that hosts cannot have (multicast, loopback and the like)."""
    cidr = prefix(text, "cidr", version)
    reason = next((reason for reason, applies in _unusable(cidr) if applies), None)
    if reason:
        raise errors.InvalidInput(f"'{text}' {reason}", field="cidr")
    return cidr


def _unusable(cidr: model.Range) -> tuple[tuple[str, bool], ...]:
    return (
        ("has a prefix length of 0, which is not supported", cidr.prefixlen == 0),
        ("is a multicast range, which is not supported", cidr.is_multicast),
        ("is a loopback range, which is not supported", cidr.is_loopback),
        ("is a link-local range, which is not supported", cidr.is_link_local),
        ("begins at the unspecified address, which is not supported", int(cidr.network_address) == 0),
        ("reaches into a multicast or reserved range", cidr.version == 4 and cidr.broadcast_address >= _RESERVED),
    )


_RESERVED = ipaddress.IPv4Address("224.0.0.0")


def usable(cidr: model.Range) -> tuple[int, int]:
    """The first and last number of the addresses that a port may have: all but network and broadcast address."""
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if cidr.num_addresses <= 2:
        return first, last
    return first + 1, last - 1 if cidr.version == 4 else last


def is_usable(ip: model.Ip, cidr: model.Range) -> bool:
    """Whether a port may have the address."""
    first, last = usable(cidr)
    return ip.version == cidr.version and first <= int(ip) <= last


def gateway(text: str, cidr: model.Range) -> model.Ip:
    """The gateway of a subnet. InvalidInput: not an address that a router can have there."""
    found = address(text, "gateway_ip", cidr.version)
    link_local = found.version == 6 and found.is_link_local
    if not link_local and not is_usable(found, cidr):
        raise errors.InvalidInput(f"Gateway '{text}' is not valid on subnet {cidr}", field="gateway_ip")
    return found


def default_pools(cidr: model.Range, gateway_ip: model.Ip | None) -> tuple[model.Pool, ...]:
    """Every usable address but the gateway, as one range or the two around it."""
    first, last = usable(cidr)
    cut = int(gateway_ip) if gateway_ip is not None and first <= int(gateway_ip) <= last else None
    spans = [(first, last)] if cut is None else [(first, cut - 1), (cut + 1, last)]
    kind = type(cidr.network_address)
    return tuple(model.Pool(str(kind(low)), str(kind(high))) for low, high in spans if low <= high)


def pools(asked: Sequence[model.Pool], cidr: model.Range, gateway_ip: model.Ip | None) -> tuple[model.Pool, ...]:
    """Allocation pools as asked, canonical and in order.

    InvalidAllocationPool, OutOfBoundsAllocationPool, OverlappingAllocationPools, GatewayConflictWithAllocationPools.
    """
    spans = sorted(_span(pool, cidr) for pool in asked)
    kind = type(cidr.network_address)
    found = tuple(model.Pool(str(kind(first)), str(kind(last))) for first, last in spans)
    for at in range(1, len(spans)):
        if spans[at][0] <= spans[at - 1][1]:
            raise errors.OverlappingAllocationPools(_told(found[at - 1]), _told(found[at]), str(cidr))
    for (first, last), pool in zip(spans, found, strict=True):
        if gateway_ip is not None and gateway_ip.version == cidr.version and first <= int(gateway_ip) <= last:
            raise errors.GatewayConflictWithAllocationPools(_told(pool), str(gateway_ip))
    return found


def _span(pool: model.Pool, cidr: model.Range) -> tuple[int, int]:
    start = address(pool.start, "allocation_pools", cidr.version)
    end = address(pool.end, "allocation_pools", cidr.version)
    if int(end) < int(start):
        raise errors.InvalidAllocationPool(_told(pool))
    if not is_usable(start, cidr) or not is_usable(end, cidr):
        raise errors.OutOfBoundsAllocationPool(_told(pool), str(cidr))
    return int(start), int(end)


def _told(pool: model.Pool) -> str:
    return f"{pool.start}-{pool.end}"


def free_ranges(found: Sequence[model.Pool], taken: Sequence[str]) -> list[tuple[str, str]]:
    """What the pools hold beside the taken keys (sorted), as ranges of keys."""
    free = []
    for pool in found:
        at, last = int(addresses.key(pool.start), 16), int(addresses.key(pool.end), 16)
        width = len(addresses.key(pool.start))
        for number in (int(key, 16) for key in taken):
            if at <= number <= last:
                if at < number:
                    free.append((at, number - 1))
                at = number + 1
        if at <= last:
            free.append((at, last))
    return [(f"{first:0{width}x}", f"{end:0{width}x}") for first, end in free] if free else []


def host_routes(asked: Sequence[model.HostRoute], version: int | None, field: str) -> tuple[model.HostRoute, ...]:
    """Static routes, canonical. InvalidInput: not a range, not an address, or of different versions; or twice."""
    found = []
    for route in asked:
        destination = prefix(route.destination, field, version)
        nexthop = address(route.nexthop, field, destination.version)
        found.append(model.HostRoute(str(destination), str(nexthop)))
    if len(set(found)) < len(found):
        raise errors.InvalidInput("A route is given twice.", field=field)
    return tuple(found)


def nameservers(asked: Sequence[str], version: int) -> tuple[str, ...]:
    """Addresses of name servers, canonical. InvalidInput: not of the version, or twice."""
    found = tuple(str(address(text, "dns_nameservers", version)) for text in asked)
    if len(set(found)) < len(found):
        raise errors.InvalidInput("A name server is given twice.", field="dns_nameservers")
    return found


def dhcp_options(had: Sequence[model.DhcpOption], asked: Sequence[DhcpOptionWish]) -> tuple[model.DhcpOption, ...]:
    """The DHCP options of a port after a change: a value sets one, null removes it, what is not named stays.

    InvalidInput: an empty value of an option that means nothing without one, or a value that is no printable text.
    """
    found = {(option.opt_name, option.ip_version): option for option in had}
    for wish in asked:
        key = (wish.opt_name, int(wish.ip_version))
        if wish.opt_value is None:
            found.pop(key, None)
        elif not wish.opt_value.strip() and wish.opt_name not in _BLANK_OPTIONS:
            raise errors.InvalidInput(f"The DHCP option '{wish.opt_name}' needs a value.", field="extra_dhcp_opts")
        elif not wish.opt_value.isprintable():
            raise errors.InvalidInput(f"The value of '{wish.opt_name}' is no printable text.", field="extra_dhcp_opts")
        else:
            found[key] = model.DhcpOption(wish.opt_name, wish.opt_value, key[1])
    if len(found) > MOST_OPTIONS:
        raise errors.InvalidInput(f"A port has at most {MOST_OPTIONS} DHCP options.", field="extra_dhcp_opts")
    return tuple(found.values())


def mac(text: str) -> str:
    """A MAC address that a port may have, in lower case with colons. InvalidInput: none, multicast or all zero."""
    found = text.lower().replace("-", ":")
    if not _MAC.fullmatch(found) or int(found[1], 16) & 1 or found == "00:00:00:00:00:00":
        raise errors.InvalidInput(f"'{text}' is not a valid MAC address.", field="mac_address")
    return found


def dns_name(text: str) -> str:
    """A host name of one label, in lower case. InvalidInput: not one (RFC 1123)."""
    found = text.lower().removesuffix(".")
    if found and not _LABEL.fullmatch(found):
        raise errors.InvalidInput(
            f"'{text}' is not a valid host name: one label of letters, digits and hyphens.", field="dns_name"
        )
    return found


def dns_domain(text: str) -> str:
    """A domain name that ends in a dot. InvalidInput: not one."""
    found = text.lower()
    labels = found.removesuffix(".").split(".")
    if found and (not found.endswith(".") or not all(_LABEL.fullmatch(label) for label in labels)):
        raise errors.InvalidInput(f"'{text}' is not a valid domain name that ends in a dot.", field="dns_domain")
    return found


def eui64(cidr: model.Range, mac_address: str) -> str:
    """The address in a /64 that follows from a MAC (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac_address.replace(":", ""))
    identifier = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(ipaddress.IPv6Address(int(cidr.network_address) + int.from_bytes(identifier, "big")))
