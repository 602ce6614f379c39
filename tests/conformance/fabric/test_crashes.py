"""The program is killed at any instant, or somebody takes things away: what is half made is completed, nothing stays open."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path
from unittest import mock

import pytest

from boxship.core import errors
from boxship.drivers.linux import link, namespace, naming, nfnetlink, programs
from boxship.drivers.linux.interface import PortSpec, RouterSpec
from tests.conformance.fabric.test_names import names
from tests.conformance.fabric.test_routers import leg
from tests.conformance.fabric.world import EVERYTHING, Wire, World, ethernet, udp


class Killed(BaseException):
    """The program ends here: no except clause of its own runs."""


@contextmanager
def killed_at(step: int) -> Iterator[list[int]]:
    """The ``step``-th change of the kernel's network (or of a record of it) is the last thing that is not done any more."""
    done = itertools.count()
    taken: list[int] = []

    def counting(original: object) -> object:
        def change(*words: object, **more: object) -> object:
            if next(done) == step:
                taken.append(step)
                raise Killed
            return original(*words, **more)  # type: ignore[operator]  # whatever was there

        return change

    places = [
        (programs, "run"),
        (namespace, "create"),
        (namespace, "remove"),
        *((link.Links, verb) for verb in ("add_cable", "mark", "raise_up", "delete", "add_address", "add_route")),
        (nfnetlink.Tables, "change"),
        (Path, "rename"),
    ]
    with ExitStack() as patches:
        for place, verb in places:
            patches.enter_context(mock.patch.object(place, verb, counting(getattr(place, verb))))
        yield taken


async def whole(world: World, port: PortSpec, router: RouterSpec) -> None:
    await world.fabric.ensure_port(port)
    await world.fabric.ensure_router(router)


async def test_a_port_and_a_router_survive_a_kill_at_every_step(world: World) -> None:
    """At each step once: killed there, started again, told the same, and it works; then removed the same way."""
    group = await world.group(*EVERYTHING)
    network = await world.network()
    await world.port(network, "b", "10.0.0.12/24", groups=(group,))
    port = await world.port(network, "a", "10.0.0.11/24", groups=(group,), via="10.0.0.1")
    router = RouterSpec("5c0b3b0e-0000-4000-8000-000000000001", (leg(network, "10.0.0.1/24"),))
    await world.fabric.remove_sandbox("a")
    for step in range(100):
        with killed_at(step) as taken, suppress(Killed):
            await whole(world, port, router)
        assert await asyncio.to_thread(guarded, world, port), f"open after a kill at step {step}"
        world.restarted()
        await world.fabric.open()
        await whole(world, port, router)
        assert world.reaches("a", "b", "10.0.0.12"), f"after a kill at step {step}"
        assert "1 received" in world.output("a", "ping", "-c1", "-W5", "10.0.0.1"), f"after a kill at step {step}"
        await world.fabric.remove_router(router.id)
        await world.fabric.remove_sandbox("a")
        if not taken:
            break
    assert step > 10, "there were steps to be killed at"


def guarded(world: World, port: PortSpec) -> bool:
    """Whether a cable that is on the bridge has its sender's filter."""
    tap = naming.tap(port.id)
    on_bridge = any(tap in line and "master" in line for line in world.links().splitlines())
    return not on_bridge or f'"{tap}"' in programs.run(
        world.fabric._naming.fabric, ["nft", "list", "map", "bridge", "boxship", "ports"]
    )


async def test_removing_survives_a_kill_at_every_step(world: World) -> None:
    group = await world.group(*EVERYTHING)
    network = await world.network()
    router = RouterSpec("5c0b3b0e-0000-4000-8000-000000000001", (leg(network, "10.0.0.1/24"),))
    for step in range(100):
        port = await world.port(network, "a", "10.0.0.11/24", groups=(group,))
        await world.fabric.ensure_router(router)
        with killed_at(step) as taken, suppress(Killed):
            await world.fabric.remove_router(router.id)
            await world.fabric.remove_sandbox("a")
        world.restarted()
        await world.fabric.open()
        sight = await world.fabric.sight()
        if port.id in sight.ports:
            await world.fabric.remove_port(port.id)
        for id in sight.routers:
            await world.fabric.remove_router(id)
        for name in sight.sandboxes:
            await world.fabric.remove_sandbox(name)
        assert naming.tap(port.id) not in world.rules(), f"rules are left after a kill at step {step}"
        assert naming.tap(port.id) not in world.links()
        if not taken:
            break
    assert step > 4, "there were steps to be killed at"


