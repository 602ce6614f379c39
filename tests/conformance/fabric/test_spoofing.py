"""A privileged container sends whatever it likes on its own cable; only what it may say as itself arrives."""

from __future__ import annotations

import struct
from contextlib import closing
from dataclasses import dataclass, replace
from ipaddress import ip_network

import pytest

from boxship.drivers.linux import filter as rules
from boxship.drivers.linux.interface import AddressPair, NetworkSpec, PortSpec
from tests.conformance.fabric.world import EVERYTHING, Wire, World, arp, ethernet, icmpv6, ip, mac, octets, udp

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
BROADCAST = "ff:ff:ff:ff:ff:ff"
OTHER = "10.0.0.77"
NOWHERE = "0.0.0.0"  # noqa: S104 (a source address, bound to nothing)
MARKER = b"this one may pass"


@dataclass
class Range:
    """An attacker (``a``), a victim (``b``), and raw wires at both."""

    world: World
    network: NetworkSpec
    attacker: PortSpec
    victim: PortSpec

    def arrived(self, *frames: bytes) -> list[bytes]:
        """Which of the frames that the attacker sends come in at the victim."""
        with closing(Wire(self.world, "a")) as sender, closing(Wire(self.world, "b")) as receiver:
            for frame in frames:
                sender.send(frame)
            sender.send(self.frame(IPV4, udp("10.0.0.11", "10.0.0.12", MARKER)))
            came = receiver.until(MARKER)
        return [frame for frame in frames if any(frame in other for other in came)]

    def frame(self, kind: int, payload: bytes, *, source: str = "", destination: str = "") -> bytes:
        return ethernet(destination or self.victim.mac, source or self.attacker.mac, kind, payload)


@pytest.fixture
async def range_(world: World) -> Range:
    network = await world.network()
    attacker, victim = await world.pair(network, await world.group(*EVERYTHING))
    return Range(world, network, attacker, victim)


async def test_what_it_may_say_arrives(range_: Range) -> None:
    """So that the tests below show something."""
    own, other = ("10.0.0.11", "10.0.0.12"), ("fd00::11", "fd00::12")
    frames = [
        range_.frame(IPV4, udp(*own, b"one")),
        range_.frame(IPV6, udp(*other, b"two")),
        range_.frame(ARP, arp(1, (range_.attacker.mac, own[0]), ("00:00:00:00:00:00", own[1])), destination=BROADCAST),
        range_.frame(IPV6, advertisement(range_.attacker.mac, "fd00::11", "fd00::11")),
    ]
    assert range_.arrived(*frames) == frames


async def test_another_mac(range_: Range) -> None:
    strange = range_.frame(IPV4, udp("10.0.0.11", "10.0.0.12", b"x"), source=mac())
    multicast = range_.frame(IPV4, udp("10.0.0.11", "10.0.0.12", b"x"), source="01:00:5e:00:00:01")
    victims = range_.frame(IPV4, udp("10.0.0.11", "10.0.0.12", b"x"), source=range_.victim.mac)
    solicit = icmpv6("::", "ff02::1", struct.pack("!BBHI", 135, 0, 0, 0) + octets("fd00::77"))
    unspecified = range_.frame(IPV6, solicit, source=mac())
    assert range_.arrived(strange, multicast, victims, unspecified) == []


async def test_another_address(range_: Range) -> None:
    frames = [range_.frame(IPV4, udp(source, "10.0.0.12", b"x")) for source in (OTHER, "10.0.0.12", "8.8.8.8", NOWHERE)]
    frames += [
        range_.frame(IPV6, udp(source, "fd00::12", b"x")) for source in ("fd00::77", "fe80::1", "::", "2001:db8::1")
    ]
    assert range_.arrived(*frames) == []


async def test_arp_in_the_name_of_another(range_: Range) -> None:
    own, victim = range_.attacker.mac, range_.victim.mac
    frames = [
        range_.frame(ARP, arp(2, (own, OTHER), (victim, "10.0.0.12"))),
        range_.frame(ARP, arp(1, (own, OTHER), (victim, "10.0.0.12")), destination=BROADCAST),
        range_.frame(ARP, arp(2, (mac(), "10.0.0.11"), (victim, "10.0.0.12"))),
        range_.frame(ARP, arp(2, (victim, "10.0.0.12"), (victim, "10.0.0.12"))),
    ]
    assert range_.arrived(*frames) == []


def advertisement(sender_mac: str, source: str, target: str) -> bytes:
    """A neighbour advertisement to all nodes (RFC 4861, 4.4) with the sender's MAC as target link-layer address."""
    body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + octets(target) + b"\x02\x01" + octets(sender_mac)
    return icmpv6(source, "ff02::1", body)


async def test_neighbour_discovery_in_the_name_of_another(range_: Range) -> None:
    own = range_.attacker.mac
    router = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    redirect = struct.pack("!BBHI", 137, 0, 0, 0) + bytes(32)
    local = str(rules.link_local(own))
    frames = [
        range_.frame(IPV6, advertisement(own, "fd00::11", "fd00::77")),
        range_.frame(IPV6, advertisement(own, local, "fd00::77")),
        range_.frame(IPV6, advertisement(own, "fd00::11", "fe80::1")),
        range_.frame(IPV6, icmpv6(local, "ff02::1", router)),
        range_.frame(IPV6, icmpv6(local, "fd00::12", redirect)),
    ]
    assert range_.arrived(*frames) == []


