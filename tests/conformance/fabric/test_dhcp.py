"""DHCP of a network: a client on a port gets exactly what the port has, and nobody else gets anything."""

from __future__ import annotations

import socket
import struct
import subprocess
import uuid
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest

from boxship.drivers.linux.interface import DhcpOption, DhcpRange, NamesSpec, NetworkSpec, PortSpec, Route, Station
from tests.conformance.fabric.test_names import ask
from tests.conformance.fabric.world import EVERYTHING, World, eventually, mac

SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
env > {told}
ip address add "$ip/$mask" dev "$interface"
"""


def service(network: NetworkSpec, *stations: Station) -> NamesSpec:
    return NamesSpec(
        network_id=network.id,
        port_id=str(uuid.uuid4()),
        mac=mac(),
        addresses=(ip_interface("10.0.0.2/24"), ip_interface("fd00::2/64")),
        domain="example.org",
        records=(),
        ranges=(
            DhcpRange(
                ip_network("10.0.0.0/24"),
                ip_address("10.0.0.1"),
                (Route(ip_network("192.0.2.0/24"), ip_address("10.0.0.9")),),
            ),
            DhcpRange(ip_network("fd00::/64"), ip_address("fd00::1")),
        ),
        stations=stations,
        mtu=network.mtu,
    )


def station(port: PortSpec, name: str = "web", *options: DhcpOption) -> Station:
    return Station(port.mac, name, tuple(address.ip for address in port.addresses), options)


async def client(world: World, network: NetworkSpec, sandbox: str, *addresses: str) -> PortSpec:
    """A guarded port that no group lets anything through, its addresses flushed, as a fresh server has it."""
    port = await world.port(network, sandbox, *addresses, groups=(await world.group(),))
    world.output(sandbox, "ip", "address", "flush", "dev", "eth0", "scope", "global")
    return port


def asked(world: World, sandbox: str, directory: Path, *options: str) -> dict[str, str]:
    """What udhcpc(8) is told; empty: nobody answers."""
    script, told = directory / "script", directory / f"told-{sandbox}"
    script.write_text(SCRIPT.format(told=told))
    script.chmod(0o755)
    told.unlink(missing_ok=True)
    wanted = [word for option in ("121", "mtu", "dns", "hostname", "domain", "tftp") for word in ("-O", option)]
    command = ["busybox", "udhcpc", "-f", "-q", "-n", "-t5", "-T1", "-i", "eth0", "-s", str(script), *wanted, *options]
    world.inside(sandbox, lambda: subprocess.run(command, check=False))
    if not told.exists():
        return {}
    return dict(line.partition("=")[::2] for line in told.read_text().splitlines())


def pid(world: World, network: NetworkSpec) -> int:
    return int((world.run / world.mark / "names" / network.id / "pid").read_text())


async def test_a_client_gets_what_its_port_has(world: World, tmp_path: Path) -> None:
    network = await world.network(mtu=1400)
    port = await client(world, network, "a", "10.0.0.11/24")
    await world.fabric.ensure_names(service(network, station(port)))
    told = asked(world, "a", tmp_path)
    assert {name: told.get(name) for name in ("ip", "mask", "router", "dns", "hostname", "domain", "mtu")} == {
        "ip": "10.0.0.11",
        "mask": "24",
        "router": "10.0.0.1",
        "dns": "10.0.0.2",
        "hostname": "web",
        "domain": "example.org",
        "mtu": "1400",
    }
    assert told["staticroutes"] == "192.0.2.0/24 10.0.0.9 169.254.169.254/32 10.0.0.2 0.0.0.0/0 10.0.0.1"
    assert told["lease"] == "86400"


async def test_options_of_a_port_go_before_those_of_its_subnet(world: World, tmp_path: Path) -> None:
    network = await world.network()
    port = await client(world, network, "a", "10.0.0.11/24")
    options = (
        DhcpOption("tftp-server", "10.0.0.7", 4),
        DhcpOption("mtu", "1300", 4),
        DhcpOption("no-such-option", "x", 4),
        DhcpOption("router", "not an address", 4),
        DhcpOption("42", '"', 4),
    )
    other = await client(world, network, "b", "10.0.0.12/24")
    await world.fabric.ensure_names(service(network, station(port, "web", *options), station(other, "db")))
    told = asked(world, "a", tmp_path)
    assert (told["mtu"], told["tftp"], told["ip"]) == ("1300", "10.0.0.7", "10.0.0.11")
    assert asked(world, "b", tmp_path)["mtu"] == "1500", "what cannot be understood harms nobody else"


async def test_who_is_not_named_gets_nothing(world: World, tmp_path: Path) -> None:
    network = await world.network()
    known = await client(world, network, "a", "10.0.0.11/24")
    await client(world, network, "b", "10.0.0.12/24")
    await world.fabric.ensure_names(service(network, station(known)))
    assert asked(world, "b", tmp_path) == {}
    assert asked(world, "b", tmp_path, "-r", "10.0.0.11") == {}
    assert asked(world, "a", tmp_path)["ip"] == "10.0.0.11"


async def test_stations_change_without_an_interruption(world: World, tmp_path: Path) -> None:
    network = await world.network()
    first = await client(world, network, "a", "10.0.0.11/24")
    second = await client(world, network, "b", "10.0.0.12/24")
    spec = service(network, station(first))
    await world.fabric.ensure_names(spec)
    before = pid(world, network)
    assert asked(world, "a", tmp_path)["ip"] == "10.0.0.11"
    await world.fabric.ensure_names(replace(spec, stations=(station(first), station(second, "db"))))
    told = eventually(lambda: asked(world, "b", tmp_path), "an answer to the new station")
    assert (told["ip"], told["hostname"]) == ("10.0.0.12", "db")
    assert pid(world, network) == before


@pytest.mark.parametrize("restart", [False, True])
async def test_an_address_passes_from_one_port_to_another(world: World, tmp_path: Path, restart: bool) -> None:
    """The first client never said that it is done with it."""
    network = await world.network()
    first = await client(world, network, "a", "10.0.0.11/24")
    spec = service(network, station(first))
    await world.fabric.ensure_names(spec)
    assert asked(world, "a", tmp_path)["ip"] == "10.0.0.11"
    await world.fabric.remove_port(first.id)
    await world.fabric.ensure_names(replace(spec, stations=()))
    if restart:
        world.restarted()
        await world.fabric.open()
    second = await client(world, network, "b", "10.0.0.11/24")
    await world.fabric.ensure_names(replace(spec, stations=(station(second),)))
    assert eventually(lambda: asked(world, "b", tmp_path), "an answer")["ip"] == "10.0.0.11"


async def test_stations_with_options_change(world: World, tmp_path: Path) -> None:
    """What dnsmasq 2.90 does not survive."""
    network = await world.network()
    first = await client(world, network, "a", "10.0.0.11/24")
    second = await client(world, network, "b", "10.0.0.12/24")
    known = station(first, "web", DhcpOption("tftp-server", "10.0.0.7", 4))
    spec = service(network, known)
    await world.fabric.ensure_names(spec)
    assert asked(world, "a", tmp_path)["tftp"] == "10.0.0.7"
    await world.fabric.ensure_names(replace(spec, stations=(known, station(second, "db"))))
    assert eventually(lambda: asked(world, "b", tmp_path), "an answer")["ip"] == "10.0.0.12"
    await world.fabric.ensure_names(replace(spec, stations=(station(first), station(second, "db"))))
    assert "tftp" not in asked(world, "a", tmp_path)
    before = pid(world, network)
    await world.fabric.ensure_names(replace(spec, stations=(station(first, "www"), station(second, "db"))))
    assert eventually(lambda: asked(world, "a", tmp_path), "an answer")["hostname"] == "www"
    assert pid(world, network) == before


async def test_a_client_names_nobody(world: World, tmp_path: Path) -> None:
    network = await world.network()
    port = await client(world, network, "b", "10.0.0.12/24")
    await world.port(network, "a", "10.0.0.11/24", groups=(await world.group(*EVERYTHING),))
    await world.fabric.ensure_names(service(network, station(port, "")))
    assert asked(world, "b", tmp_path, "-x", "hostname:db")["ip"] == "10.0.0.12"
    assert ask(world, "db")[1] == []
    assert ask(world, "db.example.org")[1] == []


async def test_a_server_on_a_port_is_not_heard(world: World, tmp_path: Path) -> None:
    """udhcpd(8) on a port that may send anything: its offers stay on its cable."""
    network = await world.network()
    await world.port(network, "evil", "10.0.0.66/24", groups=(await world.group(*EVERYTHING),))
    await client(world, network, "b", "10.0.0.12/24")
    config = tmp_path / "udhcpd.conf"
    config.write_text(
        f"start 10.0.0.200\nend 10.0.0.210\ninterface eth0\nlease_file {tmp_path}/leases\npidfile {tmp_path}/pid\n"
    )
    (tmp_path / "leases").touch()
    command = ["busybox", "udhcpd", "-f", str(config)]
    server = world.inside("evil", lambda: subprocess.Popen(command))
    try:
        eventually((tmp_path / "pid").exists, "the other server")
        assert asked(world, "b", tmp_path) == {}
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("stateless", [False, True])
async def test_dhcpv6(world: World, stateless: bool) -> None:
    """RFC 8415: a client that solicits gets its port's address at once (rapid commit); one that only asks is told the rest."""
    network = await world.network()
    port = await client(world, network, "a", "fd00::11/64")
    spec = service(network, station(port))
    if stateless:
        spec = replace(spec, ranges=(spec.ranges[0], replace(spec.ranges[1], gives=False)))
    await world.fabric.ensure_names(spec)
    answer = eventually(lambda: _solicit(world, port, ask_only=stateless), "an answer")
    assert answer is not None
    kind, options = answer
    assert kind == 7, "a reply"
    assert options[23] == ip_address("fd00::2").packed, "the name server (RFC 3646)"
    if not stateless:
        address = options[3][12:]
        assert address[4:20] == ip_address("fd00::11").packed


