"""The rules of the fabric: who may send as whom, and which groups are asked. Texts and elements of sets; pure.

Every guarded port has a number, unique among the ports of the host, and a mark, which is the number and a number for its
groups. Two tables in the fabric's namespace know it. ``bridge boxship`` looks at every frame as it leaves a port's cable (is
the sender who it says?) and before it enters one (is it for this port?), and gives it the sender's mark on the way in and the
receiver's on the way out. ``inet boxship`` sees the same packets through br_netfilter, with connection tracking in a zone
per network: it asks the groups of the sender (prerouting) and those of the receiver (forward). A map leads from the groups'
part of the mark to a chain that all ports with the same groups share, which jumps to the chain of each group (``rules``)
and drops what none of them accepts. So a port is some elements of sets, and neither its cost nor a packet's grows with
the number of ports. (The kernel follows every way from an element to a chain when one is added: a way for each port would
make ports slower with each one.)

Every packet, in either direction, is judged by the first packet of its flow (``ct original``): may the one who began
still send this, may the other still get it? A rule that is taken away therefore ends flows under way, both ways, in
the same instant, and no list of flows is ever searched. The sender's number also marks its flows; another port
that gets its address later has another number and does not inherit them.

Rules are in the order of how often they decide: packets of TCP in flows that are known pass the fewest, and each look into a
set costs a tenth of a microsecond. So chains begin with a short way for them that says what the long one would.

What tracking calls invalid is dropped, but for ICMP of kinds that it does not track: such a packet is judged by itself.
Ports of stateless groups are judged packet by packet instead, and what concerns only such ports (and routers, and ports
without a guard) is not tracked at all.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Interface, IPv6Address, collapse_addresses, ip_network

from boxship.drivers.linux import naming
from boxship.drivers.linux.interface import Address, Network, PortSpec
from boxship.drivers.linux.nfnetlink import Element

VERSION = "7"
"""Which tables these are: those of another version, and the ports in them, are made anew."""

FLOWS = 16384
"""How many flows one port can have begun at a time: the kernel's table of flows is one for all ports of the host."""

POLICIES, NUMBERS = 0x3FFF, 0x3FFFF
"""The mark of a port: fourteen bits for what it has in common with ports of the same groups, eighteen for its number."""

_SHIFT = 18
_POLICY = POLICIES << _SHIFT

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

# A packet that tracking has not seen though it should have has the template of its zone in the place of a flow
# (IPS_TEMPLATE, 1 << 11), which looks like a flow that is allowed.
_TRACKED = """
    ct status & 2048 == 2048 drop"""
# Fragments are put together before they are judged; but not those of which the first has not all headers (RFC 8200, 4.5).
_NO_PIECES = """
    exthdr frag exists drop"""

