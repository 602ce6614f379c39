"""A stream on disk on its way: whole, in order, with its errors, whoever is slow."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from boxship.core.errors import BadRequest, Busy
from boxship.drivers.engine import spool

CONTENT = random.Random(1).randbytes(5 << 20)  # noqa: S311 (no secret)


async def parts(content: bytes = CONTENT, size: int = 100_000) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def broken() -> AsyncGenerator[bytes, None]:
    async for part in parts():
        yield part
    raise BadRequest("It broke off.")


async def whole(stream: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([part async for part in stream])


async def test_what_comes_goes(tmp_path: Path) -> None:
    for through in (spool.written, spool.passed):
        assert await whole(through(parts(), tmp_path / "made")) == CONTENT
        assert await whole(through(parts(b""), tmp_path)) == b""
    assert list((tmp_path / "made").iterdir()) == []
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700


async def test_a_slow_reader_does_not_slow_the_source(tmp_path: Path) -> None:
    read = asyncio.Event()

    async def source() -> AsyncGenerator[bytes, None]:
        async for part in parts():
            yield part
        read.set()

    stream = spool.passed(source(), tmp_path)
    received = [await anext(stream)]
    await asyncio.wait_for(read.wait(), 10)
    received += [part async for part in stream]
    assert b"".join(received) == CONTENT


async def test_what_has_come_is_given_before_there_is_more(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def source() -> AsyncGenerator[bytes, None]:
        yield CONTENT[: 2 << 20]
        await go_on.wait()
        yield CONTENT[2 << 20 :]

    stream = spool.passed(source(), tmp_path)
    received = await asyncio.wait_for(anext(stream), 10)
    go_on.set()
    async for part in stream:
        received += part
    assert received == CONTENT


async def test_nothing_of_what_breaks_off_is_given_as_written(tmp_path: Path) -> None:
    stream = spool.written(broken(), tmp_path)
    with pytest.raises(BadRequest):
        await anext(stream)


async def test_what_came_before_it_broke_is_passed(tmp_path: Path) -> None:
    received = bytearray()
    with pytest.raises(BadRequest):
        async for part in spool.passed(broken(), tmp_path):
            received += part
    assert CONTENT.startswith(received)
    assert len(received) >= 4 << 20


async def test_a_reader_that_leaves_ends_the_source(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            yield CONTENT
            await asyncio.Event().wait()
        finally:
            ended.set()

    stream = spool.passed(endless(), tmp_path)
    await anext(stream)
    await stream.aclose()
    await asyncio.wait_for(ended.wait(), 10)


async def test_a_disk_keeps_its_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "RESERVE", 1 << 60)
    for through in (spool.written, spool.passed):
        with pytest.raises(Busy, match="full"):
            await whole(through(parts(), tmp_path))


async def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Busy):
        await whole(spool.written(parts(), tmp_path / "file"))
