"""Who may send to this host's tunnels, as text of nft for a table in the host's own namespace; pure.

VXLAN has no proof of its sender. So packets to one of our tunnels (tunnel address, port and network identifier) are taken only
from the hosts that have the network; VXLAN of anybody else is none of our business. What containers send through the uplink
would leave under this host's own address: to the tunnels' port they can send nothing, wherever it goes.

Each flow in a tunnel has a source port of its own outside. The host does not track them: containers could fill its table of
flows with theirs, and they would cost time. The check of who sends comes behind that, when fragments are put together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from boxship.drivers.linux.interface import Address
from boxship.drivers.linux.naming import Naming

Element = tuple[str, str]
"""The name of a set, and what is in it."""


@dataclass(frozen=True, slots=True)
class End:
    """This host's end of a tunnel: where its packets come in."""

    vni: int
    local: Address
    port: int


_SETS = """
  set ours4 { typeof ip daddr . udp dport . @th,96,24; }
  set ours6 { typeof ip6 daddr . udp dport . @th,96,24; }
  set peers4 { typeof ip saddr . ip daddr . udp dport . @th,96,24; }
  set peers6 { typeof ip6 saddr . ip6 daddr . udp dport . @th,96,24; }
  set ports { type inet_service; }"""

_CHAINS = """
  chain arriving {
    type filter hook prerouting priority raw; policy accept;
    ip daddr . udp dport . @th,96,24 @ours4 notrack
    ip6 daddr . udp dport . @th,96,24 @ours6 notrack
  }
  chain leaving {
    type filter hook output priority raw; policy accept;
    ip saddr . udp dport . @th,96,24 @ours4 notrack
    ip6 saddr . udp dport . @th,96,24 @ours6 notrack
  }
  chain input {
    type filter hook input priority raw; policy accept;
    ip saddr . ip daddr . udp dport . @th,96,24 @peers4 accept
    ip daddr . udp dport . @th,96,24 @ours4 drop
    ip6 saddr . ip6 daddr . udp dport . @th,96,24 @peers6 accept
    ip6 daddr . udp dport . @th,96,24 @ours6 drop
  }"""


def elements(end: End, peers: Iterable[Address]) -> set[Element]:
    """What of a tunnel is in the sets."""
    here, version = f"{end.local} . {end.port} . {end.vni}", end.local.version
    found = {(f"peers{version}", f"{peer} . {here}") for peer in peers}
    return found | {(f"ours{version}", here), ("ports", str(end.port))}


def table(naming: Naming, wanted: Iterable[Element]) -> str:
    """The whole table, replaced in one transaction."""
    name = f"inet {naming.tunnels_table}"
    forward = "\n  chain forward {\n    type filter hook forward priority raw; policy accept;\n"
    forward += f'    iifname "{naming.uplinks}*" udp dport @ports drop\n  }}\n'
    filled = _lines(naming, "add", wanted)
    return f"{no_table(naming)}table {name} {{{_SETS}{_CHAINS}{forward}}}\n{filled}"


def no_table(naming: Naming) -> str:
    """Undo ``table``; repeatable."""
    name = f"inet {naming.tunnels_table}"
    return f"table {name} {{\n}}\ndelete table {name}\n"


def change(naming: Naming, before: set[Element], after: set[Element]) -> str:
    """Only the difference."""
    return _lines(naming, "delete", before - after) + _lines(naming, "add", after - before)


def _lines(naming: Naming, verb: str, changed: Iterable[Element]) -> str:
    table = f"inet {naming.tunnels_table}"
    return "".join(f"{verb} element {table} {name} {{ {text} }}\n" for name, text in sorted(changed))
