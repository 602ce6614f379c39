"""The driver in front of an engine that misbehaves: every failure is one of the three that reconcilers know, and what one
tenant makes long keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from boxship.core.errors import Absent, Busy, DriverError, Refused
from boxship.drivers.engine import connection
from boxship.drivers.engine.docker import DockerEngine, access

MARK = "aaaa"
VERSION = {"ApiVersion": "1.41"}


def answer(status: int, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def chunked(*chunks: bytes, ends: bool = True) -> bytes:
    """A stream; one that does not end is cut off with the connection."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + (b"0\r\n\r\n" if ends else b"")


@asynccontextmanager
async def engine(tmp_path: Path, said: bytes | None) -> AsyncIterator[DockerEngine]:
    """The driver of an engine that says its version, and then always the same (None: nothing, for ever) and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" /version " in head:
            writer.write(answer(200, json.dumps(VERSION).encode()))
        elif said is None:
            await reader.read()
        else:
            writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "socket")
    driver = DockerEngine(tmp_path / "socket", MARK, tmp_path / "containers")
    try:
        yield driver
    finally:
        await driver.close()
        server.close()


def event(id: str, **labels: str) -> bytes:
    attributes = {access.LABEL_MARK: MARK, access.LABEL_ID: id, **labels}
    return json.dumps({"Action": "start", "Actor": {"Attributes": attributes}}).encode() + b"\n"


BROKEN = {
    "the answer is cut off": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    "a stream is cut off": chunked(b'{"Id"', ends=False),
    "no answer": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "an error of a proxy": answer(502, b"<html>Bad Gateway</html>", "text/html"),
    "the engine ends": answer(503, b'{"message": "shutting down"}'),
    "containerd went away": answer(500, b'{"message": "transport is closing: unavailable"}'),
    "the engine's disk is full": answer(500, b'{"message": "mkdir /var/lib/docker/x: no space left on device"}'),
}


async def drained(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


VERBS: dict[str, Callable[[DockerEngine], Awaitable[Any]]] = {
    "info": lambda engine: engine.info(),
    "sight": lambda engine: engine.sight("c1"),
    "sights": lambda engine: engine.sights(),
    "stop": lambda engine: engine.stop("c1", 0),
    "logs": lambda engine: engine._docker.content("GET", "/containers/c1/logs", limit=100, seconds=5),
    "pull": lambda engine: engine.pull("some/image:1"),
    "events": lambda engine: anext(engine.events()),
    "host": lambda engine: engine.host(),
    "images": lambda engine: engine.images(),
    "save": lambda engine: drained(engine.save("some/image:1")),
    "search": lambda engine: engine.search("image", 3),
    "commit": lambda engine: engine.commit("c1", "some/image:1"),
    "pause": lambda engine: engine.pause("c1"),
    "unpause": lambda engine: engine.unpause("c1"),
    "update": lambda engine: engine.update("c1", cpus=1, memory=None),
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
async def test_an_engine_that_breaks_is_busy(
    tmp_path: Path, verb: Callable[[DockerEngine], Awaitable[Any]], said: bytes
) -> None:
    async with engine(tmp_path, said) as driver:
        with pytest.raises(Busy) as caught:
            await verb(driver)
    assert "/var/lib" not in caught.value.sentence


@pytest.mark.parametrize("verb", [VERBS[name] for name in VERBS if name != "events"])
async def test_an_engine_that_hangs_is_busy(
    tmp_path: Path, verb: Callable[[DockerEngine], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 0.05)
    monkeypatch.setattr(connection, "SILENCE", 0.05)
    monkeypatch.setattr(access, "GRACE", 0.05)
    async with engine(tmp_path, None) as driver:
        with pytest.raises(Busy):
            await asyncio.wait_for(verb(driver), 20)


@pytest.mark.parametrize(
    ("said", "error", "sentence"),
    [
        (answer(404, b'{"message": "no such container"}'), Absent, "The container c1 is not in the engine."),
        (answer(404, b"page not found", "text/plain"), Absent, "The container c1 is not in the engine."),
        (answer(409, b'{"message": "is on its way"}'), Busy, "is on its way"),
        (answer(400, b'{"message": "invalid hostname."}'), Refused, "The engine refuses: invalid hostname."),
        (answer(500, b'{"message": 7}'), Refused, "The engine refuses: 7."),
        (answer(500, b'["message"]'), Refused, 'The engine refuses: ["message"].'),
    ],
)
async def test_what_the_engine_says(tmp_path: Path, said: bytes, error: type[DriverError], sentence: str) -> None:
    async with engine(tmp_path, said) as driver:
        with pytest.raises(error) as caught:
            await driver.stop("c1", 0)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize("version", [b"{}", b"[]", b"hello", b'{"ApiVersion": "new"}', b'{"ApiVersion": "1.40"}'])
async def test_what_is_no_engine_that_we_know(tmp_path: Path, version: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(200, version))
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "socket")
    driver = DockerEngine(tmp_path / "socket", MARK, tmp_path / "containers")
    with pytest.raises(DriverError):
        await driver.info()
    await driver.close()
    server.close()


async def test_the_long_labels_of_one_container_hide_no_event_of_another(tmp_path: Path) -> None:
    long = event("hostile", label="x" * (3 << 20))
    pieces = [long[at : at + 60_000] for at in range(0, len(long), 60_000)]
    async with engine(tmp_path, chunked(event("before"), *pieces, event("after"))) as driver:
        seen = []
        async with aclosing(driver.events()) as events:  # type: ignore[type-var]  # it is a generator
            with pytest.raises(Busy, match="went away"):
                async for one in events:
                    seen.append(one.id)
    assert seen == ["before", "after"]


async def test_events_come_whole_however_they_are_cut(tmp_path: Path) -> None:
    whole = event("c1", label="x" * 200_000) + event("c2") + event("c3")
    pieces = [whole[at : at + 7919] for at in range(0, len(whole), 7919)]
    async with engine(tmp_path, chunked(*pieces)) as driver:
        seen = []
        with pytest.raises(Busy):
            async for one in driver.events():
                seen.append(one.id)
    assert seen == ["c1", "c2", "c3"]


@pytest.mark.parametrize(
    ("said", "error", "sentence"),
    [
        ("failed to register layer: write /x: no space left on device", Busy, "The disk of the host is full."),
        ("manifest unknown", Refused, "There is no image some/image:1, or it may not be pulled."),
        ("dial tcp: connection refused", Busy, "The registry of some/image:1 cannot be reached."),
    ],
)
async def test_a_pull_that_fails_on_its_way(tmp_path: Path, said: str, error: type[DriverError], sentence: str) -> None:
    lines = [{"status": "Downloading", "id": "a", "progressDetail": {"current": 1, "total": 2}}, {"error": said}]
    stream = chunked(*(json.dumps(line).encode() + b"\r\n" for line in lines))
    async with engine(tmp_path, stream) as driver:
        with pytest.raises(error) as caught:
            await driver.pull("some/image:1")
    assert caught.value.sentence == sentence


async def test_a_full_disk_while_an_image_arrives(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError(28, "No space left on device", "/secret/place")

    async with engine(tmp_path, answer(200, b"{}")) as driver:
        with pytest.raises(Busy, match=r"^The disk of the host is full\.$"):
            await driver.load(endless(), "some/image:1")
    assert list((tmp_path / "containers").iterdir()) == []
