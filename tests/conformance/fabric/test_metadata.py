"""The metadata address, asked from containers: who asks is known by where it comes in, and by nothing that is said."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

import pytest

from boxship.drivers.linux.interface import MetadataPage, MetadataQuestion
from tests.conformance.fabric.test_names import names
from tests.conformance.fabric.test_routers import Outside, leg, outside
from tests.conformance.fabric.world import DEADLINE, EVERYTHING, World

__all__ = ["outside"]

T = TypeVar("T")
ADDRESS = "169.254.169.254"


async def echo(question: MetadataQuestion) -> MetadataPage:
    return MetadataPage(200, f"{question.kind} {question.id} {question.client} {question.path}".encode())


async def get(world: World, sandbox: str, path: str = "/x", **headers: str) -> tuple[int, str]:
    """GET from a sandbox, while the program here goes on."""
    return await asyncio.to_thread(_get, world, sandbox, path, headers)


def _get(world: World, sandbox: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    with closing(http.client.HTTPConnection(ADDRESS, timeout=DEADLINE)) as client:
        client.sock = connected(world, sandbox)
        client.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = client.getresponse()
        return answer.status, answer.read().decode()


def connected(world: World, sandbox: str) -> socket.socket:
    made = world.connection(sandbox, ADDRESS)
    made.connect((ADDRESS, 80))
    return made


async def elsewhere(function: Callable[[], T]) -> T:
    return await asyncio.to_thread(function)


async def test_by_the_name_service_of_a_network_without_a_router(world: World) -> None:
    await world.fabric.answer_metadata(echo)
    group = await world.group(*EVERYTHING)
    for sandbox in ("a", "b"):
        network = await world.network()
        await world.port(network, sandbox, "10.0.0.11/24", groups=(group,), via="10.0.0.2")
        await world.fabric.ensure_names(names(network))
        assert await get(world, sandbox) == (200, f"names {network.id} 10.0.0.11 /x"), (
            "the same address in each network"
        )


async def test_by_a_router(outside: Outside) -> None:
    world = outside.world
    await world.fabric.answer_metadata(echo)
    second = await world.network()
    group = await world.group(*EVERYTHING)
    await world.port(second, "b", "10.7.0.12/24", groups=(group,), via="10.7.0.1")
    await outside.change(legs=(*outside.router.legs, leg(second, "10.7.0.1/24")))
    assert await get(world, "a") == (200, f"router {outside.router.id} 10.0.0.11 /x")
    assert await get(world, "b") == (200, f"router {outside.router.id} 10.7.0.12 /x")


async def test_not_from_outside(outside: Outside) -> None:
    world = outside.world
    await world.fabric.answer_metadata(echo)
    await outside.change(legs=())
    group = await world.group(*EVERYTHING)
    await world.port(outside.external, "x", f"{outside.at(9)}/24", groups=(group,), via=outside.own)
    assert not await elsewhere(lambda: world.connects("x", ADDRESS, 80))


async def test_nothing_but_the_page_is_there(world: World) -> None:
    await world.fabric.answer_metadata(echo)
    network = await world.network()
    await world.port(network, "a", "10.0.0.11/24", groups=(await world.group(*EVERYTHING),), via="10.0.0.2")
    await world.fabric.ensure_names(names(network))
    assert (await get(world, "a", X_Forwarded_For="10.0.0.12"))[0] == 403
    assert (await get(world, "a", Forwarded="for=10.0.0.12"))[0] == 403
    assert (await get(world, "a", X_Real_IP="10.0.0.12"))[1] == f"names {network.id} 10.0.0.11 /x"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
    ],
)
async def test_what_is_no_request_gets_no_answer(world: World, sent: bytes) -> None:
    await world.fabric.answer_metadata(echo)
    network = await world.network()
    await world.port(network, "a", "10.0.0.11/24", groups=(await world.group(*EVERYTHING),), via="10.0.0.2")
    await world.fabric.ensure_names(names(network))

    def ask() -> bytes:
        with closing(connected(world, "a")) as client:
            try:
                client.sendall(sent)
                return client.recv(4096)
            except ConnectionResetError:
                return b""

    assert await elsewhere(ask) == b""
    assert (await get(world, "a"))[0] == 200


async def test_who_holds_many_connections_keeps_nobody_else_away(world: World) -> None:
    await world.fabric.answer_metadata(echo)
    network, group = await world.network(), await world.group(*EVERYTHING)
    for sandbox, address in (("a", "10.0.0.11/24"), ("b", "10.0.0.12/24")):
        await world.port(network, sandbox, address, groups=(group,), via="10.0.0.2")
    await world.fabric.ensure_names(names(network))
    held = [await elsewhere(lambda: connected(world, "a")) for _ in range(60)]
    try:
        assert (await get(world, "b"))[0] == 200
        held[-1].settimeout(DEADLINE)
        assert await elsewhere(lambda: held[-1].recv(1)) == b"", "too many of one are hung up on"
    finally:
        for client in held:
            client.close()


async def test_it_is_made_again_and_goes(world: World) -> None:
    await world.fabric.answer_metadata(echo)
    network = await world.network()
    await world.port(network, "a", "10.0.0.11/24", groups=(await world.group(*EVERYTHING),), via="10.0.0.2")
    spec = names(network)
    await world.fabric.ensure_names(spec)
    await world.fabric.close()
    world.restarted()
    await world.fabric.open()
    await world.fabric.answer_metadata(echo)
    await world.fabric.ensure_names(spec)
    assert (await get(world, "a"))[0] == 200
    await world.fabric.remove_names(network.id)
    assert not await elsewhere(lambda: world.connects("a", ADDRESS, 80))
    await world.fabric.ensure_names(spec)
    assert (await get(world, "a"))[0] == 200
