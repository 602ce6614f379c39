"""The rules of the fabric as nft text: who may send as whom, and what security groups let through. Pure.

Two tables in the fabric's namespace. ``bridge boxship`` looks at every frame as it leaves a port's cable (is the sender who
it says?) and before it enters one (is it for this port?). ``inet boxship`` sees the same packets through br_netfilter, with
connection tracking in a zone per network, and asks the sender's and the receiver's groups. A port is found by a map
from bridge and address to its chain, so the cost does not grow with the number of ports; its chain jumps to one
chain per group, shared by all ports, and drops what none of them accepts.

Every packet, in either direction, is judged by the first packet of its flow (``ct original``): may the one who began
still send this, may the other still get it? A rule that is taken away therefore ends flows under way, both ways, in
the same instant, and no list of flows is ever searched. The sender's port also marks its flows; another port
that gets its address later has another mark and does not inherit them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, IPv6Network

from boxship.drivers.linux import naming
from boxship.drivers.linux.interface import Address, GroupSpec, Network, PortSpec, RuleSpec

VERSION = "3"
"""Which texts these are: a port that was filtered by others is filtered anew."""

_DISCOVERY = "{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert }"
_LISTENERS = "{ mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report }"
_UNSPECIFIED = (
    "{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld-listener-done, "
    "mld2-listener-report }"
)
# What neighbours on a link need of each other; a hop limit of 255 (1) shows that no router was in between (RFC 4861).
_FROM_LINK = f"""
    icmpv6 type {_DISCOVERY} ip6 hoplimit 255 accept
    icmpv6 type {_LISTENERS} ip6 hoplimit 1 accept"""

_TABLES = f"""
table bridge boxship {{
  set guarded {{ type ifname; }}
  set macs {{ type ifname . ether_addr; }}
  set sources4 {{ type ifname . ether_addr . ipv4_addr; }}
  set sources6 {{ type ifname . ether_addr . ipv6_addr; }}
  set ranges4 {{ type ifname . ether_addr . ipv4_addr; flags interval; }}
  set ranges6 {{ type ifname . ether_addr . ipv6_addr; flags interval; }}
  set targets6 {{ typeof iifname . @th,64,128; }}
  set own4 {{ type ifname . ipv4_addr; }}
  set own6 {{ type ifname . ipv6_addr; }}
  set own_ranges4 {{ type ifname . ipv4_addr; flags interval; }}
  set own_ranges6 {{ type ifname . ipv6_addr; flags interval; }}
  chain source {{
    iifname . ether saddr != @macs drop
    ether type arp iifname . arp saddr ether . arp saddr ip @sources4 accept
    ether type arp iifname . arp saddr ether . arp saddr ip @ranges4 accept
    ether type ip udp sport {{ 67 }} drop
    ether type ip iifname . ether saddr . ip saddr @sources4 accept
    ether type ip iifname . ether saddr . ip saddr @ranges4 accept
    ether type ip6 icmpv6 type {{ nd-router-advert, nd-redirect }} drop
    ether type ip6 udp sport {{ 547 }} drop
    ether type ip6 icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @targets6 drop
    ether type ip6 ip6 saddr :: icmpv6 type {_UNSPECIFIED} accept
    ether type ip6 iifname . ether saddr . ip6 saddr @sources6 accept
    ether type ip6 iifname . ether saddr . ip6 saddr @ranges6 accept
    drop
  }}
  chain receiver {{
    ether type arp accept
    ether type ip oifname . ip daddr @own4 accept
    ether type ip oifname . ip daddr @own_ranges4 accept
    ether type ip6 icmpv6 type {_DISCOVERY} accept
    ether type ip6 icmpv6 type {_LISTENERS} accept
    ether type ip6 oifname . ip6 daddr @own6 accept
    ether type ip6 oifname . ip6 daddr @own_ranges6 accept
    drop
  }}
  chain prerouting {{
    type filter hook prerouting priority -300; policy accept;
    iifname @guarded goto source
  }}
  chain forward {{
    type filter hook forward priority -300; policy accept;
    oifname @guarded goto receiver
  }}
}}
table inet boxship {{
  map zones {{ typeof meta iifname : ct zone; }}
  map egress4 {{ type ifname . ipv4_addr : verdict; }}
  map egress6 {{ type ifname . ipv6_addr : verdict; }}
  map egress_ranges4 {{ type ifname . ipv4_addr : verdict; flags interval; }}
  map egress_ranges6 {{ type ifname . ipv6_addr : verdict; flags interval; }}
  map ingress4 {{ type ifname . ipv4_addr : verdict; }}
  map ingress6 {{ type ifname . ipv6_addr : verdict; }}
  map ingress_ranges4 {{ type ifname . ipv4_addr : verdict; flags interval; }}
  map ingress_ranges6 {{ type ifname . ipv6_addr : verdict; flags interval; }}
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    ct zone set meta iifname map @zones
  }}
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
  }}
  chain egress_stray {{
    iifname . ip saddr vmap @egress4
    iifname . ip6 saddr vmap @egress6
    iifname . ip saddr vmap @egress_ranges4
    iifname . ip6 saddr vmap @egress_ranges6
  }}
  chain ingress_stray {{
    oifname . ip daddr vmap @ingress4
    oifname . ip6 daddr vmap @ingress6
    oifname . ip daddr vmap @ingress_ranges4
    oifname . ip6 daddr vmap @ingress_ranges6
  }}
  chain egress {{
    type filter hook forward priority filter; policy accept;{_FROM_LINK}
    ct state invalid,untracked goto egress_stray
    iifname . ct original ip saddr vmap @egress4
    iifname . ct original ip6 saddr vmap @egress6
    iifname . ct original ip saddr vmap @egress_ranges4
    iifname . ct original ip6 saddr vmap @egress_ranges6
  }}
  chain ingress {{
    type filter hook forward priority filter + 10; policy accept;{_FROM_LINK}
    ct state invalid,untracked goto ingress_stray
    oifname . ct original ip daddr vmap @ingress4
    oifname . ct original ip6 daddr vmap @ingress6
    oifname . ct original ip daddr vmap @ingress_ranges4
    oifname . ct original ip6 daddr vmap @ingress_ranges6
  }}
}}
"""


def base() -> str:
    """Both tables: made where they are missing, their fixed chains replaced where they are there; ports and groups stay."""
    lines, flushed, table = [], [], ""
    for line in _TABLES.splitlines():
        if line.startswith("table "):
            table = line.removeprefix("table ").removesuffix(" {")
        if line.startswith("  chain "):
            flushed.append(f"flush chain {table} {line.removeprefix('  chain ').removesuffix(' {')}")
        if not line.startswith("    ") or line.startswith("    type "):
            lines.append(line)
    return "\n".join([*lines, *flushed]) + "\n" + _TABLES


def zone(bridge: str, segment: int) -> str:
    """Give a network's bridge its own conntrack zone."""
    return f'add element inet boxship zones {{ "{bridge}" : {segment} }}\n'