def _solicit(world: World, port: PortSpec, *, ask_only: bool) -> tuple[int, dict[int, bytes]] | None:
    """A Solicit with Rapid Commit, or an Information-Request; type and options of the answer."""
    identity = struct.pack("!HHHH", 1, 10, 3, 1) + bytes.fromhex(port.mac.replace(":", ""))
    wanted = struct.pack("!HHH", 6, 2, 23) + struct.pack("!HHH", 8, 2, 0)
    lease = b"" if ask_only else struct.pack("!HH", 14, 0) + struct.pack("!HHIII", 3, 12, 1, 0, 0)
    message = struct.pack("!I", (11 if ask_only else 1) << 24 | 0x123456) + identity + wanted + lease
    with closing(world.endpoint("a", socket.SOCK_DGRAM, "::", 546)) as made:
        index = world.inside("a", lambda: socket.if_nametoindex("eth0"))
        made.settimeout(1)
        made.sendto(message, ("ff02::1:2", 547, 0, index))
        try:
            answer = made.recv(4096)
        except TimeoutError:
            return None
    found, at = {}, 4
    while at < len(answer):
        code, length = struct.unpack_from("!HH", answer, at)
        found[code] = answer[at + 4 : at + 4 + length]
        at += 4 + length
    return answer[0], found
