"""Security groups and guards across hosts, and who is believed to be a peer."""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from boxship.drivers.linux import programs
from boxship.drivers.linux.interface import GroupSpec, NetworkSpec, RouterPort, RouterSpec, RuleSpec, UplinkSpec
from tests.conformance.fabric.hosts import Host, Site
from tests.conformance.fabric.world import EVERYTHING, EVERYTHING_OUT, PATIENCE, Wire, ethernet, eventually, mac, udp

PORT = 4789


async def test_the_receiving_host_judges_by_the_groups_of_the_receiver(site: Site) -> None:
    one, two = site.hosts
    group = await site.groups(*EVERYTHING_OUT, RuleSpec("ingress", 4, 6, 80, 80))
    await site.pair(await site.network(), group)
    with two.listening("b", "10.0.0.12", 80), two.listening("b", "10.0.0.12", 81), two.listening("b", "fd00::12", 80):
        assert one.connects("a", "10.0.0.12", 80)
        assert not one.connects("a", "10.0.0.12", 81)
        assert not one.connects("a", "fd00::12", 80)


async def test_the_sending_host_judges_by_the_groups_of_the_sender(site: Site) -> None:
    one, two = site.hosts
    group = await site.groups(RuleSpec("egress", 4, 17, 4000, 4000), RuleSpec("ingress", 4))
    await site.pair(await site.network(), group)
    with closing(one.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)) as sender, closing(site.listen(two)) as wire:
        sender.sendto(b"not let out", ("10.0.0.12", 4001))
        sender.sendto(b"let out", ("10.0.0.12", 4000))
        assert b"not let out" not in b"".join(wire.until(b"let out"))


async def test_what_a_stateless_group_lets_through_needs_a_rule_both_ways(site: Site) -> None:
    one, two = site.hosts
    asking = GroupSpec("c0000000-0000-4000-8000-0000000000a1", EVERYTHING_OUT, stateful=False)
    for host in site.hosts:
        await host.fabric.ensure_group(asking)
    network = await site.network()
    await site.port(one, network, "a", "10.0.0.11/24", groups=(asking,))
    await site.port(two, network, "b", "10.0.0.12/24", groups=(await site.groups(*EVERYTHING),))
    await site.join(network)
    with two.listening("b", "10.0.0.12", 80):
        assert not one.connects("a", "10.0.0.12", 80)
        answering = replace(asking, rules=(*EVERYTHING_OUT, RuleSpec("ingress", 4, 6)))
        await one.fabric.ensure_group(answering)
        assert one.connects("a", "10.0.0.12", 80)


async def test_members_of_a_remote_group_on_another_host_are_let_in(site: Site) -> None:
    one, two = site.hosts
    members = await site.groups(*EVERYTHING_OUT, members=("10.0.0.11",))
    group = await site.groups(*EVERYTHING_OUT, RuleSpec("ingress", 4, 6, remote_group=members.id))
    network = await site.network()
    await site.port(one, network, "a", "10.0.0.11/24", groups=(members,))
    await site.port(one, network, "x", "10.0.0.13/24", groups=(group,))
    await site.port(two, network, "b", "10.0.0.12/24", groups=(group,))
    await site.join(network)
    with two.listening("b", "10.0.0.12", 80):
        assert one.connects("a", "10.0.0.12", 80)
        assert not one.connects("x", "10.0.0.12", 80)


@pytest.mark.parametrize("side", [0, 1])
async def test_a_rule_that_is_taken_away_ends_flows_across_hosts(site: Site, side: int) -> None:
    """At the host of the receiver the ingress rule goes, at that of the sender the egress rule."""
    one, two = site.hosts
    group = await site.groups(*EVERYTHING)
    await site.pair(await site.network(), group)
    with two.listening("b", "10.0.0.12", 80) as server, closing(one.connection("a", "10.0.0.12")) as client:
        client.connect(("10.0.0.12", 80))
        peer, _ = server.accept()
        with closing(peer):
            client.sendall(b"before")
            peer.settimeout(5)
            assert peer.recv(64) == b"before"
            rules = EVERYTHING_OUT if side else EVERYTHING[2:]
            await site.hosts[side].fabric.ensure_group(replace(group, rules=rules))
            client.sendall(b"after")
            peer.settimeout(PATIENCE)
            with pytest.raises(TimeoutError):
                peer.recv(64)
            await site.hosts[side].fabric.ensure_group(group)
            peer.settimeout(10)
            assert peer.recv(64) == b"after", "TCP sends again"