_TABLES = f"""
table bridge boxship {{
  map ports {{ type ifname : mark; }}
  set macs {{ type mark . ether_addr; }}
  set sources4 {{ type mark . ether_addr . ipv4_addr; }}
  set sources6 {{ type mark . ether_addr . ipv6_addr; }}
  set source_ranges4 {{ type mark . ether_addr . ipv4_addr; flags interval; }}
  set source_ranges6 {{ type mark . ether_addr . ipv6_addr; flags interval; }}
  set targets6 {{ typeof meta mark . @th,64,128; }}
  set target_ranges6 {{ typeof meta mark . @th,64,128; flags interval; }}
  set own4 {{ type mark . ipv4_addr; }}
  set own6 {{ type mark . ipv6_addr; }}
  set own_ranges4 {{ type mark . ipv4_addr; flags interval; }}
  set own_ranges6 {{ type mark . ipv6_addr; flags interval; }}
  chain advertised {{
    meta mark . @th,64,128 @targets6 return
    meta mark . @th,64,128 @target_ranges6 return
    drop
  }}
  chain source_arp {{
    meta mark . ether saddr != @macs drop
    meta mark . arp saddr ether . arp saddr ip @sources4 accept
    meta mark . arp saddr ether . arp saddr ip @source_ranges4 accept
    drop
  }}
  chain source4 {{
    ip protocol tcp meta mark . ether saddr . ip saddr @sources4 accept
    meta mark . ether saddr != @macs drop
    udp sport 67 drop
    meta mark . ether saddr . ip saddr @sources4 accept
    meta mark . ether saddr . ip saddr @source_ranges4 accept
    ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    drop
  }}
  chain source6 {{
    meta l4proto tcp meta mark . ether saddr . ip6 saddr @sources6 accept
    meta mark . ether saddr != @macs drop
    icmpv6 type {{ nd-router-advert, nd-redirect }} drop
    udp sport 547 drop
    icmpv6 type nd-neighbor-advert jump advertised
    ip6 saddr :: icmpv6 type {_UNSPECIFIED} accept
    meta mark . ether saddr . ip6 saddr @sources6 accept
    meta mark . ether saddr . ip6 saddr @source_ranges6 accept
    drop
  }}
  chain source {{
    ether type ip goto source4
    ether type ip6 goto source6
    ether type arp goto source_arp
    drop
  }}
  chain receiver4 {{
    meta mark . ip daddr @own4 accept
    meta mark . ip daddr @own_ranges4 accept
    ip daddr {{ 224.0.0.0/4, 255.255.255.255 }} accept
    drop
  }}
  chain receiver6 {{
    meta mark . ip6 daddr @own6 accept
    meta mark . ip6 daddr @own_ranges6 accept
    ip6 daddr ff00::/8 accept
    icmpv6 type {_DISCOVERY} accept
    drop
  }}
  chain receiver {{
    ether type ip goto receiver4
    ether type ip6 goto receiver6
    ether type arp accept
    drop
  }}
  chain prerouting {{
    type filter hook prerouting priority -300; policy accept;
    meta mark set 0
    meta mark set iifname map @ports goto source
  }}
  chain forward {{
    type filter hook forward priority -300; policy accept;
    meta mark set 0
    meta mark set oifname map @ports goto receiver
  }}
}}
table inet boxship {{
  map zones {{ typeof meta iifname : ct zone; }}
  map sends {{ type mark : verdict; }}
  map gets {{ type mark : verdict; }}
  map sends_alone {{ type mark : verdict; }}
  map gets_alone {{ type mark : verdict; }}
  map begun {{ type mark : verdict; }}
  set owners {{ type mark . mark; }}
  set stateless {{ type mark; }}
  set stations {{ type ifname . ether_addr; }}
  chain version_{VERSION} {{
  }}
  chain untracked {{
    ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 return
    iifname . ether daddr @stations return
    notrack
  }}
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    meta mark 0 jump untracked
    meta mark @stateless jump untracked
    ct zone set meta iifname map @zones
  }}
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
  }}
  chain sent {{{_TRACKED}
    ct state established ct direction reply meta mark & {_POLICY:#x} vmap @gets
    ct state established ct direction original ct mark . meta mark @owners meta mark & {_POLICY:#x} vmap @sends
    ct state new ct mark 0 ct mark set meta mark & {NUMBERS:#x}
    ct state new meta mark vmap @begun
    meta mark & {_POLICY:#x} vmap @sends_alone
    ct state invalid,untracked meta l4proto != {{ icmp, icmpv6 }} drop
    ct direction reply meta mark & {_POLICY:#x} vmap @gets
    ct mark . meta mark != @owners drop
    meta mark & {_POLICY:#x} vmap @sends
    drop
  }}
  chain egress {{
    type filter hook prerouting priority mangle; policy accept;
    meta mark 0 accept
    meta nfproto ipv4 meta l4proto tcp goto sent{_NO_PIECES}
    icmpv6 type {{ nd-router-advert, nd-redirect }} drop
    meta nfproto ipv4 udp sport 67 drop
    meta nfproto ipv6 udp sport 547 drop{_FROM_LINK}
    meta nfproto ipv4 udp sport 68 udp dport 67 accept
    meta nfproto ipv6 udp sport 546 udp dport 547 accept
    goto sent
  }}
  chain answered {{
    ct mark . meta mark != @owners drop
    meta mark & {_POLICY:#x} vmap @sends
    drop
  }}
  chain got {{{_TRACKED}
    ct state established ct direction original meta mark & {_POLICY:#x} vmap @gets
    ct state established ct direction reply ct mark . meta mark @owners meta mark & {_POLICY:#x} vmap @sends
    meta mark & {_POLICY:#x} vmap @gets_alone
    ct state invalid,untracked meta l4proto != {{ icmp, icmpv6 }} drop
    ct direction reply goto answered
    meta mark & {_POLICY:#x} vmap @gets
    drop
  }}
  chain ingress {{
    type filter hook forward priority filter; policy accept;
    meta mark 0 accept
    meta nfproto ipv4 meta l4proto tcp goto got{_NO_PIECES}{_FROM_LINK}
    meta nfproto ipv4 udp sport 67 udp dport 68 accept
    meta nfproto ipv6 udp sport 547 udp dport 546 accept
    goto got
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


def no_base() -> str:
    """Remove both tables, where they are, with all that is in them."""
    tables = ("table bridge boxship", "table inet boxship")
    return "".join(f"{table} {{\n}}\ndelete {table}\n" for table in tables)


def is_current(chains: Iterable[str]) -> bool:
    """Whether tables with these chains are those of this module, or there are none."""
    names = set(chains)
    return not names or f"version_{VERSION}" in names


def zone(bridge: str, segment: int) -> str:
    """Give a network's bridge its own conntrack zone."""
    return f'add element inet boxship zones {{ "{bridge}" : {segment} }}\n'


