"""What a router is to have: sysctls, addresses, routes, and NAT towards the external network as nft text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Any

from boxship.drivers.linux import naming
from boxship.drivers.linux.interface import Address, Interface, Network, Route, RouterPort, RouterSpec

EVERYWHERE: dict[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
"""The destination of a default route, by IP version."""

METADATA = IPv4Address("169.254.169.254")
"""Where devices ask who they are."""

SETTINGS = {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/default/ndisc_notify": "1",
    "ipv4/conf/all/arp_ignore": "1",
    "ipv4/conf/all/arp_announce": "2",
    "ipv4/conf/all/accept_redirects": "0",
    "ipv4/conf/all/send_redirects": "0",
}
"""Sysctls of a router's namespace."""


def legs(spec: RouterSpec) -> tuple[RouterPort, ...]:
    """All legs, the gateway's last."""
    return (*spec.legs, *([spec.gateway] if spec.gateway else []))


def addresses(spec: RouterSpec) -> dict[str, list[Interface | Address]]:
    """Per device of the router: its addresses; floating IPs sit on the gateway's leg."""
    found: dict[str, list[Interface | Address]] = {naming.leg(leg.port_id): list(leg.addresses) for leg in legs(spec)}
    if spec.gateway:
        found[naming.leg(spec.gateway.port_id)] += floating(spec)
    return found


def floating(spec: RouterSpec) -> list[IPv4Address]:
    """The floating IPs, those that lead to one address first, then those of forwarded ports."""
    whole = [entry.floating for entry in spec.floating]
    return [*whole, *sorted({entry.floating for entry in spec.forwardings} - set(whole))]


Outside = tuple[str, str, int, int]
"""A floating IP, a protocol, the first and the last port."""


def forwarded(spec: RouterSpec) -> dict[Outside, tuple[str, int]]:
    """Where ports of floating IPs lead: an address and a port (0: the same port)."""
    found: dict[Outside, tuple[str, int]] = {}
    for entry in spec.forwardings:
        at, fixed, (first, last) = str(entry.floating), str(entry.fixed), entry.external
        inside = entry.internal[0]
        if entry.internal[0] == entry.internal[1]:
            found[at, entry.protocol, first, last] = fixed, inside
        elif inside == first:
            found[at, entry.protocol, first, last] = fixed, 0
        else:
            ports = range(first, last + 1)
            found |= {(at, entry.protocol, port, port): (fixed, inside + port - first) for port in ports}
    return found


def routes(spec: RouterSpec) -> list[Route]:
    """Default routes through the gateway, and the router's own extra routes."""
    hops = spec.next_hops if spec.gateway else ()
    return [*(Route(EVERYWHERE[hop.version], hop) for hop in hops), *spec.routes]


def table(spec: RouterSpec) -> str:
    """The whole table of the router, replaced in one transaction.

    From outside only what was translated to a floating IP, or belongs to a flow from inside, gets in; where ``snat`` is
    off, inside addresses are routed as they are.
    """
    text = "table inet boxship {\n}\ndelete table inet boxship\ntable inet boxship {\n"
    if spec.gateway:
        text += _maps(spec) + _chains(spec, naming.leg(spec.gateway.port_id))
    return text + _input(spec) + "}\n"


def _input(spec: RouterSpec) -> str:
    """What reaches the router itself: next to nothing, and from inside the metadata address."""
    inside = f'iifname != "{naming.leg(spec.gateway.port_id)}" ' if spec.gateway else ""
    return f"""  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    icmp type echo-request accept
    icmpv6 type {{ echo-request, nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }} accept
    {inside}ip daddr {METADATA} tcp dport 80 accept
  }}
"""


def _maps(spec: RouterSpec) -> str:
    text = ""
    for name, elements in _elements(spec).items():
        listed = f"\n    elements = {{ {_listed(elements)} }}" if elements else ""
        text += f"  map {name} {{\n    type {_TYPES[name]};{listed}\n  }}\n"
    return text


def _elements(spec: RouterSpec) -> dict[str, dict[str, str]]:
    """The content of each map."""
    led = forwarded(spec).items()
    return {
        "into": {str(entry.floating): str(entry.fixed) for entry in spec.floating},
        "out": {str(entry.fixed): str(entry.floating) for entry in spec.floating},
        "forward": {_key(*outside): f"{fixed} . {port}" for outside, (fixed, port) in led if port},
        "forward_same": {_key(*outside): fixed for outside, (fixed, port) in led if not port},
    }


def _listed(elements: Mapping[str, str]) -> str:
    return ", ".join(f"{key} : {value}" for key, value in elements.items())


def change(before: RouterSpec, after: RouterSpec) -> str | None:
    """What turns the table of one spec into that of the other, in one transaction that costs what differs; None: more than
    elements of maps does."""
    bare = [table(replace(spec, floating=(), forwardings=())) for spec in (before, after)]
    if bare[0] != bare[1] or not after.gateway:
        return None
    old, new = _elements(before), _elements(after)
    gone = {name: dict(old[name].items() - new[name].items()) for name in old}
    more = {name: dict(new[name].items() - old[name].items()) for name in new}
    lines = [f"delete element inet boxship {name} {{ {', '.join(keys)} }}" for name, keys in gone.items() if keys]
    lines += [f"add element inet boxship {name} {{ {_listed(pairs)} }}" for name, pairs in more.items() if pairs]
    return "".join(f"{line}\n" for line in lines)


_TYPES = {
    "into": "ipv4_addr : ipv4_addr",
    "out": "ipv4_addr : ipv4_addr",
    "forward": "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; flags interval",
    "forward_same": "ipv4_addr . inet_proto . inet_service : ipv4_addr; flags interval",
}


def _key(address: str, protocol: str, first: int, last: int) -> str:
    return f"{address} . {protocol} . {first}" + (f"-{last}" if last > first else "")


def key(listed: list[Any]) -> Outside:
    """As ``nft --json`` shows what ``forwarded`` has."""
    address, protocol, port = listed
    first, last = port["range"] if isinstance(port, dict) else (port, port)
    return address, protocol, first, last


def _chains(spec: RouterSpec, outside: str) -> str:
    text = "  chain prerouting {\n    type nat hook prerouting priority dstnat; policy accept;\n"
    text += "    dnat ip to ip daddr map @into\n"
    for name in ("forward", "forward_same"):
        text += (
            f"    meta l4proto {{ tcp, udp, sctp, dccp }} dnat ip to ip daddr . meta l4proto . th dport map @{name}\n"
        )
    text += "  }\n"
    text += "  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n"
    text += f'    oifname "{outside}" snat ip to ip saddr map @out\n'
    own = [address.ip for address in spec.gateway.addresses if address.version == 4] if spec.gateway else []
    if spec.snat and own:
        text += f'    oifname "{outside}" ip saddr != {own[0]} snat ip to {own[0]}\n'
    # A flow from inside to a floating IP of the same router comes back through it.
    text += f'    iifname != "{outside}" ct status dnat masquerade\n'
    text += "  }\n  chain forward {\n    type filter hook forward priority filter; policy accept;\n"
    if spec.snat:
        text += f'    iifname "{outside}" ct status dnat accept\n'
        text += f'    iifname "{outside}" ct state established,related accept\n'
        text += f'    iifname "{outside}" drop\n'
    return text + "  }\n"
