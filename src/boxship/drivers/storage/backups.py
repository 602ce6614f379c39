"""Backups as files: chunks named by their SHA-256, compressed, and a list of them per backup. Needs no root.

    <directory>/<volume id>/chunks/<sha256>   a chunk, compressed
    <directory>/<volume id>/<id>.json         a backup: its size, and place and hash of each chunk; there when it is whole

Backups of one volume share the chunks that did not change, so each costs only what is new in it, and any of them can go
first. Volumes share none: how much room a backup takes tells nothing about others' data. What is read is compared with its
hash before anybody gets it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec

from boxship.core.errors import Absent, Refused
from boxship.drivers.storage import disk
from boxship.drivers.storage.interface import BackupSight, Extent

_NEW = ".new"
_LIST = ".json"
_LEVEL = 1
"""zlib's quickest: disks are faster than better compression."""


class _Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Where bytes belong, and what they are."""

    at: int
    length: int
    sha256: str


class _Contents(msgspec.Struct, frozen=True):
    """A backup, as it is written."""

    size: int
    chunks: list[_Chunk]


class FileBackups:
    """The backups in one directory."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()
        self._lock = threading.Lock()
        self._writing: set[str] = set()

    async def open(self) -> None:
        await asyncio.to_thread(self._open)

    async def write(self, id: str, volume_id: str, size: int, extents: AsyncIterator[Extent]) -> BackupSight:
        present = await self.sight(id)
        if present is not None:
            return present
        place = self._root / disk.checked(volume_id)
        self._writing.add(place.name)
        try:
            chunks = [await asyncio.to_thread(self._keep, place, at, data) async for at, data in extents]
            await asyncio.to_thread(self._list, place, disk.checked(id), _Contents(size, chunks))
        finally:
            self._writing.discard(place.name)
        return BackupSight(id, volume_id, size, len(chunks))

    async def read(self, id: str) -> AsyncIterator[Extent]:
        place, contents = await asyncio.to_thread(self._contents, disk.checked(id))
        for chunk in contents.chunks:
            yield chunk.at, await asyncio.to_thread(self._chunk, place, chunk)

    async def remove(self, id: str) -> None:
        await asyncio.to_thread(self._remove, disk.checked(id))

    async def sight(self, id: str) -> BackupSight | None:
        try:
            place, contents = await asyncio.to_thread(self._contents, disk.checked(id))
        except Absent:
            return None
        return BackupSight(id, place.name, contents.size, len(contents.chunks))

    async def sights(self) -> list[BackupSight]:
        ids = await asyncio.to_thread(lambda: sorted(file.stem for file in self._root.glob(f"*/*{_LIST}")))
        return [sight for id in ids if (sight := await self.sight(id))]

    async def destroy(self) -> None:
        for sight in await self.sights():
            await self.remove(sight.id)
        await asyncio.to_thread(self._close)

    # What the threads do.

    def _open(self) -> None:
        """Remove what was never finished: half lists, and chunks that no list has."""
        with disk.translated("keep backups", self._root):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for place in self._root.iterdir():
                for half_made in place.glob(f"**/*{_NEW}"):
                    half_made.unlink(missing_ok=True)
                self._tidy(place)

    def _keep(self, place: Path, at: int, data: bytes) -> _Chunk:
        """Store a chunk, unless it is there, durably. Refused: the disk is full."""
        with disk.translated("keep the backup", self._root):
            if disk.free(self._root) == 0:
                raise disk.full(self._root)
            chunks = place / "chunks"
            for directory in (place, chunks):
                directory.mkdir(mode=0o700, exist_ok=True)
            chunk = _Chunk(at, len(data), hashlib.sha256(data).hexdigest())
            if not (chunks / chunk.sha256).exists():
                _write(chunks / chunk.sha256, zlib.compress(data, _LEVEL))
            return chunk

    def _list(self, place: Path, id: str, contents: _Contents) -> None:
        with disk.translated("keep the backup", self._root), self._lock:
            place.mkdir(mode=0o700, exist_ok=True)
            if (place / "chunks").is_dir():
                disk.sync(place / "chunks")
            _write(place / f"{id}{_LIST}", msgspec.json.encode(contents))
            disk.sync(place)

    def _contents(self, id: str) -> tuple[Path, _Contents]:
        """Where a backup is, and its list. Absent. Refused: it cannot be read."""
        with disk.translated("read the backup", self._root):
            file = next(self._root.glob(f"*/{id}{_LIST}"), None)
            if file is None:
                raise Absent("The backup is not on this host.")
            try:
                return file.parent, msgspec.json.decode(file.read_bytes(), type=_Contents)
            except FileNotFoundError as error:
                raise Absent("The backup is not on this host.") from error
            except msgspec.MsgspecError as error:
                raise Refused("The list of this backup's parts is damaged.", detail=str(error)) from error

    def _chunk(self, place: Path, chunk: _Chunk) -> bytes:
        """The bytes of a chunk. Refused: they are not there, or not what they were."""
        with disk.translated("read the backup", self._root):
            try:
                data = zlib.decompress((place / "chunks" / chunk.sha256).read_bytes())
            except (FileNotFoundError, zlib.error) as error:
                raise _damaged(chunk) from error
        if hashlib.sha256(data).hexdigest() != chunk.sha256 or len(data) != chunk.length:
            raise _damaged(chunk)
        return data

    def _remove(self, id: str) -> None:
        with disk.translated("remove the backup", self._root), self._lock:
            for file in self._root.glob(f"*/{id}{_LIST}"):
                file.unlink(missing_ok=True)
                disk.sync(file.parent)
                self._tidy(file.parent)

    def _tidy(self, place: Path) -> None:
        """Remove the chunks that no backup of the volume has, unless one is being written, which may be about to have them."""
        if place.name in self._writing:
            return
        lists = [msgspec.json.decode(file.read_bytes(), type=_Contents) for file in place.glob(f"*{_LIST}")]
        needed = {chunk.sha256 for contents in lists for chunk in contents.chunks}
        for chunk in (place / "chunks").glob("*"):
            if chunk.name not in needed:
                chunk.unlink(missing_ok=True)
        if not lists:
            for directory in (place / "chunks", place):
                with suppress(FileNotFoundError):
                    directory.rmdir()

    def _close(self) -> None:
        if self._root.is_dir():
            self._open()
            self._root.rmdir()


def _write(path: Path, data: bytes) -> None:
    """A file that is there whole, or not."""
    new = path.with_name(f"{path.name}{_NEW}")
    try:
        with new.open("wb") as target:
            os.fchmod(target.fileno(), 0o600)
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _damaged(chunk: _Chunk) -> Refused:
    return Refused(
        "A part of this backup is damaged, so that nothing of it is restored.", detail=f"chunk {chunk.sha256}"
    )
