"""Who reaches whom: within a network, between networks, and never between those that only look alike."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace

from boxship.drivers.linux import naming, programs
from tests.conformance.fabric.world import EVERYTHING, World


async def test_ports_of_a_network_reach_each_other_by_both_families(world: World) -> None:
    await world.pair(await world.network(), await world.group(*EVERYTHING))
    for address in ("10.0.0.12", "fd00::12"):
        assert world.reaches("a", "b", address)


async def test_packets_pass_as_soon_as_a_port_is_made(world: World) -> None:
    """The kernel takes notice of a carrier up to a second late; a container that starts at once must not wait for it."""
    network, group = await world.network(), await world.group(*EVERYTHING)
    for number in range(8):
        port = await world.port(network, f"s{number}", f"10.0.0.{number + 10}/24", groups=(group,))
        states = {link["ifname"]: link["operstate"] for link in programs.links(world.fabric._naming.fabric)}
        assert states[naming.tap(port.id)] == "UP"
        assert "state UP" in world.output(f"s{number}", "ip", "link", "show", "dev", "eth0")


async def test_networks_with_the_same_addresses_are_apart(world: World) -> None:
    group = await world.group(*EVERYTHING)
    ours, theirs = await world.network(), await world.network()
    await world.port(ours, "a", "10.0.0.11/24", groups=(group,))
    await world.port(ours, "b", "10.0.0.12/24", groups=(group,))
    await world.port(theirs, "x", "10.0.0.11/24", groups=(group,))
    await world.port(theirs, "y", "10.0.0.12/24", groups=(group,))
    with (
        closing(world.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as ours_at,
        closing(world.endpoint("y", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as theirs_at,
    ):
        for sandbox, word in (("x", b"theirs"), ("a", b"ours")):
            with closing(world.endpoint(sandbox, socket.SOCK_DGRAM, "10.0.0.11", 5000)) as sender:
                sender.sendto(word, ("10.0.0.12", 4000))
        assert (ours_at.recv(64), theirs_at.recv(64)) == (b"ours", b"theirs")


async def test_flows_with_the_same_addresses_in_two_networks_are_tracked_apart(world: World) -> None:
    """A flow that one network allows must not open the way in another one."""
    group, closed = await world.group(*EVERYTHING), await world.group()
    ours, theirs = await world.network(), await world.network()
    await world.pair(ours, group)
    await world.port(theirs, "x", "10.0.0.11/24", groups=(closed,))
    await world.port(theirs, "y", "10.0.0.12/24", groups=(group,))
    with (
        closing(world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)) as client,
        closing(world.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as server,
        closing(world.endpoint("x", socket.SOCK_DGRAM, "10.0.0.11", 5000)) as victim,
        closing(world.endpoint("y", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as attacker,
    ):
        client.sendto(b"question", ("10.0.0.12", 4000))
        assert server.recvfrom(64) == (b"question", ("10.0.0.11", 5000))
        attacker.sendto(b"as if a reply", ("10.0.0.11", 5000))
        server.sendto(b"answer", ("10.0.0.11", 5000))
        assert client.recv(64) == b"answer"
        victim.setblocking(False)
        assert nothing_in(victim)


def nothing_in(receiver: socket.socket) -> bool:
    try:
        receiver.recv(64)
    except BlockingIOError:
        return True
    return False


async def test_the_mtu_holds_at_both_ends(world: World) -> None:
    group = await world.group(*EVERYTHING)
    network = await world.network(mtu=1400)
    first, _ = await world.pair(network, group)
    assert "mtu 1400" in world.output("a", "ip", "link", "show", "eth0")
    with (
        closing(world.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)) as sender,
        closing(world.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as receiver,
    ):
        sender.sendto(bytes(5000), ("10.0.0.12", 4000))
        assert len(receiver.recv(8000)) == 5000, "fragments pass the filters"
    await world.fabric.ensure_port(replace(first, mtu=1300))
    assert "mtu 1300" in world.output("a", "ip", "link", "show", "eth0")


async def test_a_changed_mac_and_address_take_the_place_of_the_old_ones(world: World) -> None:
    group = await world.group(*EVERYTHING)
    network = await world.network()
    _, second = await world.pair(network, group)
    await world.port(network, "c", "10.0.0.13/24", groups=(group,))
    moved = replace(second, mac="fa:16:3e:00:00:99", addresses=(type(second.addresses[0])("10.0.0.44/24"),))
    await world.fabric.ensure_port(moved)
    assert world.reaches("c", "b", "10.0.0.44")
    assert "fa:16:3e:00:00:99" in world.output("b", "ip", "link", "show", "eth0")
    assert "10.0.0.12" not in world.output("b", "ip", "address", "show", "eth0")
    assert second.mac not in world.rules()


async def test_no_container_reaches_the_namespace_of_the_bridges(world: World) -> None:
    """No address there answers, not even one that a privileged container guesses."""
    await world.pair(await world.network(), await world.group(*EVERYTHING))
    shown = world.fabric._naming.fabric
    lines = programs.run(shown, ["ip", "-brief", "address", "show"]).splitlines()
    assert all(len(line.split()) == 2 for line in lines if not line.startswith("lo ")), lines


async def test_a_guard_that_is_off_lets_everything_through(world: World) -> None:
    network = await world.network()
    first, second = await world.pair(network)
    assert not world.reaches("a", "b", "10.0.0.12"), "without groups nothing passes"
    for port in (first, second):
        await world.fabric.ensure_port(replace(port, guarded=False))
    assert world.reaches("a", "b", "10.0.0.12")
    for port in (first, second):
        await world.fabric.ensure_port(port)
    assert not world.reaches("a", "b", "10.0.0.12")