def no_zone(bridge: str, segment: int) -> str:
    """Undo ``zone``."""
    return f'delete element inet boxship zones {{ "{bridge}" : {segment} }}\n'


FLOWS = 16384
"""How many flows one port can have begun at a time: the kernel's table of flows is one for all ports of the host."""

_COUNTED = f"    ct state new ct count over {FLOWS} drop\n"
_MARKED = "    ct state new ct mark 0 ct mark set {mark}\n    ct mark != {mark} drop\n"


def _mark(id: str) -> str:
    """What a port's flows are marked with: never 0, which is no mark."""
    return hex(zlib.crc32(id.encode()) or 1)


def port(spec: PortSpec) -> str:
    """Everything about a port, given that nothing about it is there yet. Without a guard there is nothing to say."""
    if not spec.guarded:
        return ""
    lines = []
    for direction in ("in", "out"):
        chain = _port_chain(spec.id, direction)
        jumps = "\n".join(f"    jump {_group_chain(group, direction)}" for group in spec.groups)
        own = _COUNTED + _MARKED.format(mark=_mark(spec.id)) if direction == "out" else ""
        first = f"    ct state invalid,untracked drop\n{own}"
        lines.append(f"table inet boxship {{\n  chain {chain} {{\n{first}{jumps}\n    drop\n  }}\n}}\n")
    return "".join(lines) + "".join(f"add {line}\n" for line in _elements(spec))


