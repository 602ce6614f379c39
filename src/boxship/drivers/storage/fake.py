"""Volumes that need neither root nor the kernel: each is a directory. Obeys ``interface.Storage``; for the fake cloud
and for tests.

    <directory>/volumes/<id>/size           its size in bytes
    <directory>/volumes/<id>/data           what is in it, as files
    <directory>/volumes/<id>/bytes          what ``fill`` gave it, as bytes
    <directory>/snapshots/<id>@<volume id>  the same of a snapshot
    <directory>/mounts/<id>                 a link to the data while it is mounted
    <directory>/devices/<id>                there while it is attached without a mount

What is written is kept, over restarts too, and copied with snapshots and clones; the size is not enforced and nothing is a
block device: files that are written through a mount are not seen by ``read``, and what ``fill`` gave is not seen through a mount.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from boxship.core.errors import Absent, Busy, DriverError, Refused
from boxship.drivers.storage import disk
from boxship.drivers.storage.blobs import CHUNK, FileBlobs
from boxship.drivers.storage.interface import Capacity, Extent, Kind, SnapshotSight, Source, VolumeSight

FakeBlobs = FileBlobs
"""Files need nothing that has to be faked."""

TOTAL = 1 << 44
"""Bytes that the fake pretends to have: enough for any quota."""


class FakeStorage:
    """The volumes in one directory. Tests make it fail with ``fail`` and keep volumes busy with ``hold``."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()
        self._volumes = self._root / "volumes"
        self._snapshots = self._root / "snapshots"
        self._mounts = self._root / "mounts"
        self._devices = self._root / "devices"
        self.copying: dict[str, int] = {}
        """Percent of copies that tests pretend to be under way, by id."""
        self._failures: dict[str, list[DriverError]] = {}
        self._held: set[str] = set()

    def fail(self, verb: str, error: DriverError) -> None:
        """Let the next call of ``verb`` raise ``error``; several add up."""
        self._failures.setdefault(verb, []).append(error)

    def hold(self, id: str) -> None:
        """Something uses the volume, as a container would, until ``release``: it cannot be unmounted or removed."""
        self._held.add(id)

    def release(self, id: str) -> None:
        self._held.discard(id)

    async def open(self) -> None:
        self._fail("open")
        for directory in (self._volumes, self._snapshots, self._mounts, self._devices):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def create(self, id: str, size: int, source: Source | None = None) -> VolumeSight:
        self._fail("create")
        present = self._sight(disk.checked(id))
        if present and present.size != size:
            raise Refused(f"The volume exists already with {present.size} bytes, not {size}.")
        if not 0 < size <= TOTAL:
            raise Refused(f"A volume of {size} bytes cannot be kept here.")
        if present:
            return present
        origin = self._origin(source) if source else None
        if origin and _size(origin) > size:
            raise Refused(f"A copy needs at least the {_size(origin)} bytes of its source, not {size}.")
        return self._make(id, size, origin)

    def _origin(self, source: Source) -> Path:
        """The directory of a source. Absent."""
        found = self._volumes / source.id if source.kind is Kind.VOLUME else self._snapshot_place(source.id)
        if found is None or not (found / "size").exists():
            raise Absent(f"The {source.kind} is not on this host.")
        return found

    def _make(self, id: str, size: int, origin: Path | None) -> VolumeSight:
        place = self._volumes / id
        if origin is not None:
            _copy(origin, place)
        (place / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(place / "size", str(size).encode())
        return VolumeSight(id, size)

    async def fill(self, id: str, size: int, extents: AsyncIterator[Extent]) -> VolumeSight:
        self._fail("fill")
        self._check_loose(id)
        content = bytearray()
        async for at, data in extents:
            if at < 0 or at + len(data) > size:
                raise Refused(f"What is to be written reaches beyond the {size} bytes of the volume.")
            content.extend(bytes(max(0, at + len(data) - len(content))))
            content[at : at + len(data)] = data
        self._check_loose(id)
        (self._volumes / id / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._volumes / id / "bytes", bytes(content))
        _write(self._volumes / id / "size", str(size).encode())
        return VolumeSight(id, size)

    def _check_loose(self, id: str) -> None:
        present = self._sight(disk.checked(id))
        if present and present.device:
            raise Busy("The volume is in use on this host.")

    def progress(self, id: str) -> int | None:
        """Nothing takes long here; tests say otherwise with ``copying``."""
        return self.copying.get(id)

    async def extend(self, id: str, size: int) -> VolumeSight:
        self._fail("extend")
        present = self._need(id)
        if present.size > size or size > TOTAL:
            raise Refused(f"The volume has {present.size} bytes already, more than {size}.")
        _write(self._volumes / id / "size", str(size).encode())
        return self._need(id)

    async def shrink(self, id: str, size: int) -> VolumeSight:
        self._fail("shrink")
        present = self._need(id)
        if present.size < size:
            raise Refused(f"The volume has {present.size} bytes already, less than {size}.")
        if present.size == size:
            return present
        self._check_loose(id)
        held = self._volumes / id / "data"
        if sum(file.stat().st_size for file in held.rglob("*") if file.is_file()) > size:
            raise Refused(f"It holds more than fits in {size} bytes; remove files first.")
        _write(self._volumes / id / "size", str(size).encode())
        return self._need(id)

    async def remove(self, id: str) -> None:
        self._fail("remove")
        self.copying.pop(id, None)
        self._check_loose(id)
        with suppress(FileNotFoundError):
            shutil.rmtree(self._volumes / id)

    async def attach(self, id: str) -> VolumeSight:
        self._fail("attach")
        self._need(id)
        (self._devices / id).touch()
        return self._need(id)

    async def detach(self, id: str) -> None:
        self._fail("detach")
        if disk.checked(id) in self._held:
            raise Busy("The volume is in use on this host.")
        (self._devices / id).unlink(missing_ok=True)

    async def mount(self, id: str) -> VolumeSight:
        self._fail("mount")
        present = self._need(id)
        if present.path is None:
            (self._mounts / id).symlink_to(self._volumes / id / "data")
        return self._need(id)

    async def unmount(self, id: str, *, keep_device: bool = False) -> None:
        self._fail("unmount")
        if disk.checked(id) in self._held:
            raise Busy("The volume is in use on this host.")
        if keep_device:
            (self._devices / id).touch()
        else:
            (self._devices / id).unlink(missing_ok=True)
        (self._mounts / id).unlink(missing_ok=True)

    async def sight(self, id: str) -> VolumeSight | None:
        self._fail("sight")
        return self._sight(disk.checked(id))

    async def sights(self) -> list[VolumeSight]:
        self._fail("sights")
        if not self._volumes.is_dir():
            return []
        found = (self._sight(entry.name) for entry in sorted(self._volumes.iterdir()))
        return [sight for sight in found if sight]

    async def snapshot(self, id: str, volume_id: str) -> SnapshotSight:
        self._fail("snapshot")
        place = self._snapshot_place(disk.checked(id))
        if place is None:
            place = self._snapshots / f"{id}@{disk.checked(volume_id)}"
            _copy(self._origin(Source(Kind.VOLUME, volume_id)), place)
        return _seen(place)

    async def remove_snapshot(self, id: str) -> None:
        self._fail("remove_snapshot")
        place = self._snapshot_place(disk.checked(id))
        if place is not None:
            shutil.rmtree(place)

    async def snapshot_sight(self, id: str) -> SnapshotSight | None:
        self._fail("snapshot_sight")
        place = self._snapshot_place(disk.checked(id))
        return _seen(place) if place else None

    async def snapshots(self) -> list[SnapshotSight]:
        self._fail("snapshots")
        return [_seen(place) for place in sorted(self._snapshots.glob("*@*"))]

    def _snapshot_place(self, id: str) -> Path | None:
        return next(self._snapshots.glob(f"{id}@*"), None)

    async def revert(self, volume_id: str, id: str) -> VolumeSight:
        self._fail("revert")
        self._check_loose(volume_id)
        present, origin = self._need(volume_id), self._origin(Source(Kind.SNAPSHOT, disk.checked(id)))
        shutil.rmtree(self._volumes / volume_id)
        return self._make(volume_id, present.size, origin)

    async def read(self, source: Source) -> AsyncIterator[Extent]:
        self._fail("read")
        content = self._origin(source) / "bytes"
        data = content.read_bytes() if content.exists() else b""
        for at in range(0, len(data), CHUNK):
            yield at, data[at : at + CHUNK]

    async def capacity(self) -> Capacity:
        self._fail("capacity")
        return Capacity(TOTAL, TOTAL - sum(sight.size for sight in await self.sights()))

    async def destroy(self) -> None:
        self._fail("destroy")
        if self._held:
            raise Busy("A volume is in use on this host.")
        for directory in (self._mounts, self._volumes, self._snapshots, self._devices):
            shutil.rmtree(directory, ignore_errors=True)
        with suppress(OSError):
            self._root.rmdir()

    def _fail(self, verb: str) -> None:
        if waiting := self._failures.get(verb):
            raise waiting.pop(0)

    def _need(self, id: str) -> VolumeSight:
        present = self._sight(disk.checked(id))
        if present is None:
            raise Absent("The volume is not on this host.")
        return present

    def _sight(self, id: str) -> VolumeSight | None:
        try:
            size = _size(self._volumes / id)
        except FileNotFoundError:
            return None
        mounted = os.path.lexists(self._mounts / id)
        device = self._volumes / id / "data" if mounted or (self._devices / id).exists() else None
        return VolumeSight(id, size, device, self._mounts / id if mounted else None)


def _copy(origin: Path, target: Path) -> None:
    """The whole directory, under its name when it is whole."""
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(origin, new)
    new.replace(target)


def _write(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(data)
    new.replace(path)


def _size(place: Path) -> int:
    return int((place / "size").read_text())


def _seen(place: Path) -> SnapshotSight:
    id, _, volume_id = place.name.partition("@")
    return SnapshotSight(id, volume_id, _size(place))
