"""A stream kept on disk while it is on its way, so that whoever gives it never waits for whoever takes it.

An engine holds the lock of a container for as long as an archive of it is read or written: nobody could stop, remove or even
look at a container whose owner reads slowly. The file has no name, so nothing is left of it whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import IO

from boxship.core import errors
from boxship.drivers.engine import files

_PIECE = 1 << 20
"""Bytes per trip to a thread."""
RESERVE = 512 << 20
"""Bytes of the disk that are left free: databases and containers on it go on."""


async def written(stream: AsyncIterator[bytes], directory: Path) -> AsyncGenerator[bytes, None]:
    """The stream, once all of it has come. What it raises is raised at the first piece. Busy: the disk is full."""
    with _file(directory) as file:
        async for piece in _gathered(stream):
            await asyncio.to_thread(_append, file, piece)
        at = 0
        while piece := await asyncio.to_thread(os.pread, file.fileno(), _PIECE, at):
            at += len(piece)
            yield piece


async def passed(stream: AsyncGenerator[bytes, None], directory: Path) -> AsyncGenerator[bytes, None]:
    """The stream as it comes; it is read to its end as fast as it can be. What it raises is raised after what came before.
    Busy: the disk is full."""
    with _file(directory) as file:
        spool = _Spool(file)
        filling = asyncio.ensure_future(spool.fill(stream))
        try:
            async for piece in spool.pieces():
                yield piece
            await filling
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)


class _Spool:
    """One writer and one reader of a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = 0
        self._ended = False
        self._news = asyncio.Event()

    async def fill(self, stream: AsyncGenerator[bytes, None]) -> None:
        try:
            async with contextlib.aclosing(stream):
                async for piece in _gathered(stream):
                    await asyncio.to_thread(_append, self._file, piece)
                    self._size += len(piece)
                    self._news.set()
        finally:
            self._ended = True
            self._news.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        at = 0
        while True:
            self._news.clear()
            if at < self._size:
                piece = await asyncio.to_thread(os.pread, self._file.fileno(), min(_PIECE, self._size - at), at)
                at += len(piece)
                yield piece
            elif self._ended:
                return
            else:
                await self._news.wait()


def _file(directory: Path) -> IO[bytes]:
    with files.on_disk():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=directory, buffering=0)


def _append(file: IO[bytes], piece: bytes) -> None:
    with files.on_disk():
        stat = os.fstatvfs(file.fileno())
        if stat.f_bavail * stat.f_frsize < RESERVE + len(piece):
            raise errors.Busy("The disk of the host is full.", detail=f"{RESERVE} bytes are left free")
        rest = memoryview(piece)
        while rest:
            rest = rest[file.write(rest) :]


async def _gathered(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream in pieces that are worth a trip to a thread."""
    buffer = bytearray()
    async for piece in stream:
        buffer += piece
        if len(buffer) >= _PIECE:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)
