"""Security groups: what opens, what closes, in both directions and for flows under way."""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from boxship.core import errors
from boxship.drivers.linux.interface import GroupSpec, RuleSpec
from tests.conformance.fabric.world import (
    EVERYTHING,
    EVERYTHING_OUT,
    PATIENCE,
    Wire,
    World,
    checksum,
    ethernet,
    ip,
    octets,
    udp,
)

TCP, UDP, ICMP = 6, 17, 1


async def test_a_rule_opens_one_port_and_no_other(world: World) -> None:
    web = await world.group(*EVERYTHING_OUT, RuleSpec("ingress", 4, TCP, 80, 80), RuleSpec("ingress", 6, TCP, 90, 99))
    await world.pair(await world.network(), web)
    assert world.reaches("a", "b", "10.0.0.12", 80)
    assert not world.reaches("a", "b", "10.0.0.12", 81)
    assert not world.reaches("a", "b", "fd00::12", 80)
    assert world.reaches("a", "b", "fd00::12", 95)


async def test_egress_is_closed_unless_a_rule_opens_it(world: World) -> None:
    inward = await world.group(RuleSpec("ingress", 4))
    outward = await world.group(RuleSpec("egress", 4, TCP, 80, 90))
    network = await world.network()
    await world.port(network, "a", "10.0.0.11/24", groups=(inward, outward))
    await world.port(network, "b", "10.0.0.12/24", groups=(inward,))
    assert world.reaches("a", "b", "10.0.0.12", 85)
    assert not world.reaches("a", "b", "10.0.0.12", 91)
    assert not world.reaches("b", "a", "10.0.0.11", 85), "an answer may leave, a question may not"


async def test_ranges_of_addresses(world: World) -> None:
    near = RuleSpec("ingress", 4, TCP, remote=ip_network("10.0.0.12/31"))
    await world.pair(await world.network(), await world.group(*EVERYTHING_OUT, near))
    assert world.reaches("b", "a", "10.0.0.11")
    assert not world.reaches("a", "b", "10.0.0.12")


async def test_icmp_by_type(world: World) -> None:
    ping = await world.group(*EVERYTHING_OUT, RuleSpec("ingress", 4, ICMP, 8, 0), RuleSpec("ingress", 6, 58, 128))
    await world.pair(await world.network(), ping)
    for address in ("10.0.0.12", "fd00::12"):
        assert "1 received" in world.output("a", "ping", "-c1", "-W5", address)
    assert not world.reaches("a", "b", "10.0.0.12")


async def test_members_of_a_remote_group(world: World) -> None:
    """Open to members by both families, closed to others, and closed again once one is no member any more."""
    network = await world.network()
    friends = await world.group(*EVERYTHING_OUT, members=("10.0.0.11", "fd00::11"))
    remote = tuple(RuleSpec("ingress", family, remote_group=friends.id) for family in (4, 6))
    guarded = await world.group(*remote)
    await world.port(network, "a", "10.0.0.11/24", "fd00::11/64", groups=(friends,))
    await world.port(network, "b", "10.0.0.12/24", "fd00::12/64", groups=(guarded,))
    await world.port(network, "c", "10.0.0.13/24", groups=(await world.group(*EVERYTHING_OUT),))
    assert world.reaches("a", "b", "10.0.0.12")
    assert world.reaches("a", "b", "fd00::12")
    assert not world.reaches("c", "b", "10.0.0.12")
    await world.fabric.ensure_group(replace(friends, members=(ip_address("10.0.0.13"),)))
    assert world.reaches("c", "b", "10.0.0.12")
    assert not world.reaches("a", "b", "10.0.0.12")


async def test_a_rule_that_names_a_group_which_comes_later(world: World) -> None:
    network = await world.network()
    later = "7d0c3b0e-0000-4000-8000-000000000001"
    guarded = await world.group(RuleSpec("ingress", 4, remote_group=later))
    await world.port(network, "a", "10.0.0.11/24", groups=(await world.group(*EVERYTHING_OUT),))
    await world.port(network, "b", "10.0.0.12/24", groups=(guarded,))
    assert not world.reaches("a", "b", "10.0.0.12")
    await world.fabric.ensure_group(GroupSpec(later, (), (ip_address("10.0.0.11"),)))
    assert world.reaches("a", "b", "10.0.0.12")
    await world.fabric.remove_group(later)
    assert not world.reaches("a", "b", "10.0.0.12"), "a group that is gone has no members"
    await world.fabric.ensure_group(replace(guarded, rules=()))
    assert later.replace("-", "_") not in world.rules(), "and nothing of it stays"