async def test_a_half_removed_port_is_removed_by_the_next_start(world: World) -> None:
    """Its cable is gone, so nobody sees it any more; its filters must not stay for ever."""
    network, group = await world.network(), await world.group(*EVERYTHING)
    for step in range(20):
        port = await world.port(network, "a", "10.0.0.11/24", groups=(group,))
        with killed_at(step) as taken, suppress(Killed):
            await world.fabric.remove_port(port.id)
        world.restarted()
        await world.fabric.open()
        there = port.id in (await world.fabric.sight()).ports
        assert there == (naming.tap(port.id) in world.rules()), f"after a kill at step {step}"
        await world.fabric.remove_port(port.id)
        if not taken:
            break
    assert step > 1, "there were steps to be killed at"


async def test_a_port_that_is_updated_when_killed_is_made_whole(world: World) -> None:
    group, other = await world.group(*EVERYTHING), await world.group(*EVERYTHING)
    network = await world.network()
    first, _ = await world.pair(network, group)
    own = (*first.addresses, ip_interface("10.0.0.41/32"))
    changed = replace(first, groups=(other.id,), mac="fa:16:3e:00:00:77", addresses=own)
    for step in range(100):
        with killed_at(step) as taken, suppress(Killed):
            await world.fabric.ensure_port(changed)
        world.restarted()
        await world.fabric.open()
        await world.fabric.ensure_port(first if step % 2 else changed)
        assert world.reaches("a", "b", "10.0.0.12"), f"after a kill at step {step}"
        await world.fabric.ensure_port(first)
        assert "10.0.0.41" not in world.output("a", "ip", "address", "show"), f"after a kill at step {step}"
        if not taken:
            break
    assert step > 2, "there were steps to be killed at"


async def test_a_second_call_changes_nothing(world: World) -> None:
    """Neither in the same program nor in a restarted one: not a rule, not a link, and no packet is lost."""
    group = await world.group(*EVERYTHING)
    network = await world.network()
    first, second = await world.pair(network, group)
    router = RouterSpec("5c0b3b0e-0000-4000-8000-000000000001", (leg(network, "10.0.0.1/24"),))
    service = names(network, web="10.0.0.11")
    await world.fabric.ensure_router(router)
    await world.fabric.ensure_names(service)
    world.output("a", "ip", "address", "add", "10.0.0.99/32", "dev", "eth0")
    before = snapshot(world)
    for _ in range(2):
        await world.fabric.ensure_network(network)
        await world.fabric.ensure_group(group)
        for port in (first, second):
            await world.fabric.ensure_port(port)
        await world.fabric.ensure_router(router)
        await world.fabric.ensure_names(service)
        assert snapshot(world) == before, "what the container itself set on its device is left alone as well"
        world.restarted()
        await world.fabric.open()


def snapshot(world: World) -> tuple[str, ...]:
    rules = "\n".join(line for line in world.rules().splitlines() if "# handle" not in line)
    addresses = [world.output(sandbox, "ip", "-oneline", "address", "show") for sandbox in ("a", "b")]
    routes = [world.output(sandbox, "ip", "route", "show", "table", "all") for sandbox in ("a", "b")]
    return (rules, world.links(), *(strip(text) for text in (*addresses, *routes)))


def strip(text: str) -> str:
    """Without neighbours' times and multicast routes, which come and go by themselves."""
    return "\n".join(sorted(line for line in text.splitlines() if "expires" not in line and "multicast" not in line))


async def test_a_container_that_deletes_its_device_gets_it_back(world: World) -> None:
    first, _ = await world.pair(await world.network(), await world.group(*EVERYTHING))
    world.output("a", "ip", "link", "delete", "eth0")
    assert first.id not in (await world.fabric.sight()).ports
    await world.fabric.ensure_port(first)
    assert world.reaches("a", "b", "10.0.0.12")


