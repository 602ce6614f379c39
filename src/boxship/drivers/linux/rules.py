"""Security groups as chains: their rules as the kernel's expressions, their members as sets. Pure.

Rules of a stateful group look at the first packet of a flow (``ct original``), those of a stateless one at each packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace

from boxship.drivers.linux import naming
from boxship.drivers.linux import nfnetlink as nf
from boxship.drivers.linux.interface import Address, GroupSpec, RuleSpec

_STATEFUL, _STATELESS = "g", "u"
_ICMP = {1, 58}


def chain(id: str, direction: str, *, stateful: bool) -> str:
    """The chain of a group for ``direction`` ``in`` or ``out``."""
    return f"{_STATEFUL if stateful else _STATELESS}_{naming.token(id)}_{direction}"


def seen(chains: Iterable[str]) -> dict[str, bool]:
    """The groups that these chains belong to, and whether each is stateful."""
    names = [name for name in chains if name.startswith((f"{_STATEFUL}_", f"{_STATELESS}_")) and name.endswith("_in")]
    return {name[2:-3].replace("_", "-"): name.startswith(_STATEFUL) for name in names}


def member_sets(id: str) -> tuple[str, str]:
    """The sets of a group's members, IPv4 and IPv6."""
    return (f"m4_{naming.token(id)}", f"m6_{naming.token(id)}")


def put(spec: GroupSpec) -> nf.Batch:
    """A group's sets of members and its two chains, replaced as a whole."""
    batch = nf.Batch()
    for id in (spec.id, *sorted(remotes(spec.rules) - {spec.id})):
        for family, name in zip((4, 6), member_sets(id), strict=True):
            batch.add_address_set(name, family)
    for direction, word in (("in", "ingress"), ("out", "egress")):
        rules = [rule for rule in spec.rules if rule.direction == word]
        texts = [_rule(rule, stateful=spec.stateful) for rule in rules]
        if spec.stateful:
            texts += [text for rule in rules if (text := _icmp_in_no_flow(rule))]
        batch.replace_chain(chain(spec.id, direction, stateful=spec.stateful), [*dict.fromkeys(texts)])
    for name in member_sets(spec.id):
        batch.flush_set(name)
    batch.add(_members(spec.id, spec.members))
    return batch


def change_members(spec: GroupSpec, before: Iterable[Address]) -> nf.Batch:
    """Only the difference between the members that are there and those of the spec."""
    old, new = set(before), set(spec.members)
    batch = nf.Batch()
    batch.delete(_members(spec.id, old - new))
    batch.add(_members(spec.id, new - old))
    return batch


def _members(id: str, members: Iterable[Address]) -> list[nf.Element]:
    names = dict(zip((4, 6), member_sets(id), strict=True))
    return [nf.Element(f"inet {names[address.version]}", address.packed) for address in dict.fromkeys(members)]


def remove(id: str, *, stateful: bool) -> nf.Batch:
    """Remove a group's chains; the sets stay, empty, for rules of other groups that read them."""
    batch = remove_chains(id, stateful=stateful)
    for family, name in zip((4, 6), member_sets(id), strict=True):
        batch.add_address_set(name, family)
        batch.flush_set(name)
    return batch


def remove_chains(id: str, *, stateful: bool) -> nf.Batch:
    """Remove a group's chains, whether they are there or not. Busy: a port is filtered by them."""
    batch = nf.Batch()
    for direction in ("in", "out"):
        name = chain(id, direction, stateful=stateful)
        batch.replace_chain(name, ())
        batch.delete_chain(name)
    return batch


def remove_members(id: str) -> nf.Batch:
    """Remove the (empty) sets of a group that is gone. Busy: a rule reads them."""
    batch = nf.Batch()
    for name in member_sets(id):
        batch.delete_set(name)
    return batch


def remotes(rules: Iterable[RuleSpec]) -> set[str]:
    """The groups that the rules name as the other side."""
    return {rule.remote_group for rule in rules if rule.remote_group}


def _icmp_in_no_flow(rule: RuleSpec) -> bytes:
    """Tracking knows questions and answers of ICMP and errors about flows; whatever else there is, is judged by itself."""
    number = 1 if rule.family == 4 else 58
    if rule.protocol not in {None, number}:
        return b""
    return nf.in_no_flow() + _rule(replace(rule, protocol=number), stateful=False)


def _rule(rule: RuleSpec, *, stateful: bool) -> bytes:
    """One rule, accepting: family, other side, protocol, ports."""
    text = nf.family_is(rule.family)
    if rule.remote_group:
        members = member_sets(rule.remote_group)[0 if rule.family == 4 else 1]
        text += _other_side(rule, stateful=stateful) + nf.is_in(members)
    elif rule.remote is not None and rule.remote.prefixlen:
        mask = b"" if rule.remote.num_addresses == 1 else rule.remote.netmask.packed
        text += _other_side(rule, stateful=stateful) + nf.equals(rule.remote.network_address.packed, mask)
    if rule.protocol is None:
        return text + nf.accept()
    own = nf.flow(nf.FLOW_PROTOCOL) + nf.equals(bytes([rule.protocol]))
    text += own if stateful else nf.protocol_is(rule.protocol)
    return text + _ports(rule, stateful=stateful) + nf.accept()


def _other_side(rule: RuleSpec, *, stateful: bool) -> bytes:
    """Load the address that is not the port's."""
    ingress = rule.direction == "ingress"
    if stateful:
        return nf.flow((nf.FLOW_SOURCE if ingress else nf.FLOW_TARGET)[rule.family])
    start, length = (12, 4) if rule.family == 4 else (8, 16)
    return nf.network_header(start if ingress else start + length, length)


def _ports(rule: RuleSpec, *, stateful: bool) -> bytes:
    """Ports of TCP, UDP, SCTP and the like; of ICMP type and code, which tracking keeps where others have the port."""
    if rule.port_min is None:
        return b""
    if rule.protocol in _ICMP:
        text = nf.flow(nf.FLOW_TARGET_PORT) if stateful else nf.transport_header(0, 2)
        code = bytes([rule.port_min, rule.port_max or 0])
        return text + nf.equals(code, b"" if rule.port_max is not None else b"\xff\0")
    text = nf.flow(nf.FLOW_TARGET_PORT) if stateful else nf.transport_header(2, 2)
    most = rule.port_min if rule.port_max is None else rule.port_max
    least, last = struct.pack("!H", rule.port_min), struct.pack("!H", most)
    return text + (nf.equals(least) if least == last else nf.between(least, last))