def no_zone(bridge: str, segment: int) -> str:
    """Undo ``zone``."""
    return f'delete element inet boxship zones {{ "{bridge}" : {segment} }}\n'


def forget_ports(chains: Iterable[str]) -> str:
    """Empty all sets and maps that lead to ports, and remove the chains of ports of these names."""
    text = ""
    for line in _TABLES.splitlines():
        if line.startswith("table "):
            table = line.removeprefix("table ").removesuffix(" {")
        kind, *name = line.split()[:2] or ("",)
        if kind in {"set", "map"} and name != ["zones"]:
            text += f"flush {kind} {table} {name[0]}\n"
    return text + "".join(f"flush chain inet boxship {c}\ndelete chain inet boxship {c}\n" for c in chains)


def policy(groups: Iterable[str], *, stateless: bool) -> str:
    """What ports with these groups have in common, as a word."""
    return f"{'u' if stateless else 'g'}_{hashlib.sha256(' '.join(sorted(groups)).encode()).hexdigest()[:16]}"


def shared(number: int, policy: str) -> str:
    """What the names of the two chains begin with that ports of the policy share, which has this number; ``_in`` and
    ``_out`` follow."""
    return f"p_{number:04x}_{policy}"


def policy_of(chain: str) -> tuple[int, str]:
    """The number and the policy in such a name."""
    return int(chain[2:6], 16), chain[7:]


def ways(chain: str) -> tuple[Element, Element]:
    """The elements that lead to the two chains of this name."""
    number, policy = policy_of(chain)
    key, way = struct.pack("=I", number << _SHIFT), "_alone" if policy.startswith("u") else ""
    return Element(f"inet sends{way}", key, chain=f"{chain}_out"), Element(f"inet gets{way}", key, chain=f"{chain}_in")


def mark(number: int, chain: str) -> int:
    """The mark of a port with this number and this shared chain."""
    return policy_of(chain)[0] << _SHIFT | number


def counter(number: int) -> str:
    """The chain that counts the flows that a port has begun.

    A set whose elements count would do the same without a chain; but each of its elements that is deleted makes the kernel
    (6.18) believe that one rule less needs the tracking of flows, until none is tracked any more.
    """
    return f"c_{number:08x}"


