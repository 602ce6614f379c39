"""The name service of a network: asked over the wire from a container, as a resolver would."""

from __future__ import annotations

import os
import signal
import socket
import struct
import uuid
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from boxship.core import errors
from boxship.drivers.linux.interface import NamesSpec, NetworkSpec
from tests.conformance.fabric.world import EVERYTHING, World, eventually, mac

A, PTR, AAAA = 1, 12, 28
NO_ERROR, NO_SUCH_NAME = 0, 3
SERVER = "10.0.0.2"


def names(network: NetworkSpec, **records: str) -> NamesSpec:
    return NamesSpec(
        network_id=network.id,
        port_id=str(uuid.uuid4()),
        mac=mac(),
        addresses=(ip_interface(f"{SERVER}/24"),),
        domain="example.org",
        records=tuple((name, ip_address(address)) for name, address in records.items()),
    )


def ask(world: World, name: str, kind: int = A) -> tuple[int, list[str]]:
    """The response code and the addresses in the answer (RFC 1035, 4.1)."""
    query = question(name, kind)
    with closing(world.endpoint("a", socket.SOCK_DGRAM)) as client:
        client.sendto(query, (SERVER, 53))
        answer = client.recv(4096)
    code, count = answer[3] & 0xF, struct.unpack_from("!H", answer, 6)[0]
    at, found = len(query), []
    for _ in range(count):
        length = struct.unpack_from("!H", answer, at + 10)[0]
        found.append(str(ip_address(answer[at + 12 : at + 12 + length])))
        at += 12 + length
    return code, sorted(found)


def question(name: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


async def container(world: World) -> NetworkSpec:
    network = await world.network()
    await world.port(network, "a", "10.0.0.11/24", groups=(await world.group(*EVERYTHING),))
    return network


def pid(world: World, network: NetworkSpec) -> int:
    return int((world.run / world.mark / "names" / network.id / "pid").read_text())


async def test_names_with_and_without_domain(world: World) -> None:
    network = await container(world)
    await world.fabric.ensure_names(names(network, web="10.0.0.11", db="fd00::5"))
    for name in ("web", "web.example.org", "WEB"):
        assert ask(world, name) == (NO_ERROR, ["10.0.0.11"])
    assert ask(world, "db", AAAA) == (NO_ERROR, ["fd00::5"])
    assert ask(world, "web", AAAA) == (NO_ERROR, []), "the name exists, without an address of this kind"


@pytest.mark.parametrize("name", ["nobody", "nobody.example.org", "www.debian.org", "localhost.localdomain"])
async def test_what_is_not_known_does_not_exist(world: World, name: str) -> None:
    """Nobody is asked: neither the host's resolver nor its hosts file."""
    await world.fabric.ensure_names(names(await container(world), web="10.0.0.11"))
    assert ask(world, name) == (NO_SUCH_NAME, [])


async def test_records_change_without_an_interruption(world: World) -> None:
    network = await container(world)
    spec = names(network, web="10.0.0.11")
    await world.fabric.ensure_names(spec)
    before = pid(world, network)
    await world.fabric.ensure_names(replace(spec, records=(("db", ip_address("10.0.0.9")),)))
    eventually(lambda: ask(world, "db") == (NO_ERROR, ["10.0.0.9"]), "the new record")
    assert ask(world, "web") == (NO_SUCH_NAME, [])
    assert pid(world, network) == before


async def test_a_restarted_program_finds_the_service_and_starts_a_dead_one(world: World) -> None:
    network = await container(world)
    spec = names(network, web="10.0.0.11")
    await world.fabric.ensure_names(spec)
    before = pid(world, network)
    world.restarted()
    await world.fabric.open()
    await world.fabric.ensure_names(spec)
    assert pid(world, network) == before
    os.kill(before, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{before}").exists(), "the end of dnsmasq")
    await world.fabric.ensure_names(spec)
    assert pid(world, network) != before
    assert ask(world, "web") == (NO_ERROR, ["10.0.0.11"])


async def test_a_lost_pid_file_leaves_no_second_service(world: World) -> None:
    network = await container(world)
    spec = names(network, web="10.0.0.11")
    await world.fabric.ensure_names(spec)
    before = pid(world, network)
    (world.run / world.mark / "names" / network.id / "pid").unlink()
    await world.fabric.ensure_names(spec)
    eventually(lambda: not Path(f"/proc/{before}").exists(), "the end of the first dnsmasq")
    assert ask(world, "web") == (NO_ERROR, ["10.0.0.11"])


async def test_it_is_not_root(world: World) -> None:
    network = await container(world)
    await world.fabric.ensure_names(names(network))
    status = Path(f"/proc/{pid(world, network)}/status").read_text()
    assert "\nUid:\t65534\t65534" in status


@pytest.mark.parametrize("name", ["a b", "a\n10.0.0.1 b", "", "x#", "-x", "a/b", "é"])
async def test_a_name_that_would_be_read_as_something_else_is_refused(world: World, name: str) -> None:
    spec = replace(names(await container(world)), records=((name, ip_address("10.0.0.9")),))
    with pytest.raises(errors.Refused):
        await world.fabric.ensure_names(spec)


async def test_names_in_other_domains_and_of_addresses(world: World) -> None:
    network = await container(world)
    spec = replace(names(network, web="10.0.0.11", db="fd00::5"), aliases=("openstacklocal",))
    await world.fabric.ensure_names(spec)
    assert ask(world, "web.openstacklocal") == (NO_ERROR, ["10.0.0.11"])
    assert ask(world, "db.openstacklocal", AAAA) == (NO_ERROR, ["fd00::5"])
    assert named(world, "10.0.0.11") == "web.example.org"
    assert named(world, "fd00::5") == "db.example.org"
    assert named(world, "10.0.0.12") is None


def named(world: World, address: str) -> str | None:
    """The name of an address (RFC 1035, 3.5); None: it has none."""
    query = question(ip_address(address).reverse_pointer, PTR)
    with closing(world.endpoint("a", socket.SOCK_DGRAM)) as client:
        client.sendto(query, (SERVER, 53))
        answer = client.recv(4096)
    if answer[3] & 0xF == NO_SUCH_NAME:
        return None
    labels, at = [], len(query) + 12
    while answer[at]:
        labels.append(answer[at + 1 : at + 1 + answer[at]].decode())
        at += 1 + answer[at]
    return ".".join(labels)


async def test_networks_have_their_own_names(world: World) -> None:
    first, second = await container(world), await world.network()
    await world.fabric.ensure_names(names(first, web="10.0.0.11"))
    await world.fabric.ensure_names(names(second, secret="10.0.0.66"))
    assert ask(world, "secret") == (NO_SUCH_NAME, [])
    await world.fabric.remove_names(second.id)
    assert ask(world, "web") == (NO_ERROR, ["10.0.0.11"])