def no_elements(spec: PortSpec) -> str:
    """Take away what leads to the port, however much of it is there: what is to go is first made sure to be there."""
    return "".join(f"add {line}\ndelete {line}\n" for line in _elements(spec)) if spec.guarded else ""


def no_port(id: str, undo: Iterable[str]) -> str:
    """Undo ``port``; ``undo`` is ``no_elements`` of every spec of the port that may be there.

    The chains go last, and once: as long as an element of any spec leads to them, the kernel keeps them.
    """
    chains = [f"chain inet boxship {_port_chain(id, direction)}" for direction in ("in", "out")]
    declared = "".join(f"add {chain}\n" for chain in chains)
    gone = "".join(f"flush {chain}\ndelete {chain}\n" for chain in chains)
    return declared + "".join(undo) + declared + gone


def is_port_chain(name: str) -> bool:
    """Whether this is the name of a port's chain."""
    return name.startswith("p_")


def forget_ports(chains: Iterable[str]) -> str:
    """Empty all sets and maps that lead to ports, and remove the chains of these names."""
    maps = [f"{way}{kind}{family}" for way in ("egress", "ingress") for kind in ("", "_ranges") for family in (4, 6)]
    sets = ["guarded", "macs", "targets6"]
    sets += [f"{kind}{family}" for kind in ("sources", "ranges", "own", "own_ranges") for family in (4, 6)]
    text = "".join(f"flush set bridge boxship {name}\n" for name in sets)
    text += "".join(f"flush map inet boxship {name}\n" for name in maps)
    return text + "".join(f"flush chain inet boxship {c}\ndelete chain inet boxship {c}\n" for c in chains)


def _elements(spec: PortSpec) -> Iterable[str]:
    """The elements that lead to a port: one line of nft per set or map that has any."""
    tap, bridge = naming.tap(spec.id), naming.bridge(spec.network_id)
    found: dict[str, list[str]] = {"bridge boxship guarded": [f'"{tap}"']}

    def put(target: str, *parts: str, chain: str = "") -> None:
        element = " . ".join(parts) + (f" : jump {chain}" if chain else "")
        if element not in found.setdefault(target, []):
            found[target].append(element)

    into, out = _port_chain(spec.id, "in"), _port_chain(spec.id, "out")
    senders = [(spec.mac, address.ip, "sources", "own") for address in spec.addresses]
    ranges = [(pair.mac, pair.network, "ranges", "own_ranges") for pair in spec.pairs]
    for mac in {spec.mac, *(pair.mac for pair in spec.pairs)}:
        put("bridge boxship macs", f'"{tap}"', mac)
        put("bridge boxship sources6", f'"{tap}"', mac, str(link_local(mac)))
        put("bridge boxship targets6", f'"{tap}"', hex(int(link_local(mac))))
    for mac, what, sources, own in [*senders, *ranges]:
        family = what.version
        suffix = "_ranges" if sources == "ranges" else ""
        put(f"bridge boxship {sources}{family}", f'"{tap}"', mac, str(what))
        put(f"bridge boxship {own}{family}", f'"{tap}"', str(what))
        put(f"inet boxship egress{suffix}{family}", f'"{bridge}"', str(what), chain=out)
        put(f"inet boxship ingress{suffix}{family}", f'"{bridge}"', str(what), chain=into)
        for target in _targets(what):
            put("bridge boxship targets6", f'"{tap}"', hex(int(target)))
    return [f"element {target} {{ {', '.join(elements)} }}" for target, elements in found.items()]


def _targets(what: Address | Network) -> Sequence[IPv6Address]:
    """The addresses that neighbour advertisements may speak for; of a range, the first only."""
    if isinstance(what, IPv6Address):
        return [what]
    return [what.network_address] if isinstance(what, IPv6Network) else []


