"""Networks with more ports than a bridge takes: a further bridge, and nobody notices which one a port is on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from unittest import mock

import pytest

from boxship.core import errors
from boxship.drivers.linux import bridges, naming
from boxship.drivers.linux.interface import GroupSpec, NetworkSpec, PortSpec, RouterSpec, RuleSpec
from tests.conformance.fabric.field import LONG
from tests.conformance.fabric.test_routers import leg
from tests.conformance.fabric.world import EVERYTHING, EVERYTHING_OUT, PATIENCE, World, mac

TCP = 6


@pytest.fixture
def narrow() -> Iterator[None]:
    """Bridges with room for one port of a container."""
    with mock.patch.object(bridges, "ROOM", 1):
        yield


def there(world: World, network: NetworkSpec) -> list[str]:
    """The bridges of the network, by name."""
    names = [naming.bridge(network.id), *(naming.bridge(network.id, number) for number in naming.FURTHER)]
    return [name for name in names if f" {name}: " in world.links()]


@pytest.mark.usefixtures("narrow")
async def test_ports_on_two_bridges_reach_each_other_as_their_groups_say(world: World) -> None:
    network = await world.network()
    web = await world.group(*EVERYTHING_OUT, RuleSpec("ingress", 4, TCP, 80, 80), RuleSpec("ingress", 6, TCP, 80, 80))
    first, second = await world.pair(network, web)
    assert there(world, network) == [naming.bridge(network.id), naming.bridge(network.id, 1)]
    for near, far, address in (("a", "b", "10.0.0.12"), ("b", "a", "fd00::11")):
        assert world.reaches(near, far, address, 80)
        assert not world.reaches(near, far, address, 81)
    with closing(world.connection("a", "10.0.0.12")) as client, pytest.raises(ConnectionRefusedError):
        client.connect(("10.0.0.12", 80))  # nobody listens: the refusal comes back
    for id in (first.id, second.id):
        await world.fabric.remove_port(id)
    assert not (await world.fabric.sight()).ports


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("stateful", [True, False])
async def test_flows_between_bridges_end_with_their_rule(world: World, *, stateful: bool) -> None:
    network = await world.network()
    sends = replace(await world.group(), rules=EVERYTHING, stateful=stateful, id="0c0c3b0e-0000-4000-8000-00000000000c")
    await world.fabric.ensure_group(sends)
    gets = await world.group(RuleSpec("ingress", 4, 17))
    await world.port(network, "a", "10.0.0.11/24", groups=(sends,))
    await world.port(network, "b", "10.0.0.12/24", groups=(gets,))
    client = world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)
    server = world.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)
    with closing(client), closing(server):
        client.sendto(b"question", ("10.0.0.12", 4000))
        assert server.recv(64) == b"question"
        server.sendto(b"answer", ("10.0.0.11", 5000))
        assert client.recv(64) == b"answer"
        await world.fabric.ensure_group(replace(gets, rules=()))
        server.sendto(b"late", ("10.0.0.11", 5000))
        client.settimeout(PATIENCE)
        with pytest.raises(TimeoutError):
            client.recv(64)


@pytest.mark.usefixtures("narrow")
async def test_a_router_and_remote_groups_know_no_bridges(world: World) -> None:
    network, group = await world.network(), await world.group(*EVERYTHING_OUT)
    members = (ip_address("10.0.0.11"), ip_address("10.0.0.12"))
    group = GroupSpec(group.id, (*EVERYTHING_OUT, RuleSpec("ingress", 4, remote_group=group.id)), members)
    await world.fabric.ensure_group(group)
    await world.fabric.ensure_router(RouterSpec("5c0b3b0e-0000-4000-8000-000000000001", (leg(network, "10.0.0.1/24"),)))
    for number, sandbox in enumerate("abc", 11):
        await world.port(network, sandbox, f"10.0.0.{number}/24", groups=(group,), via="10.0.0.1")
    assert len(there(world, network)) == 3
    for sandbox in "abc":
        assert "1 received" in world.output(sandbox, "ping", "-c1", "-W5", "10.0.0.1")
    assert world.reaches("b", "a", "10.0.0.11")
    assert not world.reaches("c", "b", "10.0.0.12"), "it is no member"


@pytest.mark.usefixtures("narrow")
async def test_bridges_over_restarts_changes_and_removals(world: World) -> None:
    network, group = await world.network(), await world.group(*EVERYTHING)
    first, second = await world.pair(network, group)
    world.restarted()
    await world.fabric.open()
    for spec in (network, replace(network, mtu=1400)):
        await world.fabric.ensure_network(spec)
        for port in (first, second):
            await world.fabric.ensure_port(replace(port, mtu=spec.mtu))
        assert world.reaches("a", "b", "10.0.0.12")
    await world.fabric.remove_port(first.id)
    third = await world.port(network, "c", "10.0.0.13/24", groups=(group,))
    assert len(there(world, network)) == 2, "where there is room again, a port is put"
    world.output("", "ip", "-n", world.fabric._naming.fabric, "link", "delete", naming.bridge(network.id))
    await world.fabric.ensure_network(replace(network, mtu=1400))
    await world.fabric.ensure_port(third)
    assert world.reaches("c", "b", "10.0.0.12")
    for port in (second, third):
        await world.fabric.remove_port(port.id)
    await world.fabric.remove_network(network.id)
    assert not (await world.fabric.sight()).networks
    assert [line for line in world.links().splitlines() if " br-" in line or " ja-" in line or " jb-" in line] == []
    assert "br-" not in world.rules()


async def test_a_zone_that_a_network_needs_is_given_up(world: World) -> None:
    """Zones of further bridges are chosen from above, segments of networks elsewhere: they must never be one."""
    group = await world.group(*EVERYTHING)
    with mock.patch.object(bridges, "ROOM", 1):
        await world.pair(await world.network(), group)
    await world.fabric.ensure_network(NetworkSpec("d0000000-0000-4000-8000-000000000001", 65535))
    assert list(world.fabric._bridges._zones.values()).count(65535) == 1
    assert world.reaches("a", "b", "10.0.0.12")


@pytest.mark.usefixtures("narrow")
async def test_the_last_bridge_is_full(world: World) -> None:
    network = await world.network()
    full = len(naming.FURTHER) + 1
    for number in range(full):
        await world.port(network, f"s{number}", f"10.0.0.{number + 10}/24")
    with pytest.raises(errors.Refused, match=f"has {full} ports on this host"):
        await world.port(network, "more", "10.0.0.99/24")
    await world.fabric.remove_sandbox("s1")
    await world.port(network, "more", "10.0.0.99/24")


@pytest.mark.skipif(not LONG, reason="a minute; BOXSHIP_CHAOS=long")
async def test_more_ports_than_the_kernel_puts_on_a_bridge(world: World) -> None:
    """For real: 1,100 ports on one network, all in reach of the first."""
    network, group = await world.network(), await world.group(*EVERYTHING)
    ports = []
    for number in range(1100):
        address = ip_interface(f"10.0.{number >> 8}.{number & 255}/16") if number else ip_interface("10.0.255.1/16")
        spec = PortSpec(
            id=f"{number:08x}-0000-4000-8000-000000000000",
            network_id=network.id,
            mac=mac(),
            addresses=(address,),
            sandbox=f"s{number}",
            interface="eth0",
            groups=(group.id,),
        )
        await world.fabric.ensure_port(spec)
        ports.append(spec)
    assert len(there(world, network)) == 2
    for number in (1, 998, 999, 1000, 1001, 1099):
        assert world.reaches("s0", f"s{number}", str(ports[number].addresses[0].ip)), number
        assert world.reaches(f"s{number}", "s0", "10.0.255.1"), number
    await asyncio.gather(*(world.fabric.remove_sandbox(port.sandbox) for port in ports))
    await world.fabric.remove_network(network.id)
    assert not (await world.fabric.sight()).ports
