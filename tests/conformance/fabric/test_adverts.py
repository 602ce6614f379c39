"""Router advertisements: a station that listens gets its address and its way out, and believes nobody but the router."""

from __future__ import annotations

import json
import socket
import struct
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_interface
from pathlib import Path

import pytest

from boxship.drivers.linux import namespace, programs
from boxship.drivers.linux.interface import Advert, NetworkSpec, PortSpec, RouterPort, RouterSpec
from tests.conformance.fabric.test_routers import leg
from tests.conformance.fabric.world import DEADLINE, EVERYTHING, Wire, World, ethernet, eventually, icmpv6

PREFIX = IPv6Network("fd00::/64")
ROUTER = "5c0b3b0e-0000-4000-8000-000000000002"


def eui64(prefix: IPv6Network, mac: str) -> str:
    """RFC 4291, appendix A: what the API says that a port has."""
    octets = bytes.fromhex(mac.replace(":", ""))
    tail = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return str(IPv6Address(prefix.network_address.packed[:8] + tail))


def advert(port: RouterPort, mode: str) -> Advert:
    return Advert(port.port_id, PREFIX, mode, 1400, (ip_address("fd00::2"),))


async def routed(world: World, mode: str) -> tuple[NetworkSpec, RouterSpec]:
    """A network whose router advertises, and another one behind it with a container ``far`` (fd01::9)."""
    group = await world.group(*EVERYTHING)
    near, far = await world.network(mtu=1400), await world.network()
    port = leg(near, "fd00::1/64")
    spec = RouterSpec(ROUTER, (port, leg(far, "fd01::1/64")), adverts=(advert(port, mode),))
    await world.fabric.ensure_router(spec)
    await world.port(far, "far", "fd01::9/64", groups=(group,), via="fd01::1")
    return near, spec


async def station(world: World, network: NetworkSpec, sandbox: str) -> PortSpec:
    """A guarded port with an EUI-64 address, whose station is told nothing and listens to routers."""
    port = await world.port(network, sandbox, "10.0.0.9/24", groups=(await world.group(*EVERYTHING),))
    port = replace(port, addresses=(ip_interface(f"{eui64(PREFIX, port.mac)}/64"),))
    await world.fabric.ensure_port(port)
    world.output(sandbox, "ip", "link", "set", "eth0", "down")
    world.output(sandbox, "ip", "address", "flush", "dev", "eth0", "scope", "global")
    world.inside(sandbox, lambda: Path("/proc/sys/net/ipv6/conf/eth0/accept_ra").write_text("2"))
    world.output(sandbox, "ip", "link", "set", "eth0", "up")
    return port


def addresses(world: World, sandbox: str) -> list[str]:
    shown = json.loads(world.output(sandbox, "ip", "-6", "-json", "address", "show", "dev", "eth0", "scope", "global"))
    return [info["local"] for link in shown for info in link["addr_info"] if "local" in info]


def flags(frame: bytes) -> tuple[bool, bool, bool]:
    """M and O of an advertisement, and A of its prefix (RFC 4861, 4.2 and 4.6.2)."""
    body = frame[14 + 40 :]
    at, autonomous = 16, False
    while at < len(body):
        kind, length = body[at], body[at + 1] * 8
        if kind == 3:
            autonomous = bool(body[at + 3] & 0x40)
        at += length
    return bool(body[5] & 0x80), bool(body[5] & 0x40), autonomous


def heard(world: World, sandbox: str, port: PortSpec) -> bytes:
    """The advertisement that a station hears after it solicited one (RFC 4861, 4.1)."""
    own = eui64(IPv6Network("fe80::/64"), port.mac)
    solicitation = icmpv6(own, "ff02::2", struct.pack("!BBHI", 133, 0, 0, 0))
    ears = world.inside(sandbox, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD)))
    with closing(ears), closing(Wire(world, sandbox)) as wire:
        ears.bind(("eth0", 0x86DD))
        ears.settimeout(DEADLINE)
        wire.send(ethernet("33:33:00:00:00:02", port.mac, 0x86DD, solicitation))
        while True:
            frame: bytes = ears.recv(4096)
            if frame[20] == 58 and frame[54] == 134:
                return frame


async def test_a_station_makes_the_address_of_its_port_and_goes_through_the_router(world: World) -> None:
    network, _ = await routed(world, "slaac")
    port = await station(world, network, "a")
    eventually(lambda: addresses(world, "a") == [str(port.addresses[0].ip)], "the address")
    routes = world.output("a", "ip", "-6", "route", "show", "default")
    assert "proto ra" in routes
    assert world.inside("a", lambda: Path("/proc/sys/net/ipv6/conf/eth0/mtu").read_text()) == "1400\n"
    assert eventually(lambda: world.reaches("a", "far", "fd01::9"), "a way through the router")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("slaac", (False, False, True)),
        ("dhcpv6-stateless", (False, True, True)),
        ("dhcpv6-stateful", (True, True, False)),
    ],
)
async def test_flags_of_the_modes(world: World, mode: str, expected: tuple[bool, bool, bool]) -> None:
    network, _ = await routed(world, mode)
    frame = heard(world, "a", await station(world, network, "a"))
    assert flags(frame) == expected
    assert ip_address("fd00::2").packed in frame, "the name server (RFC 8106)"


async def test_nobody_else_is_a_router(world: World) -> None:
    """An advertisement from a port: its network's other stations do not hear it."""
    network = await world.network()
    port = await station(world, network, "a")
    other = await world.port(network, "evil", "fd00::66/64", groups=(await world.group(*EVERYTHING),))
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 1800, 1800, 0) + PREFIX.network_address.packed
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix
    with closing(Wire(world, "evil")) as wire, closing(Wire(world, "a")) as ears:
        source = eui64(IPv6Network("fe80::/64"), other.mac)
        wire.send(ethernet("33:33:00:00:00:01", other.mac, 0x86DD, icmpv6(source, "ff02::1", body)))
        marker = struct.pack("!BBHHH", 128, 0, 0, 1, 1) + b"marker"
        wire.send(ethernet("33:33:00:00:00:01", other.mac, 0x86DD, icmpv6("fd00::66", "ff02::1", marker)))
        assert not [frame for frame in ears.until(b"marker") if frame[54:55] == b"\x86"]
    assert str(port.addresses[0].ip) not in addresses(world, "a")


async def test_it_changes_ends_and_is_found_again(world: World) -> None:
    _, spec = await routed(world, "slaac")
    processes = _daemons(world)
    assert len(processes) == 1
    world.restarted()
    await world.fabric.open()
    await world.fabric.ensure_router(spec)
    assert _daemons(world) == processes
    status = Path(f"/proc/{processes[0]}/status").read_text()
    assert "\nUid:\t65534\t65534" in status
    await world.fabric.ensure_router(replace(spec, adverts=(advert(spec.legs[0], "dhcpv6-stateless"),)))
    assert _daemons(world) != processes
    await world.fabric.ensure_router(replace(spec, adverts=()))
    assert _daemons(world) == []
    await world.fabric.ensure_router(spec)
    await world.fabric.remove_router(spec.id)
    assert _daemons(world) == []


def _daemons(world: World) -> list[int]:
    return namespace.processes(world.fabric._naming.router(ROUTER))


async def test_the_router_serves_nothing_else(world: World) -> None:
    _, spec = await routed(world, "dhcpv6-stateful")
    listed = programs.run(world.fabric._naming.router(spec.id), ["nft", "list", "chain", "inet", "boxship", "input"])
    assert "policy drop" in listed
    assert "udp" not in listed