async def test_a_port_cannot_send_as_a_station_of_another_host(site: Site) -> None:
    one, two = site.hosts
    first, second = await site.pair(await site.network(), await site.groups(*EVERYTHING))
    forged = [
        ethernet(second.mac, mac(), 0x0800, udp("10.0.0.11", "10.0.0.12", b"forged")),
        ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.99", "10.0.0.12", b"forged")),
    ]
    with closing(Wire(one, "a")) as inside, closing(site.listen(two)) as wire:
        for frame in forged:
            inside.send(frame)
        inside.send(ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.11", "10.0.0.12", b"own")))
        assert b"forged" not in b"".join(wire.until(b"own"))


# Who is believed to be a peer.


def vxlan(vni: int, frame: bytes) -> bytes:
    return struct.pack("!BxxxI", 0x08, vni << 8) + frame


def from_wire(site: Site, sender: Host, target: Host, source: str, payload: bytes) -> bytes:
    """A frame with a datagram to the target's tunnel port."""
    return ethernet(site.mac(target), site.mac(sender), 0x0800, udp(source, target.address, payload, (50000, PORT)))


async def test_packets_are_taken_from_peers_only(trio: Site) -> None:
    """A stranger's do not get in; one that says it is a peer's does, as it would on any network without encryption."""
    one, two, three = trio.hosts
    network = await trio.network()
    first, second = await trio.pair(network, await trio.groups(*EVERYTHING))
    with (
        closing(two.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as receiver,
        closing(trio.listen(three)) as wire,
    ):
        for source in (three.address, one.address):
            inner = ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.11", "10.0.0.12", source.encode()))
            wire.send(from_wire(trio, three, two, source, vxlan(network.segment, inner)))
        assert receiver.recv(64).decode() == one.address


async def test_a_peer_of_one_network_is_not_one_of_another(trio: Site) -> None:
    one, two, three = trio.hosts
    group = await trio.groups(*EVERYTHING)
    ours, theirs = await trio.network(), await trio.network()
    first, second = await trio.pair(ours, group)
    await trio.port(two, theirs, "y", "10.0.0.12/24", groups=(group,))
    await trio.port(three, theirs, "z", "10.0.0.13/24", groups=(group,))
    await trio.join(theirs)
    with (
        closing(two.endpoint("b", socket.SOCK_DGRAM, "10.0.0.12", 4000)) as receiver,
        closing(trio.listen(three)) as wire,
    ):
        inner = ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.11", "10.0.0.12", b"of a peer of the other"))
        wire.send(from_wire(trio, three, two, three.address, vxlan(ours.segment, inner)))
        with closing(one.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)) as sender:
            sender.sendto(b"of a peer", ("10.0.0.12", 4000))
        assert receiver.recv(64) == b"of a peer"


async def test_vxlan_of_others_on_the_host_is_left_alone(trio: Site) -> None:
    """The same port and address, another network identifier: some other software's."""
    _, two, three = trio.hosts
    await trio.pair(await trio.network(), await trio.groups(*EVERYTHING))
    for host, other in ((two, three), (three, two)):
        lines = [
            f"link add theirs type vxlan id 999 local {host.address} remote {other.address} dstport {PORT}",
            f"address add 192.0.2.{host.number}/24 dev theirs",
            "link set theirs up",
        ]
        programs.ip(host.name, lines)
    eventually(lambda: " 0% packet loss" in two.said("ping", "-c", "1", "-W", "1", "192.0.2.3"), "theirs is reached")


async def test_hosts_do_not_track_the_flows_in_tunnels(site: Site) -> None:
    """Containers could fill the table of their host with them. That of another port shows that the host tracks flows."""
    one, two = site.hosts
    await site.pair(await site.network(), await site.groups(*EVERYTHING))
    for host in site.hosts:
        programs.nft(
            host.name,
            "table inet tracking { chain each { type filter hook input priority 0; ct state new accept; }; }\n",
        )
    with two.listening("b", "10.0.0.12", 80):
        assert one.connects("a", "10.0.0.12", 80)
    one.said("ping", "-c", "1", "-W", "5", two.address)
    for host in site.hosts:
        tracked = host.said("conntrack", "-L")
        assert f"dst={two.address}" in tracked
        assert f"dport={PORT}" not in tracked


async def test_containers_cannot_send_to_tunnels_in_the_name_of_their_host(site: Site) -> None:
    """By router and uplink they get as far as the other host, under their own host's address; but not to this port."""
    one, two = site.hosts
    group = await site.groups(*EVERYTHING)
    network, outside = await site.network(), await one.network()
    first = await site.port(one, network, "a", "10.0.0.11/24", groups=(group,), via="10.0.0.1")
    second = await site.port(two, network, "b", "10.0.0.12/24", groups=(group,))
    await with_router(site, one, network, outside)
    await site.join(network)
    inner = ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.11", "10.0.0.12", b"forged"))
    with (
        closing(one.endpoint("a", socket.SOCK_DGRAM, "10.0.0.11", 5000)) as sender,
        closing(site.listen(two)) as wire,
    ):
        sender.sendto(vxlan(network.segment, inner), (two.address, PORT))
        sender.sendto(b"to another port", (two.address, 5001))
        assert b"forged" not in b"".join(wire.until(b"to another port"))


async def with_router(site: Site, host: Host, network: NetworkSpec, outside: NetworkSpec) -> None:
    """A router of the host, out of which containers reach the wire."""
    leg = RouterPort("d0000000-0000-4000-8000-0000000000a1", network.id, mac(), (ip_interface("10.0.0.1/24"),))
    gateway = RouterPort("d1000000-0000-4000-8000-0000000000a1", outside.id, mac(), (ip_interface("198.18.99.2/24"),))
    await host.fabric.ensure_uplink(UplinkSpec(outside.id, (ip_interface("198.18.99.1/24"),)))
    router = RouterSpec(leg.port_id, (leg,), gateway, (ip_address("198.18.99.1"),))
    await host.fabric.ensure_router(router)
    site.place(host, network, leg.mac)