async def test_a_router_advertisement_behind_extension_headers(range_: Range) -> None:
    """Destination options before ICMPv6 hide nothing."""
    local = str(rules.link_local(range_.attacker.mac))
    router = icmpv6(local, "ff02::1", struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0))[40:]
    hidden = ip(local, "ff02::1", 60, bytes([58, 0, 1, 4, 0, 0, 0, 0]) + router)
    assert range_.arrived(range_.frame(IPV6, hidden)) == []


async def test_as_a_dhcp_server(range_: Range) -> None:
    frames = [
        range_.frame(IPV4, udp("10.0.0.11", "10.0.0.12", b"offer", (67, 68))),
        range_.frame(IPV6, udp(str(rules.link_local(range_.attacker.mac)), "fd00::12", b"reply", (547, 546))),
    ]
    assert range_.arrived(*frames) == []


@pytest.mark.parametrize("kind", [0x8100, 0x88A8, 0x8847, 0x88CC, 0x1234, 0x0026])
async def test_other_protocols_of_ethernet(range_: Range, kind: int) -> None:
    """VLAN tags (with an honest packet inside), MPLS, LLDP, unknown ones, 802.3 frames such as spanning tree's."""
    inner = struct.pack("!HH", 5, IPV4) + udp("10.0.0.11", "10.0.0.12", b"tagged")
    assert range_.arrived(range_.frame(kind, inner), range_.frame(kind, inner, destination=BROADCAST)) == []
    assert range_.arrived(range_.frame(kind, inner, destination="01:80:c2:00:00:00")) == []


async def test_to_an_address_that_the_receiver_does_not_have(range_: Range) -> None:
    """With the victim's MAC, and an address that no group guards."""
    frames = [
        range_.frame(IPV4, udp("10.0.0.11", OTHER, b"x")),
        range_.frame(IPV6, udp("fd00::11", "fd00::77", b"x")),
        range_.frame(IPV6, udp("fd00::11", str(rules.link_local(range_.attacker.mac)), b"x")),
    ]
    assert range_.arrived(*frames) == []


async def test_the_link_local_address_passes_no_group(range_: Range) -> None:
    """A port's own link-local address is good for neighbours only: rules speak of its other addresses."""
    frame = range_.frame(IPV6, udp(str(rules.link_local(range_.attacker.mac)), "fd00::12", b"x"))
    shut = await range_.world.group()
    await range_.world.fabric.ensure_port(replace(range_.victim, groups=(shut.id,)))
    with closing(Wire(range_.world, "a")) as sender, closing(Wire(range_.world, "b")) as receiver:
        sender.send(frame)
        local = str(rules.link_local(range_.attacker.mac))
        sender.send(range_.frame(IPV6, advertisement(range_.attacker.mac, local, local)))
        assert frame not in receiver.until(b"\x02\x01" + bytes.fromhex(range_.attacker.mac.replace(":", "")))


async def test_an_allowed_pair_may_be_used_and_nothing_beside_it(range_: Range) -> None:
    virtual = "00:00:5e:00:01:07"
    pairs = (
        AddressPair(range_.attacker.mac, ip_network("10.0.0.64/30")),
        AddressPair(virtual, ip_network("10.0.0.80/32")),
    )
    await range_.world.fabric.ensure_port(replace(range_.attacker, pairs=pairs))
    may = [
        range_.frame(IPV4, udp("10.0.0.66", "10.0.0.12", b"x")),
        range_.frame(IPV4, udp("10.0.0.80", "10.0.0.12", b"x"), source=virtual),
    ]
    may_not = [
        range_.frame(IPV4, udp("10.0.0.68", "10.0.0.12", b"x")),
        range_.frame(IPV4, udp("10.0.0.66", "10.0.0.12", b"x"), source=virtual),
        range_.frame(IPV4, udp("10.0.0.80", "10.0.0.12", b"x")),
    ]
    assert range_.arrived(*may, *may_not) == may
    await range_.world.fabric.ensure_port(range_.attacker)
    assert range_.arrived(*may, *may_not) == []


async def test_a_routed_packet_cannot_pass_as_neighbour_discovery(range_: Range) -> None:
    """What passes all groups because neighbours need it comes from the same link: its hop limit is 255."""
    body = struct.pack("!BBHI", 135, 0, 0, 0) + bytes(16)
    near = icmpv6("fd00::11", "fd00::12", body)
    far = near[:7] + bytes([64]) + near[8:]
    shut = await range_.world.group()
    await range_.world.fabric.ensure_port(replace(range_.victim, groups=(shut.id,)))
    with closing(Wire(range_.world, "a")) as sender, closing(Wire(range_.world, "b")) as receiver:
        sender.send(range_.frame(IPV6, far))
        sender.send(range_.frame(IPV6, near))
        assert receiver.until(near) == []
