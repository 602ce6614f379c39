"""Ports whose free end is on the host, as an engine uses them: taken into a namespace, filtered there, given back."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

import pytest

from boxship.drivers.linux import filter as texts
from boxship.drivers.linux import programs
from boxship.drivers.linux.interface import GroupSpec, NetworkSpec, PortSpec, RuleSpec
from tests.conformance.fabric.world import World

NETWORK = NetworkSpec("a0000000-0000-4000-8000-0000000000d1", 7, mtu=1400)
GROUP = GroupSpec("c0000000-0000-4000-8000-0000000000d1", (RuleSpec("egress", 4), RuleSpec("ingress", 4)))


def plug(number: int) -> PortSpec:
    return PortSpec(
        id=f"b{secrets.token_hex(3)}{number}-0000-4000-8000-{secrets.token_hex(6)}",
        network_id=NETWORK.id,
        mac=f"fa:16:3e:00:0d:0{number}",
        addresses=(ip_interface(f"10.13.0.{number}/24"),),
        sandbox="",
        interface=f"bxp{secrets.token_hex(6)}",
        mtu=NETWORK.mtu,
        groups=(GROUP.id,),
    )


class Box:
    """A namespace of an engine, as a container has it."""

    def __init__(self) -> None:
        self.name = f"engine-{secrets.token_hex(4)}"
        run("ip", "netns", "add", self.name)

    def take(self, spec: PortSpec) -> None:
        """What libnetwork does: move, rename, address, up."""
        run("ip", "link", "set", spec.interface, "netns", self.name)
        self.ip("link", "set", spec.interface, "name", "eth0")
        self.ip("address", "add", str(spec.addresses[0]), "dev", "eth0")
        self.ip("link", "set", "eth0", "up")

    def give_back(self, spec: PortSpec) -> None:
        self.ip("link", "set", "eth0", "down")
        self.ip("link", "set", "eth0", "name", spec.interface)
        self.ip("link", "set", spec.interface, "netns", "1")

    def ip(self, *words: str) -> str:
        return run("ip", "-n", self.name, *words)

    def reaches(self, address: str) -> bool:
        ping = ["ip", "netns", "exec", self.name, "ping", "-c", "1", "-W", "5", address]
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def boxes() -> Iterator[tuple[Box, Box]]:
    made = Box(), Box()
    try:
        yield made
    finally:
        for box in made:
            run("ip", "netns", "delete", box.name)


def there(spec: PortSpec) -> bool:
    return Path("/sys/class/net", spec.interface).exists()


async def plugged(world: World, number: int) -> PortSpec:
    spec = plug(number)
    await world.fabric.ensure_network(NETWORK)
    await world.fabric.ensure_group(GROUP)
    await world.fabric.ensure_port(spec)
    return spec


async def test_the_device_is_made_down_and_bare(world: World) -> None:
    spec = await plugged(world, 1)
    shown = run("ip", "-details", "address", "show", "dev", spec.interface)
    assert spec.mac in shown
    assert "mtu 1400" in shown
    assert f"boxship:{world.mark}:plug:{spec.id}" in shown
    assert "state DOWN" in shown
    assert "inet" not in shown
    await world.fabric.remove_port(spec.id)
    assert not there(spec)


async def test_containers_of_an_engine_reach_each_other(world: World, boxes: tuple[Box, Box]) -> None:
    for number, box in enumerate(boxes, 1):
        box.take(await plugged(world, number))
    assert boxes[0].reaches("10.13.0.2")


async def test_a_change_leaves_the_device_where_it_is(world: World, boxes: tuple[Box, Box]) -> None:
    one, two = await plugged(world, 1), await plugged(world, 2)
    for spec, box in zip((one, two), boxes, strict=True):
        box.take(spec)
    closed = GroupSpec("c0000000-0000-4000-8000-0000000000d2", (RuleSpec("egress", 4),))
    await world.fabric.ensure_group(closed)
    await world.fabric.ensure_port(replace(two, groups=(closed.id,)))
    assert not there(two)
    ping = ["ip", "netns", "exec", boxes[0].name, "ping", "-c", "1", "-W", "1", "10.13.0.2"]
    assert subprocess.run(ping, capture_output=True, check=False).returncode == 1
    await world.fabric.ensure_port(two)
    assert boxes[0].reaches("10.13.0.2")


async def test_the_device_comes_back_and_goes_wherever_it_is(world: World, boxes: tuple[Box, Box]) -> None:
    spec = await plugged(world, 1)
    boxes[0].take(spec)
    boxes[0].give_back(spec)
    assert there(spec)
    await world.fabric.ensure_port(spec)
    boxes[1].take(spec)
    await world.fabric.remove_port(spec.id)
    assert "eth0" not in boxes[1].ip("link")
    assert not there(spec)


async def test_an_address_that_is_not_the_ports_is_not_sent_from(world: World, boxes: tuple[Box, Box]) -> None:
    for number, box in enumerate(boxes, 1):
        box.take(await plugged(world, number))
    boxes[0].ip("address", "add", "10.13.0.77/24", "dev", "eth0")
    ping = ["ip", "netns", "exec", boxes[0].name, "ping", "-I", "10.13.0.77", "-c", "1", "-W", "1", "10.13.0.2"]
    assert subprocess.run(ping, capture_output=True, check=False).returncode == 1
    assert boxes[0].reaches("10.13.0.2")


async def test_an_engine_keeps_its_device_when_the_filters_are_of_another_version(
    world: World, boxes: tuple[Box, Box]
) -> None:
    specs = [await plugged(world, number) for number in (1, 2)]
    for spec, box in zip(specs, boxes, strict=True):
        box.take(spec)
    await world.fabric.close()
    where = world.fabric._naming.fabric
    programs.nft(where, f"delete chain inet boxship version_{texts.VERSION}\n")
    world.restarted()
    again = world.fabric
    await again.open()
    ping = ["ip", "netns", "exec", boxes[0].name, "ping", "-c", "1", "-W", "1", "10.13.0.2"]
    assert subprocess.run(ping, capture_output=True, check=False).returncode == 1, "without filters nothing passes"
    await again.ensure_network(NETWORK)
    await again.ensure_group(GROUP)
    for spec in specs:
        await again.ensure_port(spec)
    assert boxes[0].reaches("10.13.0.2")
    closed = GroupSpec("c0000000-0000-4000-8000-0000000000d2", (RuleSpec("egress", 4),))
    await again.ensure_group(closed)
    await again.ensure_port(replace(specs[1], groups=(closed.id,)))
    assert subprocess.run(ping, capture_output=True, check=False).returncode == 1, "and the filters are in force"
