"""Image bytes as files. Obeys ``interface.Blobs``; needs no root, so the fake cloud uses it too.

A blob is written under a name of its own attempt and gets its final name when all bytes are on the disk; one that
is there is replaced whole. One program writes to a directory at a time, so attempts that are not this program's are
leftovers of a crash.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from boxship.core.errors import Absent, Refused
from boxship.drivers.storage import disk
from boxship.drivers.storage.interface import BlobSight

CHUNK = 1 << 20
"""Bytes per trip to a thread: far more than a network read, far less than memory."""

_PART = ".part"


class FileBlobs:
    """The blobs in one directory, which is made when it is first needed."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()
        self._writing: set[str] = set()

    async def write(self, id: str, data: AsyncIterator[bytes], limit: int) -> BlobSight:
        name = f"{disk.checked(id)}.{secrets.token_hex(8)}{_PART}"
        self._writing.add(name)
        try:
            return await self._write(self._root / name, id, data, limit)
        finally:
            (self._root / name).unlink(missing_ok=True)
            self._writing.discard(name)

    async def _write(self, part: Path, id: str, data: AsyncIterator[bytes], limit: int) -> BlobSight:
        writer = await asyncio.to_thread(_Writer, part)
        try:
            async for chunk in _gathered(data, limit):
                await asyncio.to_thread(writer.add, chunk)
            await asyncio.to_thread(writer.finish, self._root / id)
        finally:
            writer.close()
        return BlobSight(id, writer.size, writer.md5.hexdigest(), writer.sha512.hexdigest())

    async def read(self, id: str) -> AsyncIterator[bytes]:
        with disk.translated("read the image", self._root):
            source = await asyncio.to_thread(self._source, disk.checked(id))
            try:
                while chunk := await asyncio.to_thread(source.read, CHUNK):
                    yield chunk
            finally:
                source.close()

    def _source(self, id: str) -> BinaryIO:
        try:
            return (self._root / id).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise Absent("The image has no data on this host.") from error

    async def remove(self, id: str) -> None:
        await asyncio.to_thread(self._remove, disk.checked(id))

    def _remove(self, id: str) -> None:
        with disk.translated("remove the image", self._root):
            (self._root / id).unlink(missing_ok=True)

    async def ids(self) -> frozenset[str]:
        return await asyncio.to_thread(self._ids)

    def _ids(self) -> frozenset[str]:
        if not self._root.is_dir():
            return frozenset()
        names = {entry.name for entry in self._root.iterdir()}
        parts = {name for name in names if name.endswith(_PART)}
        for leftover in parts - self._writing:
            (self._root / leftover).unlink(missing_ok=True)
        return frozenset(names - parts)


async def _gathered(data: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The stream in pieces of at least CHUNK bytes, but for the last. Refused: it is longer than ``limit`` bytes."""
    buffer, size = bytearray(), 0
    async for piece in data:
        size += len(piece)
        if size > limit:
            raise Refused(f"The image is larger than the {limit} bytes that are allowed.")
        buffer += piece
        if len(buffer) >= CHUNK:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


class _Writer:
    """One attempt: bytes and digests. Runs in threads, one call at a time."""

    def __init__(self, part: Path) -> None:
        self._part = part
        with self._translated():
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._target = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha512 = hashlib.sha512()

    def add(self, chunk: bytes) -> None:
        with self._translated():
            if disk.free(self._part.parent) < len(chunk):
                raise disk.full(self._part.parent)
            self._target.write(chunk)
        self.md5.update(chunk)
        self.sha512.update(chunk)
        self.size += len(chunk)

    def finish(self, final: Path) -> None:
        """Durable, then visible, then durably visible."""
        with self._translated():
            self._target.flush()
            os.fsync(self._target.fileno())
            self._target.close()
            self._part.replace(final)
            disk.sync(final.parent)

    def close(self) -> None:
        with self._translated():
            self._target.close()

    def _translated(self) -> AbstractContextManager[None]:
        return disk.translated("keep the image", self._part.parent)