@pytest.mark.parametrize("direction", ["ingress", "egress"])
async def test_an_open_connection_ends_with_its_rule(world: World, direction: str) -> None:
    """TCP, both ways of the flow: nothing passes any more, and opening the rule again lets new flows through."""
    network = await world.network()
    open_rules = EVERYTHING
    shut = tuple(rule for rule in EVERYTHING if rule.direction != direction)
    client_group, server_group = await world.group(*EVERYTHING), await world.group(*EVERYTHING)
    await world.port(network, "a", "10.0.0.11/24", groups=(client_group,))
    await world.port(network, "b", "10.0.0.12/24", groups=(server_group,))
    changed = server_group if direction == "ingress" else client_group
    with world.listening("b", "10.0.0.12", 80) as server, closing(world.connection("a", "10.0.0.12")) as client:
        client.connect(("10.0.0.12", 80))
        accepted = server.accept()[0]
        with closing(accepted):
            accepted.settimeout(PATIENCE)
            client.sendall(b"before")
            assert accepted.recv(64) == b"before"
            await world.fabric.ensure_group(replace(changed, rules=shut))
            client.settimeout(PATIENCE)
            client.sendall(b"after")
            with pytest.raises(TimeoutError):
                accepted.recv(64)
            accepted.sendall(b"from the other side")
            with pytest.raises(TimeoutError):
                client.recv(64)
    assert not world.reaches("a", "b", "10.0.0.12", 81)
    await world.fabric.ensure_group(replace(changed, rules=open_rules))
    assert world.reaches("a", "b", "10.0.0.12", 82)


class Stream:
    """UDP from ``a`` to ``b`` with answers: the flow that is under way."""

    def __init__(self, world: World) -> None:
        self.client = world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)
        self.server = world.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)

    def question(self) -> bool:
        return self._passes(self.client, self.server, ("10.0.0.12", 4000))

    def answer(self) -> bool:
        return self._passes(self.server, self.client, ("10.0.0.11", 5000))

    def _passes(self, sender: socket.socket, receiver: socket.socket, to: tuple[str, int]) -> bool:
        receiver.settimeout(PATIENCE)
        sender.sendto(b"word", to)
        try:
            return receiver.recv(64) == b"word"
        except TimeoutError:
            return False

    def close(self) -> None:
        self.client.close()
        self.server.close()


async def test_answers_of_a_udp_flow_end_with_the_rule(world: World) -> None:
    """The server alone keeps sending: its packets are replies of a flow that nothing allows any more."""
    group = await world.group(*EVERYTHING_OUT, RuleSpec("ingress", 4, UDP, 4000, 4000))
    await world.port(
        network := await world.network(), "a", "10.0.0.11/24", groups=(await world.group(RuleSpec("egress", 4)),)
    )
    await world.port(network, "b", "10.0.0.12/24", groups=(group,))
    with closing(Stream(world)) as stream:
        assert stream.question()
        assert stream.answer()
        await world.fabric.ensure_group(replace(group, rules=EVERYTHING_OUT))
        assert not stream.answer()
        assert not stream.question()


async def test_flows_that_a_rule_still_allows_go_on(world: World) -> None:
    network = await world.network()
    kept = RuleSpec("ingress", 4, UDP, 4000, 4000)
    group = await world.group(*EVERYTHING_OUT, kept, RuleSpec("ingress", 4, TCP))
    await world.pair(network, group)
    with closing(Stream(world)) as stream:
        assert stream.question()
        await world.fabric.ensure_group(replace(group, rules=(*EVERYTHING_OUT, kept)))
        assert stream.answer()


