"""Routers, the way out, floating IPs, and what of the host can be reached from inside: next to nothing."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core import errors
from boxship.drivers.linux import naming, programs
from boxship.drivers.linux.interface import FloatingSpec, NetworkSpec, Route, RouterPort, RouterSpec, UplinkSpec
from tests.conformance.fabric.world import EVERYTHING, EVERYTHING_OUT, PATIENCE, World, eventually

HOST = ""


def leg(network: NetworkSpec, *addresses: str, name: str = "") -> RouterPort:
    """A router's leg whose id follows from its network's, so that a spec can be built again."""
    id = name or f"{network.id[:-1]}f"
    digits = network.id.replace("-", "")[:6]
    own = f"fa:16:3e:{digits[:2]}:{digits[2:4]}:{digits[4:]}"
    return RouterPort(f"f{id[1:]}", network.id, own, tuple(ip_interface(address) for address in addresses))


@dataclass
class Outside:
    """An external network joined to the host, with a router to an inner network and a container ``a`` there."""

    world: World
    external: NetworkSpec
    inner: NetworkSpec
    gateway: str  # the host's address on the external network
    router: RouterSpec

    @property
    def own(self) -> str:
        """The router's address on the external network."""
        return self.at(2)

    def at(self, last: int) -> str:
        return str(ip_address(self.gateway) - 1 + last)

    def floating(self, last: int, fixed: str) -> FloatingSpec:
        return FloatingSpec(f"f{last:07d}-0000-4000-8000-000000000000", ip_address(self.at(last)), ip_address(fixed))  # type: ignore[arg-type]  # these are IPv4

    async def change(self, **changes: object) -> None:
        self.router = replace(self.router, **changes)  # type: ignore[arg-type]  # by name, checked by the dataclass
        await self.world.fabric.ensure_router(self.router)


async def join(world: World, network: NetworkSpec) -> str:
    """Join the network to the host; the host's address on it. Other tests may have the same range at the same time."""
    start = int(world.mark, 16)
    for attempt in range(64):
        number = (start + attempt * 37) % 512
        gateway = f"198.{18 + number // 256}.{number % 256}.1"
        try:
            await world.fabric.ensure_uplink(UplinkSpec(network.id, (ip_interface(f"{gateway}/24"),)))
        except errors.Refused:
            continue
        return gateway
    raise AssertionError("every range is taken")


@pytest_asyncio.fixture
async def outside(world: World) -> AsyncIterator[Outside]:
    external, inner = await world.network(), await world.network()
    gateway = await join(world, external)
    own = str(ip_address(gateway) + 1)
    router = RouterSpec(
        id="5c0b3b0e-0000-4000-8000-000000000001",
        legs=(leg(inner, "10.0.0.1/24", "fd00::1/64"),),
        gateway=leg(external, f"{own}/24"),
        next_hops=(ip_address(gateway),),
    )
    await world.fabric.ensure_router(router)
    await world.port(inner, "a", "10.0.0.11/24", groups=(await world.group(*EVERYTHING),), via="10.0.0.1")
    yield Outside(world, external, inner, gateway, router)


async def test_networks_behind_one_router_reach_each_other(world: World) -> None:
    group = await world.group(*EVERYTHING)
    first, second = await world.network(), await world.network(mtu=1400)
    await world.port(first, "a", "10.1.0.11/24", groups=(group,), via="10.1.0.1")
    await world.port(second, "b", "10.2.0.11/24", groups=(group,), via="10.2.0.1")
    assert not world.reaches("a", "b", "10.2.0.11")
    router = RouterSpec("5c0b3b0e-0000-4000-8000-000000000001", (leg(first, "10.1.0.1/24"), leg(second, "10.2.0.1/24")))
    await world.fabric.ensure_router(router)
    assert world.reaches("a", "b", "10.2.0.11")
    assert world.reaches("b", "a", "10.1.0.11")
    legs = programs.run(world.fabric._naming.router(router.id), ["ip", "link", "show"])
    assert "mtu 1400" in legs, "a leg is as narrow as its network, so that senders are told"
    await world.fabric.ensure_router(replace(router, legs=router.legs[:1]))
    assert not world.reaches("a", "b", "10.2.0.11")


