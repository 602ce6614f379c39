"""What all ports share, and that one of them cannot use it up."""

from __future__ import annotations

import socket
from contextlib import closing

from boxship.drivers.linux import filter as rules
from boxship.drivers.linux import programs
from tests.conformance.fabric.world import EVERYTHING, Wire, World, ethernet, udp


async def test_one_port_cannot_fill_the_table_of_flows(world: World) -> None:
    """It is stopped at its share; what it has goes on, and so does everybody else."""
    first, second = await world.pair(await world.network(), await world.group(*EVERYTHING))
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
