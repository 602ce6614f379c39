"""Single ports of floating IPs that lead inside, with traffic."""

from __future__ import annotations

import socket
from contextlib import closing
from ipaddress import IPv4Address

import pytest

from boxship.drivers.linux import programs
from boxship.drivers.linux.interface import ForwardingSpec
from tests.conformance.fabric.test_routers import HOST, Outside, outside
from tests.conformance.fabric.world import EVERYTHING, EVERYTHING_OUT, PATIENCE

__all__ = ["outside"]

Ports = tuple[int, int]


def forward(outside: Outside, external: Ports, fixed: str, internal: Ports, protocol: str = "tcp") -> ForwardingSpec:
    return ForwardingSpec(IPv4Address(outside.at(77)), protocol, external, IPv4Address(fixed), internal)


async def test_a_port_leads_in_and_shows_who_asks(outside: Outside) -> None:
    world, address = outside.world, outside.at(77)
    await outside.change(forwardings=(forward(outside, (80, 80), "10.0.0.11", (8080, 8080)),))
    with world.listening("a", "10.0.0.11", 8080) as server:
        with closing(world.connection(HOST, address)) as client:
            client.connect((address, 80))
            accepted, peer = server.accept()
            with closing(accepted):
                assert peer[0] == outside.gateway
        assert not world.connects(HOST, address, 8080), "only what is forwarded"
        assert not world.connects(HOST, address, 81)
        await outside.change(forwardings=())
        assert not world.connects(HOST, address, 80)


async def test_several_ports_of_one_address_lead_to_several_places(outside: Outside) -> None:
    world, address = outside.world, outside.at(77)
    await world.port(outside.inner, "b", "10.0.0.12/24", groups=(await world.group(*EVERYTHING),), via="10.0.0.1")
    entries = [forward(outside, (port, port), "10.0.0.11", (port, port)) for port in range(2000, 2200)]
    entries += [forward(outside, (80, 80), "10.0.0.11", (80, 80)), forward(outside, (81, 81), "10.0.0.12", (80, 80))]
    await outside.change(forwardings=tuple(entries))
    for port, sandbox, inside in ((80, "a", "10.0.0.11"), (81, "b", "10.0.0.12")):
        with world.listening(sandbox, inside, 80), closing(world.connection(HOST, address)) as client:
            client.connect((address, port))
    rules = programs.run(
        world.fabric._naming.router(outside.router.id), ["nft", "list", "chain", "inet", "boxship", "prerouting"]
    )
    assert rules.count("dnat") == 3, "one look in a map, however many there are"


@pytest.mark.parametrize(
    ("internal", "reached"), [((200, 209), 205), ((100, 109), 105), ((53, 53), 53)], ids=["other", "same", "one"]
)
async def test_ranges(outside: Outside, internal: Ports, reached: int) -> None:
    world, address = outside.world, outside.at(77)
    await outside.change(forwardings=(forward(outside, (100, 109), "10.0.0.11", internal, "udp"),))
    with (
        closing(world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", reached)) as server,
        closing(world.endpoint(HOST, socket.SOCK_DGRAM)) as client,
    ):
        client.sendto(b"ask", (address, 105))
        asked, peer = server.recvfrom(64)
        server.sendto(b"answer " + asked, peer)
        assert client.recvfrom(64) == (b"answer ask", (address, 105))


async def test_from_inside_by_the_floating_ip_even_to_oneself(outside: Outside) -> None:
    world, address = outside.world, outside.at(77)
    await world.port(outside.inner, "b", "10.0.0.12/24", groups=(await world.group(*EVERYTHING),), via="10.0.0.1")
    await outside.change(forwardings=(forward(outside, (80, 80), "10.0.0.11", (8080, 8080)),))
    for snat in (True, False):
        await outside.change(snat=snat)
        for sandbox in ("b", "a"):
            with world.listening("a", "10.0.0.11", 8080), closing(world.connection(sandbox, address)) as client:
                client.connect((address, 80))


async def test_beside_a_floating_ip_that_leads_to_one_address(outside: Outside) -> None:
    world = outside.world
    await outside.change(
        floating=(outside.floating(78, "10.0.0.11"),),
        forwardings=(forward(outside, (80, 80), "10.0.0.11", (8080, 8080)),),
    )
    with world.listening("a", "10.0.0.11", 8080):
        assert world.connects(HOST, outside.at(78), 8080)
        assert world.connects(HOST, outside.at(77), 80)


async def test_what_is_forwarded_is_still_asked_of_the_groups(outside: Outside) -> None:
    world = outside.world
    closed = await world.group(*EVERYTHING_OUT)
    await world.port(outside.inner, "b", "10.0.0.12/24", groups=(closed,), via="10.0.0.1")
    await outside.change(forwardings=(forward(outside, (80, 80), "10.0.0.12", (80, 80)),))
    with world.listening("b", "10.0.0.12", 80):
        assert not world.connects(HOST, outside.at(77), 80)


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("span", [(4000, 4000), (4000, 4009)])
async def test_flows_end_when_a_forwarding_goes_or_moves(outside: Outside, span: Ports, restart: bool) -> None:
    world, address = outside.world, outside.at(77)
    await world.port(outside.inner, "b", "10.0.0.12/24", groups=(await world.group(*EVERYTHING),), via="10.0.0.1")
    await outside.change(forwardings=(forward(outside, span, "10.0.0.11", (4000, 4000), "udp"),))
    with (
        closing(world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 4000)) as first,
        closing(world.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as second,
        closing(world.endpoint(HOST, socket.SOCK_DGRAM)) as client,
    ):
        client.sendto(b"one", (address, 4000))
        assert first.recv(64) == b"one"
        if restart:
            world.restarted()
            await world.fabric.open()
        await outside.change(forwardings=(forward(outside, span, "10.0.0.12", (4000, 4000), "udp"),))
        client.sendto(b"two", (address, 4000))
        assert second.recv(64) == b"two"
        await outside.change(forwardings=())
        client.sendto(b"three", (address, 4000))
        second.settimeout(PATIENCE)
        with pytest.raises(TimeoutError):
            second.recv(64)


async def test_a_table_that_somebody_took_away_is_made_again(outside: Outside) -> None:
    world, address = outside.world, outside.at(77)
    entry = forward(outside, (80, 80), "10.0.0.11", (8080, 8080))
    await outside.change(forwardings=(entry,))
    programs.nft(world.fabric._naming.router(outside.router.id), "delete table inet boxship")
    await outside.change(forwardings=(entry, forward(outside, (81, 81), "10.0.0.11", (8081, 8081))))
    with world.listening("a", "10.0.0.11", 8080), closing(world.connection(HOST, address)) as client:
        client.connect((address, 80))