async def test_ipv6_is_routed(world: World) -> None:
    group = await world.group(*EVERYTHING)
    first, second = await world.network(), await world.network()
    await world.port(first, "a", "fd01::11/64", groups=(group,), via="fd01::1")
    await world.port(second, "b", "fd02::11/64", groups=(group,), via="fd02::1")
    legs = (leg(first, "fd01::1/64"), leg(second, "fd02::1/64"))
    await world.fabric.ensure_router(RouterSpec("5c0b3b0e-0000-4000-8000-000000000001", legs))
    assert world.reaches("a", "b", "fd02::11")


async def test_routes_come_and_go(world: World) -> None:
    network = await world.network()
    router = RouterSpec("5c0b3b0e-0000-4000-8000-000000000001", (leg(network, "10.0.0.1/24", "fd00::1/64"),))
    extra = (
        Route(ip_network("192.0.2.0/24"), ip_address("10.0.0.9")),
        Route(ip_network("2001:db8::/32"), ip_address("fd00::9")),
    )
    await world.fabric.ensure_router(replace(router, routes=extra))
    shown = programs.run(world.fabric._naming.router(router.id), ["ip", "route", "show", "table", "all"])
    assert "192.0.2.0/24 via 10.0.0.9" in shown
    assert "2001:db8::/32 via fd00::9" in shown
    world.restarted()
    await world.fabric.open()
    await world.fabric.ensure_router(router)
    shown = programs.run(world.fabric._naming.router(router.id), ["ip", "route", "show", "table", "all"])
    assert "192.0.2.0" not in shown
    assert "2001:db8" not in shown


async def test_the_way_out_is_under_the_routers_own_address(outside: Outside) -> None:
    """To the host's address on the external network, UDP: what the host sees as the sender."""
    world = outside.world
    with closing(world.endpoint("a", socket.SOCK_DGRAM)) as inside:
        assert "1 received" in world.output("a", "ping", "-c1", "-W5", outside.gateway)
        with closing(world.endpoint(HOST, socket.SOCK_DGRAM, outside.gateway)) as host:
            host.sendto(b"first", (outside.own, 9))  # so that an answer may come in
            inside.sendto(b"x", (outside.gateway, host.getsockname()[1]))
            seen = tracked(world, outside.router.id, "src=10.0.0.11")
    assert f"dst={outside.own}" in seen, "answers come to the router's address"


def tracked(world: World, router_id: str, words: str) -> str:
    def look() -> str:
        return "\n".join(
            line
            for line in programs.run(world.fabric._naming.router(router_id), ["conntrack", "-L"]).splitlines()
            if words in line
        )

    return eventually(look, f"a flow with {words}")


async def test_nothing_of_the_host_but_ping_can_be_reached(outside: Outside) -> None:
    world = outside.world
    with closing(world.endpoint(HOST, socket.SOCK_STREAM, outside.gateway)) as service:
        service.listen()
        assert not world.connects("a", outside.gateway, service.getsockname()[1])
    with closing(world.endpoint(HOST, socket.SOCK_STREAM, "127.0.0.1")) as service:
        service.listen()
        assert world.connects(HOST, "127.0.0.1", service.getsockname()[1])


async def test_a_floating_ip_leads_in_and_shows_who_asks(outside: Outside) -> None:
    world = outside.world
    address = outside.at(77)
    with world.listening("a", "10.0.0.11", 80) as server:
        assert not world.connects(HOST, outside.own, 80)
        await outside.change(floating=(outside.floating(77, "10.0.0.11"),))
        with closing(world.connection(HOST, address)) as client:
            client.connect((address, 80))
            accepted, peer = server.accept()
            with closing(accepted):
                assert peer[0] == outside.gateway, "the client's own address, which rules may speak of"
        await outside.change(floating=())
        with pytest.raises((TimeoutError, OSError)), closing(world.connection(HOST, address, PATIENCE)) as client:
            client.connect((address, 80))


async def test_what_comes_in_by_a_floating_ip_is_still_asked_of_the_groups(outside: Outside) -> None:
    world = outside.world
    closed = await world.group(*EVERYTHING_OUT)
    await world.port(outside.inner, "b", "10.0.0.12/24", groups=(closed,), via="10.0.0.1")
    await outside.change(floating=(outside.floating(78, "10.0.0.12"),))
    with world.listening("b", "10.0.0.12", 80):
        assert not world.connects(HOST, outside.at(78), 80)


