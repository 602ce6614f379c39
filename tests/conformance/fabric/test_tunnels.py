"""One network on several hosts: who reaches whom through the tunnels, and what passes the wire between."""

from __future__ import annotations

import socket
import uuid
from contextlib import closing
from ipaddress import ip_interface

import pytest

from boxship.drivers.linux.interface import RouterPort, RouterSpec
from tests.conformance.fabric.hosts import Host, Site
from tests.conformance.fabric.world import EVERYTHING, Wire, ethernet, mac, udp

_MTU_DISCOVER, _DO = 10, 2  # ip(7): never fragment, and say so


def reaches(one: Host, sandbox: str, two: Host, other: str, address: str) -> bool:
    with two.listening(other, address, 80):
        return one.connects(sandbox, address, 80)


async def test_ports_of_a_network_reach_each_other_across_hosts(site: Site) -> None:
    one, two = site.hosts
    await site.pair(await site.network(), await site.groups(*EVERYTHING))
    for family in ("10.0.0.1", "fd00::1"):
        assert reaches(one, "a", two, "b", f"{family}2")
        assert reaches(two, "b", one, "a", f"{family}1")
        assert " 0% packet loss" in one.output("a", "ping", "-c", "2", "-i", "0.05", "-W", "5", f"{family}2")


async def test_hosts_with_addresses_of_ipv6_join_networks(site: Site) -> None:
    one, two = site.hosts
    network = await site.network(mtu=1430)
    await site.pair(network, await site.groups(*EVERYTHING))
    await site.join(network, six=True)
    assert reaches(one, "a", two, "b", "10.0.0.12")
    assert " 0% packet loss" in one.output("a", "ping", "-M", "do", "-s", "1402", "-c", "1", "-W", "5", "10.0.0.12")


async def test_networks_with_the_same_addresses_are_apart(site: Site) -> None:
    one, two = site.hosts
    group = await site.groups(*EVERYTHING)
    ours, theirs = await site.network(), await site.network()
    for network, names in ((ours, "ab"), (theirs, "xy")):
        for host, sandbox, number in zip(site.hosts, names, (11, 12), strict=True):
            await site.port(host, network, sandbox, f"10.0.0.{number}/24", groups=(group,))
        await site.join(network)
    with (
        closing(two.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as ours_at,
        closing(two.endpoint("y", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as theirs_at,
    ):
        for sandbox, word in (("x", b"theirs"), ("a", b"ours")):
            with closing(one.endpoint(sandbox, socket.SOCK_DGRAM, "10.0.0.11", 5000)) as sender:
                sender.sendto(word, ("10.0.0.12", 4000))
        assert (ours_at.recv(64), theirs_at.recv(64)) == (b"ours", b"theirs")


async def test_what_is_for_an_unknown_mac_never_leaves_the_host(site: Site) -> None:
    one, two = site.hosts
    first, second = await site.pair(await site.network(), await site.groups(*EVERYTHING))
    with closing(Wire(one, "a")) as inside, closing(site.listen(two)) as wire:
        for number, target in enumerate((mac(), mac(), second.mac)):
            packet = udp("10.0.0.11", "10.0.0.12", b"frame-%d" % number)
            inside.send(ethernet(target, first.mac, 0x0800, packet))
        seen = b"".join(wire.until(b"frame-2"))
    assert b"frame-0" not in seen
    assert b"frame-1" not in seen


async def test_broadcasts_go_to_the_hosts_that_have_the_network_only(trio: Site) -> None:
    one, _, three = trio.hosts
    group = await trio.groups(*EVERYTHING)
    first, _ = await trio.pair(await trio.network(), group)
    wide = await trio.network()
    near = await trio.port(one, wide, "x", "10.0.0.11/24", groups=(group,))
    await trio.port(three, wide, "z", "10.0.0.13/24", groups=(group,))
    await trio.join(wide)
    with closing(Wire(one, "a")) as narrow, closing(Wire(one, "x")) as broad, closing(trio.listen(three)) as wire:
        for inside, sender, word in ((narrow, first, b"for two hosts"), (broad, near, b"for another two")):
            packet = udp("10.0.0.11", "10.0.0.255", word)
            inside.send(ethernet("ff:ff:ff:ff:ff:ff", sender.mac, 0x0800, packet))
        seen = b"".join(wire.until(b"for another two"))
    assert b"for two hosts" not in seen


async def test_a_packet_of_full_size_passes_whole(site: Site) -> None:
    one, two = site.hosts
    await site.pair(await site.network(mtu=1450), await site.groups(*EVERYTHING))
    with (
        closing(one.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)) as sender,
        closing(two.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as receiver,
        closing(site.listen(two)) as wire,
    ):
        sender.setsockopt(socket.IPPROTO_IP, _MTU_DISCOVER, _DO)
        full = b"full size ".ljust(1450 - 28, b".")
        sender.sendto(full, ("10.0.0.12", 4000))
        assert receiver.recv(2000) == full
        with pytest.raises(OSError, match="Message too long"):
            sender.sendto(full + b".", ("10.0.0.12", 4000))
        sender.sendto(b"the end", ("10.0.0.12", 4000))
        frames = wire.until(b"the end")
    assert [len(frame) for frame in frames if b"full size" in frame] == [1500 + 14]


async def test_a_router_on_one_host_serves_ports_on_another(site: Site) -> None:
    one, two = site.hosts
    group = await site.groups(*EVERYTHING)
    near, far = await site.network(), await site.network()
    await site.port(one, near, "a", "10.0.1.11/24", groups=(group,), via="10.0.1.1")
    await site.port(two, near, "c", "10.0.1.12/24", groups=(group,), via="10.0.1.1")
    await site.port(two, far, "b", "10.0.2.12/24", groups=(group,), via="10.0.2.1")
    legs = []
    for network, address in ((near, "10.0.1.1/24"), (far, "10.0.2.1/24")):
        legs.append(RouterPort(str(uuid.uuid4()), network.id, mac(), (ip_interface(address),)))
        site.place(one, network, legs[-1].mac)
    await one.fabric.ensure_router(RouterSpec(str(uuid.uuid4()), tuple(legs)))
    for network in (near, far):
        await site.join(network)
    assert reaches(one, "a", two, "b", "10.0.2.12")
    assert reaches(two, "b", one, "a", "10.0.1.11")
    assert reaches(two, "c", two, "b", "10.0.2.12"), "from one port of a host to another by a router elsewhere"