def link_local(mac: str) -> IPv6Address:
    """The link-local address of a MAC (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return IPv6Address(b"\xfe\x80" + bytes(6) + interface)


def group(spec: GroupSpec) -> str:
    """A group's sets of members and its two chains, replaced as a whole."""
    id = naming.token(spec.id)
    lines = ["table inet boxship {"]
    for family in (4, 6):
        lines.append(f"  set m{family}_{id} {{ type ipv{family}_addr; }}")
    for remote in sorted(remotes(spec.rules) - {spec.id}):
        lines += [f"  set m{family}_{naming.token(remote)} {{ type ipv{family}_addr; }}" for family in (4, 6)]
    lines += [f"  chain {_group_chain(spec.id, direction)} {{\n  }}" for direction in ("in", "out")]
    lines.append("}")
    for direction, word in (("in", "ingress"), ("out", "egress")):
        chain = f"inet boxship {_group_chain(spec.id, direction)}"
        lines.append(f"flush chain {chain}")
        texts = dict.fromkeys(_rule(rule) for rule in spec.rules if rule.direction == word)
        lines += [f"add rule {chain} {text} accept" for text in texts]
    return "\n".join(lines) + "\n" + members(spec)


def members(spec: GroupSpec) -> str:
    """The addresses of a group's members, replaced as a whole."""
    id = naming.token(spec.id)
    lines = []
    for family in (4, 6):
        lines.append(f"flush set inet boxship m{family}_{id}")
        own = sorted({str(address) for address in spec.members if address.version == family})
        if own:
            lines.append(f"add element inet boxship m{family}_{id} {{ {', '.join(own)} }}")
    return "\n".join(lines) + "\n"


def no_group(id: str) -> str:
    """Undo ``group``, however much of it is there; the sets stay, empty, for rules of other groups that read them."""
    lines = ["table inet boxship {"]
    lines += [f"  set m{family}_{naming.token(id)} {{ type ipv{family}_addr; }}" for family in (4, 6)]
    lines += [f"  chain {_group_chain(id, direction)} {{\n  }}" for direction in ("in", "out")]
    lines.append("}")
    for direction in ("in", "out"):
        chain = f"inet boxship {_group_chain(id, direction)}"
        lines += [f"flush chain {chain}", f"delete chain {chain}"]
    lines += [f"flush set inet boxship m{family}_{naming.token(id)}" for family in (4, 6)]
    return "\n".join(lines) + "\n"


def no_members(token: str) -> str:
    """Remove the (empty) sets of a group that is gone, by ``naming.token`` of its id."""
    return "".join(f"delete set inet boxship m{family}_{token}\n" for family in (4, 6))


def remotes(rules: Iterable[RuleSpec]) -> set[str]:
    """The groups that the rules name as the other side."""
    return {rule.remote_group for rule in rules if rule.remote_group}


def _rule(rule: RuleSpec) -> str:
    """One rule as a match on the first packet of a flow: family, other side, protocol, ports."""
    family = "ip" if rule.family == 4 else "ip6"
    side = f"ct original {family} {'saddr' if rule.direction == 'ingress' else 'daddr'}"
    parts = [f"meta nfproto ipv{rule.family}"]
    if rule.remote_group:
        parts.append(f"{side} @m{rule.family}_{naming.token(rule.remote_group)}")
    elif rule.remote is not None and rule.remote.prefixlen:
        parts.append(f"{side} {rule.remote}")
    if rule.protocol is not None:
        parts.append(f"ct original protocol {rule.protocol}")
    return " ".join(parts + _ports(rule))


def _ports(rule: RuleSpec) -> list[str]:
    """Ports of TCP, UDP, SCTP and the like; of ICMP type and code, which tracking keeps where others have the port."""
    if rule.port_min is None or rule.protocol is None:
        return []
    if rule.protocol in {1, 58}:
        if rule.port_max is None:
            return [f"ct original proto-dst & 0xff00 == {rule.port_min << 8}"]
        return [f"ct original proto-dst {rule.port_min << 8 | rule.port_max}"]
    most = rule.port_min if rule.port_max is None else rule.port_max
    ports = str(rule.port_min) if most == rule.port_min else f"{rule.port_min}-{most}"
    return [f"ct original proto-dst {ports}"]


def _port_chain(id: str, direction: str) -> str:
    return f"p_{naming.token(id)}_{direction}"


def _group_chain(id: str, direction: str) -> str:
    return f"g_{naming.token(id)}_{direction}"
