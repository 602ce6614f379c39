"""Volumes as sparse files behind loop devices, with ext4, mounted on this host. Obeys ``interface.Storage``.

    <directory>/files/<id>                  the bytes of a volume: complete under this name or not there
    <directory>/snapshots/<id>@<volume id>  the bytes of a snapshot, likewise
    <directory>/*/<id>.new                  being made; what a crash leaves of it is removed
    <directory>/mounts/<id>                 where it is mounted

Nothing is remembered: files, /proc/self/mountinfo and /sys/block/loop* are the truth, so a restart, a reboot or a
``kill -9`` between any two steps changes nothing. Four rules make it so:

- A file gets its final name last. That holds for the formatting too: ext4 is made in a new file that then takes the
  place of the blank one, so a half-made file system is never mounted and never mistaken for data.
- A loop device lives only while it is used (``loop.py``): the kernel unbinds it after the last unmount, and when the
  program dies between binding and mounting. One that was asked for without a mount stays until it is given back.
- What is copied while somebody writes is held still meanwhile (``freezing.py``).
- Only loop devices of files in ``files`` and mounts in ``mounts`` are touched; the kernel's note of each device carries
  the mark.

A disk that runs full while a container writes gives that container I/O errors, as any thin volume does; ``capacity`` is
there so that the service can refuse in time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from boxship.core.errors import Busy, Refused
from boxship.drivers.storage import copying, disk, freezing
from boxship.drivers.storage.devices import Devices
from boxship.drivers.storage.files import Files, Filling, seen
from boxship.drivers.storage.interface import Capacity, Extent, Kind, SnapshotSight, Source, VolumeSight

T = TypeVar("T")

_PATIENCE = 2.0
"""Seconds to wait for another verb of the same volume."""
_COPIES = 4
"""Copies at once; they wait for the disk, and everything else needs the other threads."""


class FileStorage:
    """The volumes of one installation. ``mark`` names it in the kernel's notes of its loop devices; ``maker`` and ``mounts``: see
    ``Files`` and ``Devices``."""

    def __init__(self, directory: Path, mark: str, *, maker: str = "", mounts: Path | None = None) -> None:
        self._root = directory.resolve()
        self._files = Files(self._root, maker)
        self._devices = Devices(self._files, mark, mounts)
        self._locks: dict[str, threading.Lock] = {}
        self._copies: dict[str, copying.Copy] = {}
        self._copiers = ThreadPoolExecutor(_COPIES, "copies")

    async def open(self) -> None:
        await self._thread(self._open)

    async def create(self, id: str, size: int, source: Source | None = None) -> VolumeSight:
        disk.checked(id)
        if source is None:
            return await self._thread(self._create, id, size)
        return await self._copying(id, lambda work: self._clone(id, size, source, work))

    async def fill(self, id: str, size: int, extents: AsyncIterator[Extent]) -> VolumeSight:
        disk.checked(id)
        await self._thread(self._check_fill, id, size)
        with disk.translated("fill the volume", self._root):
            async with self._new(id) as path:
                filling = await self._thread(Filling, path, size)
                try:
                    async for extent in extents:
                        await self._thread(self._put, filling, extent)
                    await self._thread(filling.finish)
                finally:
                    await self._thread(filling.close)
                await self._thread(self._check_fill, id, size)
        return VolumeSight(id, size)

    @asynccontextmanager
    async def _new(self, id: str) -> AsyncIterator[Path]:
        """``Files.new`` in threads."""
        new = self._files.new(self._files.volume(id))
        path = await self._thread(new.__enter__)
        try:
            yield path
        except BaseException as error:
            await self._thread(new.__exit__, type(error), error, error.__traceback__)
            raise
        await self._thread(new.__exit__, None, None, None)

    def progress(self, id: str) -> int | None:
        work = self._copies.get(id)
        return work.percent if work else None

    async def extend(self, id: str, size: int) -> VolumeSight:
        return await self._thread(self._extend, disk.checked(id), size)

    async def shrink(self, id: str, size: int) -> VolumeSight:
        return await self._thread(self._shrink, disk.checked(id), size)

    async def remove(self, id: str) -> None:
        if work := self._copies.get(disk.checked(id)):
            work.cancel()
        await self._thread(self._remove, id)

    async def attach(self, id: str) -> VolumeSight:
        return await self._thread(self._locked, disk.checked(id), "attach", lambda: self._devices.attach(id))

    async def detach(self, id: str) -> None:
        await self._thread(self._locked, disk.checked(id), "detach", lambda: self._devices.detach(id))

    async def mount(self, id: str) -> VolumeSight:
        return await self._thread(self._locked, disk.checked(id), "mount", lambda: self._devices.mount(id))

    async def unmount(self, id: str, *, keep_device: bool = False) -> None:
        def undo() -> None:
            self._devices.unmount(id, keep_device=keep_device)

        await self._thread(self._locked, disk.checked(id), "unmount", undo)

    async def sight(self, id: str) -> VolumeSight | None:
        return await self._thread(self._devices.sight, disk.checked(id))

    async def sights(self) -> list[VolumeSight]:
        return await self._thread(self._devices.sights)

    async def snapshot(self, id: str, volume_id: str) -> SnapshotSight:
        disk.checked(id)
        return await self._copying(id, lambda work: self._snapshot(id, disk.checked(volume_id), work))

    async def remove_snapshot(self, id: str) -> None:
        if work := self._copies.get(disk.checked(id)):
            work.cancel()
        await self._thread(self._remove_snapshot, id)

    async def snapshot_sight(self, id: str) -> SnapshotSight | None:
        file = await self._thread(self._files.snapshot_file, disk.checked(id))
        return seen(file) if file else None

    async def snapshots(self) -> list[SnapshotSight]:
        return await self._thread(self._files.snapshots)

    async def revert(self, volume_id: str, id: str) -> VolumeSight:
        disk.checked(volume_id)
        source = Source(Kind.SNAPSHOT, disk.checked(id))
        return await self._copying(volume_id, lambda work: self._revert(volume_id, source, work))

    async def read(self, source: Source) -> AsyncIterator[Extent]:
        with disk.translated("read the volume", self._root):
            file = await self._thread(self._files.source, source)
            reader = await self._thread(file.open, "rb", 0)
            try:
                for start, end in await self._thread(lambda: list(copying.extents(reader.fileno()))):
                    for at, length in copying.pieces(start, end):
                        yield at, await self._thread(os.pread, reader.fileno(), length, at)
            finally:
                reader.close()

    async def capacity(self) -> Capacity:
        return await self._thread(self._capacity)

    async def _thread(self, work: Callable[..., T], *given: object) -> T:
        """What does not wait for copies; another storage may have its own threads for it."""
        return await asyncio.to_thread(work, *given)

    async def destroy(self) -> None:
        for work in self._copies.values():
            work.cancel()
        await self._thread(self._destroy)

    # One volume, one thread.

    @contextmanager
    def _alone(self, id: str, doing: str) -> Iterator[None]:
        """Nothing else is done with the volume meanwhile: a cancelled verb's thread runs on while the next verb begins. Busy: a
        copy of it takes long."""
        lock = self._locks.setdefault(id, threading.Lock())
        if not lock.acquire(timeout=_PATIENCE):
            raise Busy(f"This host cannot {doing} now: it is being copied.")
        try:
            with disk.translated(doing, self._root):
                yield
        finally:
            lock.release()

    def _locked(self, id: str, verb: str, work: Callable[[], T]) -> T:
        with self._alone(id, f"{verb} the volume"):
            return work()

    async def _copying(self, id: str, work: Callable[[copying.Copy], T]) -> T:
        """Copy in a thread for copies. Who is cancelled leaves it running; Busy for who asks again before it has ended."""

        def run() -> T:
            with self._alone(id, "copy the volume"):
                copy = self._copies[id] = copying.Copy()
                try:
                    return work(copy)
                finally:
                    del self._copies[id]

        return await asyncio.get_running_loop().run_in_executor(self._copiers, run)

    # What the threads do.

    def _open(self) -> None:
        with disk.translated("keep volumes", self._root):
            self._files.open()
            self._devices.open()

    def _create(self, id: str, size: int) -> VolumeSight:
        with self._alone(id, "create the volume"):
            present = self._present(id, size)
            if present is None:
                self._files.check_room(size)
                self._files.make(id, size)
            return present or VolumeSight(id, size)

    def _present(self, id: str, size: int) -> VolumeSight | None:
        present = self._devices.sight(id)
        if present and present.size != size:
            raise Refused(f"The volume exists already with {present.size} bytes, not {size}.")
        return present

    def _clone(self, id: str, size: int, source: Source, work: copying.Copy) -> VolumeSight:
        present = self._present(id, size)
        if present is not None:
            return present
        self._files.check_room(size)
        with self._still(source):
            file = self._files.source(source)
            if file.stat().st_size > size:
                raise Refused(f"A copy needs at least the {file.stat().st_size} bytes of its source, not {size}.")
            self._files.copy(file, self._files.volume(id), size, work)
        return VolumeSight(id, size)

    @contextmanager
    def _still(self, source: Source) -> Iterator[None]:
        """While it is copied nobody changes it, and it is neither mounted nor unmounted."""
        if source.kind is Kind.SNAPSHOT:
            yield
            return
        with self._alone(source.id, "copy the volume"):
            present = self._devices.need(source.id)
            point = self._devices.point(present)
            if point is None:
                self._devices.flush(present)
                yield
                return
            with freezing.frozen(point):
                yield

    def _check_fill(self, id: str, size: int) -> None:
        with disk.translated("fill the volume", self._root):
            present = self._devices.sight(id)
            if present and present.device:
                raise Busy("The volume is in use on this host.")
            self._files.check_room(size)

    def _put(self, filling: Filling, extent: Extent) -> None:
        with disk.translated("fill the volume", self._root):
            self._files.check_free()
            filling.put(extent)

    def _extend(self, id: str, size: int) -> VolumeSight:
        with self._alone(id, "extend the volume"):
            present = self._devices.need(id)
            if present.size > size:
                raise Refused(f"The volume has {present.size} bytes already, more than {size}.")
            self._files.check_room(size)
            if present.size < size:
                self._files.extend(id, size)
            self._devices.extend(id)
            return self._devices.need(id)

    def _shrink(self, id: str, size: int) -> VolumeSight:
        with self._alone(id, "shrink the volume"):
            present = self._devices.need(id)
            if present.size < size:
                raise Refused(f"The volume has {present.size} bytes already, less than {size}.")
            if present.size > size:
                self._devices.shrink(id, size)
            return self._devices.need(id)

    def _remove(self, id: str) -> None:
        with self._alone(id, "remove the volume"):
            present = self._devices.sight(id)
            if present and present.device:
                raise Busy("The volume is in use on this host.")
            self._files.drop(self._files.volume(id))
            self._devices.forget(id)

    def _snapshot(self, id: str, volume_id: str, work: copying.Copy) -> SnapshotSight:
        file = self._files.snapshot_file(id)
        if file is None:
            source = Source(Kind.VOLUME, volume_id)
            with self._still(source):
                volume = self._files.source(source)
                file = self._files.snapshot(id, volume_id)
                self._files.copy(volume, file, volume.stat().st_size, work)
        return seen(file)

    def _remove_snapshot(self, id: str) -> None:
        with self._alone(id, "remove the snapshot"):
            file = self._files.snapshot_file(id)
            if file is not None:
                self._files.drop(file)

    def _revert(self, volume_id: str, source: Source, work: copying.Copy) -> VolumeSight:
        present = self._devices.need(volume_id)
        if present.device:
            raise Busy("The volume is in use on this host.")
        self._files.copy(self._files.source(source), self._files.volume(volume_id), present.size, work)
        return present

    def _capacity(self) -> Capacity:
        with disk.translated("tell its free space", self._root):
            return Capacity(disk.total(self._root), disk.free(self._root))

    def _destroy(self) -> None:
        """Every volume is tried before the first that is in use is reported."""
        busy: Busy | None = None
        for id in sorted({*self._files.volumes(), *self._devices.strangers()}):
            try:
                with self._alone(id, "unmount the volume"):
                    self._devices.unmount(id, keep_device=False)
                self._remove(id)
            except Busy as error:
                busy = error
        if busy:
            raise busy
        for sight in self._files.snapshots():
            self._remove_snapshot(sight.id)
        if self._root.is_dir():
            self._open()  # removes what a crash left half-made
        self._devices.close()
        self._files.close()