async def test_a_restarted_program_ends_the_flows_of_a_rule_that_went_meanwhile(world: World) -> None:
    """The wish changed while the program was down: the first call after the start must cut what it forbids."""
    network = await world.network()
    group = await world.group(*EVERYTHING_OUT, RuleSpec("ingress", 4, UDP))
    closed = await world.group(RuleSpec("egress", 4))
    await world.port(network, "a", "10.0.0.11/24", groups=(closed,))
    await world.port(network, "b", "10.0.0.12/24", groups=(group,))
    with closing(Stream(world)) as stream:
        assert stream.question()
        assert stream.answer()
        world.restarted()
        await world.fabric.open()
        await world.fabric.ensure_group(replace(group, rules=EVERYTHING_OUT))
        assert not stream.answer()


async def test_taking_a_port_out_of_a_group_ends_its_flows(world: World) -> None:
    network = await world.network()
    group = await world.group(*EVERYTHING_OUT, RuleSpec("ingress", 4, UDP))
    closed = await world.group(RuleSpec("egress", 4))
    await world.port(network, "a", "10.0.0.11/24", groups=(closed,))
    second = await world.port(network, "b", "10.0.0.12/24", groups=(group,))
    with closing(Stream(world)) as stream:
        assert stream.question()
        assert stream.answer()
        await world.fabric.ensure_port(replace(second, groups=(closed.id,)))
        assert not stream.answer()


async def test_a_port_does_not_inherit_the_flows_of_one_that_had_its_address(world: World) -> None:
    """A reply is let in because the port asked; another port of the same address did not."""
    network = await world.network()
    asks, answers = await world.group(RuleSpec("egress", 4)), await world.group(*EVERYTHING)
    first = await world.port(network, "a", "10.0.0.11/24", groups=(asks,))
    await world.port(network, "b", "10.0.0.12/24", groups=(answers,))
    with closing(Stream(world)) as stream:
        assert stream.question()
        assert stream.answer()
        await world.fabric.remove_port(first.id)
        await world.fabric.remove_sandbox("a")
        await world.fabric.ensure_port(replace(first, id="0b0c3b0e-0000-4000-8000-00000000000b"))
        stream.client.close()
        stream.client = world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)
        assert not stream.answer()


async def test_a_port_begins_anew_what_one_that_had_its_address_had_begun(world: World) -> None:
    """The same protocol, addresses and ports, long before the kernel would forget the flow by itself."""
    network = await world.network()
    group = await world.group(*EVERYTHING)
    first = await world.port(network, "a", "10.0.0.11/24", groups=(group,))
    await world.port(network, "b", "10.0.0.12/24", groups=(group,))
    with closing(Stream(world)) as stream:
        assert stream.question()
        assert stream.answer()
        await world.fabric.remove_port(first.id)
        await world.fabric.remove_sandbox("a")
        await world.fabric.ensure_port(replace(first, id="0b0c3b0e-0000-4000-8000-00000000000b"))
        stream.client.close()
        stream.client = world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)
        assert stream.question()
        assert stream.answer()


async def test_packets_in_the_middle_of_no_connection_are_dropped(world: World) -> None:
    """An acknowledgement opens no flow, even where a rule allows its port: else it would outlive that rule."""
    first, second = await world.pair(await world.network(), await world.group(*EVERYTHING))
    stray = ethernet(second.mac, first.mac, 0x0800, ip("10.0.0.11", "10.0.0.12", TCP, acknowledgement()))
    marker = ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.11", "10.0.0.12", b"this one may pass"))
    with closing(Wire(world, "a")) as sender, closing(Wire(world, "b")) as receiver:
        sender.send(stray)
        sender.send(marker)
        assert stray not in receiver.until(b"this one may pass")


def acknowledgement() -> bytes:
    """A TCP segment with nothing but ACK set, its checksum right."""
    segment = struct.pack("!HHIIBBHHH", 5000, 80, 1, 1, 5 << 4, 0x10, 1024, 0, 0)
    pseudo = octets("10.0.0.11") + octets("10.0.0.12") + struct.pack("!BBH", 0, TCP, len(segment))
    return segment[:16] + checksum(pseudo + segment).to_bytes(2, "big") + segment[18:]


async def test_a_group_in_use_cannot_be_removed(world: World) -> None:
    group = await world.group(*EVERYTHING)
    await world.pair(await world.network(), group)
    with pytest.raises(errors.Busy):
        await world.fabric.remove_group(group.id)
    assert world.reaches("a", "b", "10.0.0.12"), "and goes on working"