async def test_the_inner_network_is_not_reached_without_a_floating_ip(outside: Outside) -> None:
    """Not even by a host on the external network that knows the router's address."""
    world = outside.world
    group = await world.group(*EVERYTHING)
    await world.port(outside.external, "x", f"{outside.at(9)}/24", groups=(group,), via=outside.own)
    assert not world.reaches("x", "a", "10.0.0.11")


@pytest.mark.parametrize("restart", [False, True])
async def test_flows_of_a_floating_ip_end_when_it_goes_or_moves(outside: Outside, restart: bool) -> None:
    world = outside.world
    address = outside.at(77)
    group = await world.group(*EVERYTHING)
    await world.port(outside.inner, "b", "10.0.0.12/24", groups=(group,), via="10.0.0.1")
    await outside.change(floating=(outside.floating(77, "10.0.0.11"),))
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
        await outside.change(floating=(outside.floating(77, "10.0.0.12"),))
        client.sendto(b"two", (address, 4000))
        assert second.recv(64) == b"two"


async def test_two_behind_one_router_meet_by_their_floating_ips(outside: Outside) -> None:
    world = outside.world
    group = await world.group(*EVERYTHING)
    await world.port(outside.inner, "b", "10.0.0.12/24", groups=(group,), via="10.0.0.1")
    await outside.change(floating=(outside.floating(77, "10.0.0.11"), outside.floating(78, "10.0.0.12")))
    with world.listening("b", "10.0.0.12", 80):
        assert world.connects("a", outside.at(78), 80)


async def test_addresses_of_others_do_not_leave_by_the_uplink(outside: Outside) -> None:
    names = naming.Naming(outside.world.mark)
    rules = programs.run(programs.HOST, ["nft", "list", "table", "inet", names.uplink_table(outside.external.id)])
    inside = ip_network(f"{outside.gateway}/24", strict=False)
    assert f'iifname "{names.uplink(outside.external.id)}" ip saddr != {inside} drop' in rules


async def test_a_range_that_the_host_has_is_refused_and_nothing_is_made(world: World) -> None:
    network = await world.network()
    other = World(f"{int(world.mark, 16) ^ 0xFFFF:04x}", Path(f"{world.run}-other"))
    await other.fabric.open()
    try:
        gateway = await join(other, await other.network())
        with pytest.raises(errors.Refused, match="uses"):
            await world.fabric.ensure_uplink(UplinkSpec(network.id, (ip_interface(f"{gateway}/25"),)))
        assert not (await world.fabric.sight()).uplinks
        assert (await other.fabric.sight()).uplinks
    finally:
        await other.fabric.destroy()


async def test_the_uplink_goes_and_comes(outside: Outside) -> None:
    await outside.world.fabric.remove_uplink(outside.external.id)
    assert not (await outside.world.fabric.sight()).uplinks
    assert f"boxship_{outside.world.mark}" not in programs.run(programs.HOST, ["nft", "list", "tables"])
    spec = UplinkSpec(outside.external.id, (ip_interface(f"{outside.gateway}/24"),))
    await outside.world.fabric.ensure_uplink(spec)
    assert "1 received" in outside.world.output("a", "ping", "-c1", "-W5", outside.gateway)


async def test_a_second_external_network_has_an_uplink_of_its_own(outside: Outside) -> None:
    world = outside.world
    second = await world.network()
    gateway = await join(world, second)
    assert (await world.fabric.sight()).uplinks == {outside.external.id, second.id}
    names = naming.Naming(world.mark)
    shown = {link["ifname"] for link in programs.links(programs.HOST)}
    assert {names.uplink(outside.external.id), names.uplink(second.id)} <= shown
    await world.fabric.remove_uplink(second.id)
    assert "1 received" in world.output("a", "ping", "-c1", "-W5", outside.gateway), "the first one is as it was"
    tables = programs.run(programs.HOST, ["nft", "list", "tables"])
    assert names.uplink_table(second.id) not in tables
    assert names.uplink_table(outside.external.id) in tables
    assert gateway not in programs.run(programs.HOST, ["ip", "address"])