async def test_a_bridge_that_somebody_deleted_is_made_again(world: World) -> None:
    network = await world.network()
    first, second = await world.pair(network, await world.group(*EVERYTHING))
    programs.run(world.fabric._naming.fabric, ["ip", "link", "delete", naming.bridge(network.id)])
    assert network.id not in (await world.fabric.sight()).networks
    with pytest.raises(errors.Absent):
        await world.fabric.ensure_port(first)
    await world.fabric.ensure_network(network)
    for port in (first, second):
        await world.fabric.ensure_port(port)
    assert world.reaches("a", "b", "10.0.0.12")


async def test_lost_records_leave_no_port_without_a_guard(world: World) -> None:
    """Somebody removed the files in /run: ports are made anew, with the filters of their present wish."""
    network = await world.network()
    opened, closed = await world.group(*EVERYTHING), await world.group()
    first, second = await world.pair(network, opened)
    shutil.rmtree(world.run)
    world.restarted()
    await world.fabric.open()
    assert not (await world.fabric.sight()).ports
    await world.fabric.ensure_port(replace(first, groups=(opened.id,)))
    await world.fabric.ensure_port(replace(second, groups=(closed.id,)))
    assert not world.reaches("a", "b", "10.0.0.12")


async def test_records_of_another_boot_are_not_believed(world: World) -> None:
    """The kernel's state is gone and /run is not: a port must not be taken for filtered."""
    network = await world.network()
    group = await world.group(*EVERYTHING)
    first, second = await world.pair(network, group)
    for name in namespace.names(world.fabric._naming.prefix):
        namespace.remove(name)
    world.restarted()
    await world.fabric.open()
    await world.fabric.ensure_network(network)
    await world.fabric.ensure_group(group)
    for port in (first, second):
        await world.fabric.ensure_port(port)
    forged = ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.77", "10.0.0.12", b"forged"))
    honest = ethernet(second.mac, first.mac, 0x0800, udp("10.0.0.11", "10.0.0.12", b"honest"))
    with closing(Wire(world, "a")) as sender, closing(Wire(world, "b")) as receiver:
        sender.send(forged)
        sender.send(honest)
        assert forged not in receiver.until(b"honest")


async def test_a_broken_record_is_not_believed(world: World) -> None:
    network = await world.network()
    first, _ = await world.pair(network, await world.group(*EVERYTHING))
    (world.run / world.mark / "ports" / f"{first.id}.json").write_text("{")
    world.restarted()
    await world.fabric.open()
    await world.fabric.ensure_port(first)
    assert len((await world.fabric.sight()).ports) == 1, "the other one is to be made anew"


async def test_many_at_once(world: World) -> None:
    """Ports and groups changed by many callers at the same time, and looked at meanwhile."""
    network = await world.network()
    group = await world.group(*EVERYTHING)
    ports = await asyncio.gather(
        *(world.port(network, f"s{number}", f"10.0.0.{number + 10}/24", groups=(group,)) for number in range(12)),
    )
    same = [world.fabric.ensure_port(port) for port in ports for _ in range(2)]
    await asyncio.gather(*same, *(world.fabric.sight() for _ in range(4)), world.fabric.ensure_group(group))
    assert (await world.fabric.sight()).ports == {port.id for port in ports}
    assert world.reaches("s0", "s11", "10.0.0.21")
    await asyncio.gather(*(world.fabric.remove_sandbox(f"s{number}") for number in range(12)))
    assert not (await world.fabric.sight()).ports


async def test_a_sandbox_that_is_made_again_at_once(world: World) -> None:
    """The old one may still be held by a process: its cable must not be taken for the new one's."""
    first, _ = await world.pair(await world.network(), await world.group(*EVERYTHING))
    with closing(world.endpoint("a", socket.SOCK_DGRAM)):
        for _ in range(5):
            await world.fabric.remove_sandbox("a")
            await world.fabric.ensure_port(first)
            assert world.reaches("a", "b", "10.0.0.12")


async def test_a_name_service_ends_with_its_network_even_without_files(world: World) -> None:
    network = await world.network()
    await world.fabric.ensure_names(names(network, web="10.0.0.11"))
    pids = namespace.processes(world.fabric._naming.names(network.id))
    assert len(pids) == 1
    shutil.rmtree(world.run)
    world.restarted()
    await world.fabric.remove_names(network.id)
    with pytest.raises(ProcessLookupError):
        for _ in range(1000):
            os.kill(pids[0], signal.SIG_DFL)
            await asyncio.sleep(0.01)
