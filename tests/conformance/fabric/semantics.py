"""What Neutron's API says of ports and security groups, as functions of a packet; knows no nftables and no driver.

From the API reference (ports: ``port_security_enabled``, ``allowed_address_pairs``; security groups: ``stateful``; security
group rules) and the administration guide: what no rule of any group of the port allows is dropped, in both directions;
rules of all groups of a port add up; a port may only send as one of its addresses with its MAC, or as one of its pairs;
answers need no rule where the group is stateful. DHCP and neighbour discovery, which work without rules, are not asked of
this model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from boxship.drivers.linux.interface import Address, GroupSpec, PortSpec, RuleSpec

ICMP = {1, 58}
ANSWERS = {8: 0, 128: 129}
"""Types of ICMP that ask, with those that answer."""

Groups = Mapping[str, GroupSpec]


@dataclass(frozen=True)
class Packet:
    """The first of a flow, or its answer. For ICMP ``port`` is the type and ``code`` the code."""

    protocol: int
    mac: str
    source: Address
    target: Address
    source_port: int = 0
    port: int = 0
    code: int = 0

    @property
    def family(self) -> int:
        return self.source.version

    def answer(self, mac: str) -> Packet:
        """What the other side would say, from its MAC."""
        back = replace(self, mac=mac, source=self.target, target=self.source)
        if self.protocol in ICMP:
            return replace(back, port=ANSWERS[self.port])
        return replace(back, source_port=self.port, port=self.source_port)


def arrives(packet: Packet, sender: PortSpec, receiver: PortSpec, groups: Groups) -> bool:
    """Whether a packet that answers nothing gets from one port to the other."""
    return (
        speaks_as(sender, packet.mac, packet.source)
        and is_allowed(packet, sender, "egress", groups)
        and listens_to(receiver, packet.target)
        and is_allowed(packet, receiver, "ingress", groups)
    )


def answer_arrives(answer: Packet, asker: PortSpec, answerer: PortSpec, groups: Groups) -> bool:
    """Whether the answer to a packet that arrived gets back to who asked."""
    return (
        speaks_as(answerer, answer.mac, answer.source)
        and (is_stateful(answerer, groups) or is_allowed(answer, answerer, "egress", groups))
        and listens_to(asker, answer.target)
        and (is_stateful(asker, groups) or is_allowed(answer, asker, "ingress", groups))
    )


def speaks_as(port: PortSpec, mac: str, address: Address) -> bool:
    """Whether the port may say that it has this MAC and this address."""
    own = mac == port.mac and address in {interface.ip for interface in port.addresses}
    return not port.guarded or own or any(pair.mac == mac and address in pair.network for pair in port.pairs)


def listens_to(port: PortSpec, address: Address) -> bool:
    """Whether what is sent to the address is for this port."""
    own = address in {interface.ip for interface in port.addresses}
    return not port.guarded or own or any(address in pair.network for pair in port.pairs)


def is_stateful(port: PortSpec, groups: Groups) -> bool:
    """All groups of a port are of one kind; one without any, or without a guard, lets answers pass or has no say in it."""
    return all(groups[id].stateful for id in port.groups) or not port.guarded


def is_allowed(packet: Packet, port: PortSpec, direction: str, groups: Groups) -> bool:
    """Whether a rule of a group of the port allows the packet in this direction."""
    if not port.guarded:
        return True
    rules = [rule for id in port.groups for rule in groups[id].rules if rule.direction == direction]
    return any(_matches(rule, packet, groups) for rule in rules)


def _matches(rule: RuleSpec, packet: Packet, groups: Groups) -> bool:
    other = packet.source if rule.direction == "ingress" else packet.target
    if rule.family != packet.family or rule.protocol not in {None, packet.protocol}:
        return False
    if rule.remote is not None and other not in rule.remote:
        return False
    if rule.remote_group is not None and other not in groups[rule.remote_group].members:
        return False
    if rule.protocol is None or rule.port_min is None:
        return True
    if rule.protocol in ICMP:
        return packet.port == rule.port_min and rule.port_max in {None, packet.code}
    return rule.port_min <= packet.port <= (rule.port_min if rule.port_max is None else rule.port_max)


def members(ports: tuple[PortSpec, ...], group: str) -> tuple[Address, ...]:
    """The addresses of a remote group: those of its ports, and of their pairs."""
    of_group = [port for port in ports if group in port.groups]
    fixed = [interface.ip for port in of_group for interface in port.addresses]
    pairs = [pair.network for port in of_group for pair in port.pairs]
    single = [ip_address(network.network_address) for network in pairs if network.num_addresses == 1]
    return tuple(dict.fromkeys([*fixed, *single]))