def is_of_ports(name: str) -> bool:
    """Whether this is the name of a chain of one port, or of one that ports share."""
    return name.startswith(("p_", "c_"))


def is_shared(name: str) -> bool:
    """Whether this is the name of a chain that ports share."""
    return name.startswith("p_")


def elements(spec: PortSpec, whole: int, bridge: str, *, stateless: bool) -> tuple[Element, ...]:
    """Everything about a port whose mark is ``whole``, but what it shares. Without a guard there is nothing to say."""
    if not spec.guarded:
        return ()
    mark, number = struct.pack("=I", whole), whole & NUMBERS
    found = [
        Element("bridge ports", _device(naming.tap(spec.id)), value=mark),
        Element("inet begun", mark, chain=counter(number)),
        Element("inet owners", struct.pack("=I", number) + mark),
    ]
    macs = {spec.mac, *(pair.mac for pair in spec.pairs)}
    if stateless:
        found.append(Element("inet stateless", mark))
    else:
        found += [Element("inet stations", _device(bridge) + _mac(mac)) for mac in macs]
    for mac in macs:
        found += [Element("bridge macs", mark + _mac(mac)), *_host(mark, mac, link_local(mac))]
    for address in spec.addresses:
        found += _host(mark, spec.mac, address.ip)
        if isinstance(address, IPv4Interface) and address.network.prefixlen < 31:
            found.append(Element("bridge own4", mark + address.network.broadcast_address.packed))
    found += _pairs(spec, whole)
    return tuple(dict.fromkeys(found))


def is_common(element: Element) -> bool:
    """Whether ports may have this element in common: two that take turns at one address also share its MAC (VRRP)."""
    return element.target == "inet stations"


def _host(mark: bytes, mac: str, address: Address) -> Iterator[Element]:
    """What lets a port send from an address and get what is sent to it."""
    yield Element(f"bridge sources{address.version}", mark + _mac(mac) + address.packed)
    yield Element(f"bridge own{address.version}", mark + address.packed)
    if isinstance(address, IPv6Address):
        yield Element("bridge targets6", mark + address.packed)


def _pairs(spec: PortSpec, whole: int) -> Iterator[Element]:
    """The same for the pairs, single addresses as such; ranges must not overlap in a set, so they are merged."""
    hosts = [pair for pair in spec.pairs if pair.network.num_addresses == 1]
    for pair in hosts:
        yield from _host(struct.pack("=I", whole), pair.mac, pair.network.network_address)
    wide = [pair for pair in spec.pairs if pair.network.num_addresses > 1]
    # Sets of ranges compare numbers in network order.
    mark = struct.pack("!I", whole)
    for version in (4, 6):
        for mac in {pair.mac for pair in wide}:
            own = _merged((pair.network for pair in wide if pair.mac == mac), version)
            yield from (_range(f"bridge source_ranges{version}", mark + _mac(mac), network) for network in own)
        everything = _merged((pair.network for pair in wide), version)
        yield from (_range(f"bridge own_ranges{version}", mark, network) for network in everything)
        if version == 6:
            yield from (_range("bridge target_ranges6", mark, network) for network in everything)


def _merged(networks: Iterable[Network], version: int) -> list[Network]:
    return [ip_network(str(n)) for n in collapse_addresses(n for n in networks if n.version == version)]  # type: ignore[type-var]  # of one version


def _range(target: str, head: bytes, network: Network) -> Element:
    return Element(target, head + network.network_address.packed, end=head + network.broadcast_address.packed)


def _device(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def _mac(mac: str) -> bytes:
    """A MAC as part of a key: parts are padded to four bytes."""
    return bytes.fromhex(mac.replace(":", "")) + bytes(2)


def link_local(mac: str) -> IPv6Address:
    """The link-local address of a MAC (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return IPv6Address(b"\xfe\x80" + bytes(6) + interface)
