"""Which flows a port's security groups allow: the meaning of the rules as a function. Pure.

Used to find the flows under way that a changed group no longer allows (``conntrack``), and by property tests as the
model that the kernel's verdict is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from boxship.drivers.linux.interface import Address, GroupSpec, RuleSpec

_WITH_PORTS = {6, 17, 132, 136}


@dataclass(frozen=True, slots=True)
class Flow:
    """The first packet of a flow: for ICMP ``port`` is the type and ``code`` the code."""

    protocol: int
    source: Address
    destination: Address
    source_port: int = 0
    port: int = 0
    code: int = 0


def allowed(flow: Flow, direction: str, groups: Iterable[str], known: Mapping[str, GroupSpec]) -> bool:
    """Whether any rule of the groups lets the flow pass; ``direction`` as seen from the port."""
    return any(_matches(rule, flow, direction, known) for id in groups if id in known for rule in known[id].rules)


def _matches(rule: RuleSpec, flow: Flow, direction: str, known: Mapping[str, GroupSpec]) -> bool:
    other = flow.source if direction == "ingress" else flow.destination
    if rule.direction != direction or rule.family != other.version:
        return False
    if rule.protocol is not None and rule.protocol != flow.protocol:
        return False
    if rule.remote_group is not None:
        group = known.get(rule.remote_group)
        if group is None or other not in group.members:
            return False
    elif rule.remote is not None and other not in rule.remote:
        return False
    return _port_matches(rule, flow)


def _port_matches(rule: RuleSpec, flow: Flow) -> bool:
    if rule.port_min is None or rule.protocol is None:
        return True
    if rule.protocol in {1, 58}:
        return flow.port == rule.port_min and rule.port_max in {None, flow.code}
    most = rule.port_min if rule.port_max is None else rule.port_max
    return flow.protocol in _WITH_PORTS and rule.port_min <= flow.port <= most
