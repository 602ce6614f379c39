"""Security groups as a function, and the kernel's verdict on the same packets: for any rules and any flow they agree."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boxship.drivers.linux.interface import GroupSpec, PortSpec, RuleSpec
from tests.conformance.fabric.leftovers import leftovers
from tests.conformance.fabric.world import EVERYTHING, Wire, World, ethernet, icmpv6, ip, udp
from tests.conformance.fabric.world import checksum as internet_checksum

FRIENDS = "f0000000-0000-4000-8000-000000000001"
SENDER = {4: "10.0.0.11", 6: "fd00::11"}
RECEIVER = {4: "10.0.0.12", 6: "fd00::12"}
MEMBERS = st.sampled_from([(), ("10.0.0.11",), ("fd00::11",), ("10.0.0.12", "fd00::12"), ("10.0.0.11", "fd00::11")])
RANGES = {
    4: ["0.0.0.0/0", "10.0.0.0/24", "10.0.0.11/32", "10.0.0.12/31", "192.0.2.0/24"],
    6: ["::/0", "fd00::/64", "fd00::11/128", "fd00::12/127", "2001:db8::/32"],
}


@dataclass(frozen=True)
class Packet:
    """The first of a flow; for ICMP ``port`` is the type and ``code`` the code."""

    family: int
    protocol: int
    port: int
    code: int = 0


def allows(rule: RuleSpec, packet: Packet, members: tuple[str, ...]) -> bool:
    """What the API reference says of a rule, with nothing of nft in it."""
    if rule.family != packet.family or rule.protocol not in {None, packet.protocol}:
        return False
    other = ip_address((SENDER if rule.direction == "ingress" else RECEIVER)[packet.family])
    if rule.remote is not None and other not in rule.remote:
        return False
    if rule.remote_group and str(other) not in members:
        return False
    if rule.protocol is None or rule.port_min is None:
        return True
    if rule.protocol in {1, 58}:
        return packet.port == rule.port_min and rule.port_max in {None, packet.code}
    return rule.port_min <= packet.port <= (rule.port_min if rule.port_max is None else rule.port_max)


@st.composite
def rules(draw: st.DrawFn) -> RuleSpec:
    family = draw(st.sampled_from([4, 6]))
    protocol = draw(st.sampled_from([None, 6, 17, 1 if family == 4 else 58]))
    low = high = None
    if protocol in {6, 17} and draw(st.booleans()):
        low, high = sorted(draw(st.tuples(*[st.sampled_from([1, 79, 80, 81, 443, 65535])] * 2)))
    elif protocol in {1, 58} and draw(st.booleans()):
        low, high = (8 if protocol == 1 else 128), draw(st.sampled_from([None, 0, 1]))
    remote = draw(st.none() | st.sampled_from(RANGES[family]))
    return RuleSpec(
        direction=draw(st.sampled_from(["ingress", "egress"])),
        family=family,
        protocol=protocol,
        port_min=low,
        port_max=high,
        remote=ip_network(remote) if remote else None,
        remote_group=None if remote else draw(st.sampled_from([None, FRIENDS])),
    )


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    family, protocol = draw(st.sampled_from([4, 6])), draw(st.sampled_from(["tcp", "udp", "icmp"]))
    if protocol == "icmp":
        return Packet(family, 1 if family == 4 else 58, 8 if family == 4 else 128)
    return Packet(family, 6 if protocol == "tcp" else 17, draw(st.sampled_from([1, 80, 81, 443, 65535])))


@dataclass
class Range:
    """One fabric for all examples: making one for each would take most of the time."""

    world: World
    sender: PortSpec
    receiver: PortSpec
    groups: tuple[GroupSpec, GroupSpec, GroupSpec]
    loop: asyncio.AbstractEventLoop

    def arrives(
        self, packet: Packet, own: tuple[RuleSpec, ...], theirs: tuple[RuleSpec, ...], members: tuple[str, ...]
    ) -> bool:
        """Whether the packet gets from a port with the one group to a port with the other."""
        self.loop.run_until_complete(self._set(own, theirs, members))
        content, source_port = secrets.token_bytes(8), 1024 + secrets.randbelow(60_000)  # a flow of its own each time
        with closing(Wire(self.world, "a")) as sender, closing(Wire(self.world, "b")) as receiver:
            sender.send(self._frame(packet, content, source_port))
            sender.send(ethernet(self.receiver.mac, self.sender.mac, 0x0806, arp_of(self.sender, b"marker")))
            return any(content in frame for frame in receiver.until(b"marker"))

    async def _set(self, own: tuple[RuleSpec, ...], theirs: tuple[RuleSpec, ...], members: tuple[str, ...]) -> None:
        first, second, friends = self.groups
        fabric = self.world.fabric
        await fabric.ensure_group(replace(friends, members=tuple(ip_address(member) for member in members)))
        await fabric.ensure_group(replace(first, rules=own))
        await fabric.ensure_group(replace(second, rules=theirs))

    def _frame(self, packet: Packet, content: bytes, source_port: int) -> bytes:
        source, target = SENDER[packet.family], RECEIVER[packet.family]
        if packet.protocol == 17:
            payload = udp(source, target, content, (source_port, packet.port))
        elif packet.protocol == 6:
            payload = ip(source, target, 6, tcp(source, target, (source_port, packet.port), content))
        else:
            echo = bytes([packet.port, packet.code, 0, 0]) + source_port.to_bytes(2, "big") + b"\0\1" + content
            if packet.family == 6:
                payload = icmpv6(source, target, echo)
            else:
                payload = ip(source, target, 1, echo[:2] + internet_checksum(echo).to_bytes(2, "big") + echo[4:])
        return ethernet(self.receiver.mac, self.sender.mac, 0x0800 if packet.family == 4 else 0x86DD, payload)


def tcp(source: str, target: str, ports: tuple[int, int], content: bytes) -> bytes:
    """A SYN with content (RFC 9293)."""
    head = ports[0].to_bytes(2, "big") + ports[1].to_bytes(2, "big") + bytes(8) + b"\x50\x02\x20\x00" + bytes(4)
    segment = head + content
    pseudo = ip_address(source).packed + ip_address(target).packed
    pseudo += len(segment).to_bytes(4, "big") + (6).to_bytes(4, "big")
    return head[:16] + internet_checksum(pseudo + segment).to_bytes(2, "big") + head[18:] + content


def arp_of(port: PortSpec, marker: bytes) -> bytes:
    """An honest ARP request of the port, with something to know it by behind it."""
    mac = bytes.fromhex(port.mac.replace(":", ""))
    own, other = (ip_address(addresses[4]).packed for addresses in (SENDER, RECEIVER))
    return b"\0\1\x08\0\x06\x04\0\1" + mac + own + bytes(6) + other + marker.ljust(18, b"\0")


@pytest.fixture
def range_() -> Iterator[Range]:
    mark = secrets.token_hex(2)
    run = Path(f"/run/boxship-test-{mark}")
    loop = asyncio.new_event_loop()
    world = World(mark, run)
    loop.run_until_complete(world.fabric.open())
    try:
        yield loop.run_until_complete(prepared(world, loop))
    finally:
        loop.run_until_complete(world.fabric.destroy())
        loop.close()
    assert leftovers(mark, run) == []


async def prepared(world: World, loop: asyncio.AbstractEventLoop) -> Range:
    network = await world.network()
    friends = GroupSpec(FRIENDS, ())
    await world.fabric.ensure_group(friends)
    first, second = await world.group(*EVERYTHING), await world.group(*EVERYTHING)
    sender = await world.port(network, "a", "10.0.0.11/24", "fd00::11/64", groups=(first,))
    receiver = await world.port(network, "b", "10.0.0.12/24", "fd00::12/64", groups=(second,))
    # Whoever answers would open the flow for what comes later; the receiver is silent.
    world.output("b", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    return Range(world, sender, receiver, (first, second, friends), loop)


RULES = st.lists(rules(), max_size=4).map(tuple)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(packet=packets(), own=RULES, theirs=RULES, members=MEMBERS)
def test_the_kernel_means_what_the_rules_say(
    range_: Range, packet: Packet, own: tuple[RuleSpec, ...], theirs: tuple[RuleSpec, ...], members: tuple[str, ...]
) -> None:
    out = any(rule.direction == "egress" and allows(rule, packet, members) for rule in own)
    into = any(rule.direction == "ingress" and allows(rule, packet, members) for rule in theirs)
    assert range_.arrives(packet, own, theirs, members) == (out and into)


def test_the_range_itself_lets_packets_through(range_: Range) -> None:
    """So that the property shows something: with everything open, every kind arrives; with nothing, none."""
    kinds = [Packet(family, protocol, 80) for family in (4, 6) for protocol in (6, 17)]
    kinds += [Packet(4, 1, 8), Packet(6, 58, 128)]
    for packet in kinds:
        assert range_.arrives(packet, EVERYTHING, EVERYTHING, ()), packet
        assert not range_.arrives(packet, EVERYTHING, (), ()), packet
        assert not range_.arrives(packet, (), EVERYTHING, ()), packet
