"""What all ports share, and that one of them cannot use it up."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace

from boxship.drivers.linux import filter as rules
from boxship.drivers.linux import programs
from boxship.drivers.linux.interface import RuleSpec
from tests.conformance.fabric.world import EVERYTHING, Wire, World, ethernet, udp


async def test_one_port_cannot_fill_the_table_of_flows(world: World) -> None:
    """It is stopped at its share; what it has goes on, and so does everybody else."""
    first, second = await world.pair(await world.network(), await world.group(*EVERYTHING))
    # On a busy machine the first flows would be over before the last ones have begun.
    programs.run(world.fabric._naming.fabric, ["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=600"])
    client = world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 60_000)
    server = world.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 60_000)
    with closing(client), closing(server):
        client.sendto(b"before", ("10.0.0.12", 60_000))
        assert server.recv(64) == b"before"
        server.sendto(b"answer", ("10.0.0.11", 60_000))  # until it is answered, a flow counts as new
        assert client.recv(64) == b"answer"
        with closing(Wire(world, "a")) as sender:
            for port in range(1, rules.FLOWS + 500):
                packet = udp("10.0.0.11", "10.0.0.12", b"x", (port, 4000))
                sender.send(ethernet(second.mac, first.mac, 0x0800, packet))
        tracked = int(programs.run(world.fabric._naming.fabric, ["conntrack", "-C"]))
        assert rules.FLOWS // 2 < tracked <= rules.FLOWS + 10
        assert not world.reaches("a", "b", "10.0.0.12")
        client.sendto(b"after", ("10.0.0.12", 60_000))
        assert server.recv(64) == b"after"
    assert world.reaches("b", "a", "10.0.0.11")


async def test_ports_that_come_and_go_leave_flows_tracked(world: World) -> None:
    """The kernel tracks flows as long as a rule asks for them; what goes with a port must not count for two."""
    network, group = await world.network(), await world.group(RuleSpec("egress", 4))
    first, _ = await world.pair(network, await world.group(*EVERYTHING))
    other = replace(first, id="0b0c3b0e-0000-4000-8000-00000000000c", sandbox="c", groups=(group.id,))
    for _ in range(120):  # more often than there are rules
        await world.fabric.ensure_port(other)
        await world.fabric.ensure_port(replace(other, guarded=False))
    await world.fabric.remove_port(other.id)
    assert world.reaches("a", "b", "10.0.0.12")
    assert int(programs.run(world.fabric._naming.fabric, ["conntrack", "-C"])) > 0
