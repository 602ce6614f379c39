"""Volumes as thin logical volumes of one volume group (lvmthin(7)), with ext4, mounted on this host. Obeys ``interface.Storage``.

    boxship-v-<id>    a volume
    boxship-s-<id>    a snapshot
    boxship-n-<id>    what is to take the place of the volume: being made, or with the tag ``boxship.ready``
    boxship-t-<id>    what is read of a volume just now

Nothing is remembered: names and tags in the group are the truth. Only logical volumes with this installation's tag
(``boxship.mark.<mark>``) are ever looked at, let alone changed. Snapshots and clones are thin ones, taken by LVM in one step
and with a mounted file system held still; what changes all bytes of a volume (fill, revert, shrink) is made beside it, tagged
as ready, and then takes its name, so that a kill between any two steps loses nothing.

The tag ``boxship.blank`` says that nobody ever had the volume's device: only then, or where every byte reads as zero, is a file
system made in it. It is taken off before anybody gets the device, and after the file system is whole.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.storage import copying, disk, ext4, mounts
from boxship.drivers.storage.interface import Capacity, Extent, Kind, SnapshotSight, Source, VolumeSight
from boxship.drivers.storage.logical import Group, Logical, Part

T = TypeVar("T")

_PATIENCE = 2.0
"""Seconds to wait for another verb of the same volume."""
_OPTIONS = "discard,errors=remount-ro"
_NO_FILE_SYSTEM = {errno.EINVAL, errno.EUCLEAN}


class LvmStorage:
    """The volumes of one installation in a group; ``own`` is a directory for their mounts."""

    def __init__(self, group: Group, own: Path) -> None:
        self._group = group
        self._mounts = own.resolve() / "mounts"
        self._locks: dict[str, threading.Lock] = {}

    async def open(self) -> None:
        await asyncio.to_thread(self._open)

    async def create(self, id: str, size: int, source: Source | None = None) -> VolumeSight:
        return await self._locked(id, "create the volume", lambda: self._create(id, size, source))

    async def fill(self, id: str, size: int, extents: AsyncIterator[Extent]) -> VolumeSight:
        await self._locked(id, "fill the volume", lambda: self._begin_fill(id, size))
        device = self._group.path_of(Part.NEW, id)
        with disk.translated("fill the volume", self._mounts):
            try:
                await _write_all(device, size, extents)
            except BaseException:  # a cancelled one, too, leaves nothing half-made
                await self._locked(id, "fill the volume", lambda: self._group.remove(Part.NEW, id))
                raise
        return await self._locked(id, "fill the volume", lambda: self._swapped(id, size))

    def progress(self, id: str) -> int | None:
        """Copies are thin ones, and made at once."""
        del id
        return None

    async def extend(self, id: str, size: int) -> VolumeSight:
        return await self._locked(id, "extend the volume", lambda: self._extend(id, size))

    async def shrink(self, id: str, size: int) -> VolumeSight:
        return await self._locked(id, "shrink the volume", lambda: self._shrink(id, size))

    async def remove(self, id: str) -> None:
        await self._locked(id, "remove the volume", lambda: self._remove(id))

    async def attach(self, id: str) -> VolumeSight:
        return await self._locked(id, "attach the volume", lambda: self._attach(id))

    async def detach(self, id: str) -> None:
        await self._locked(id, "detach the volume", lambda: self._detach(id))

    async def mount(self, id: str) -> VolumeSight:
        return await self._locked(id, "mount the volume", lambda: self._mount(id))

    async def unmount(self, id: str, *, keep_device: bool = False) -> None:
        await self._locked(id, "unmount the volume", lambda: self._unmount(id, keep_device=keep_device))

    async def sight(self, id: str) -> VolumeSight | None:
        return await self._locked(id, "look at the volume", lambda: self._sight(id))

    async def sights(self) -> list[VolumeSight]:
        return await asyncio.to_thread(self._sights)

    async def snapshot(self, id: str, volume_id: str) -> SnapshotSight:
        disk.checked(volume_id)
        return await self._locked(id, "take the snapshot", lambda: self._snapshot(id, volume_id))

    async def remove_snapshot(self, id: str) -> None:
        await self._locked(id, "remove the snapshot", lambda: self._remove_snapshot(id))

    async def snapshot_sight(self, id: str) -> SnapshotSight | None:
        found = await asyncio.to_thread(self._group.find, Part.SNAPSHOT, disk.checked(id))
        return _seen(found) if found else None

    async def snapshots(self) -> list[SnapshotSight]:
        found = await asyncio.to_thread(self._group.all)
        return [_seen(logical) for logical in found if logical.part is Part.SNAPSHOT]

    async def revert(self, volume_id: str, id: str) -> VolumeSight:
        disk.checked(id)
        return await self._locked(volume_id, "take the volume back", lambda: self._revert(volume_id, id))

    async def read(self, source: Source) -> AsyncIterator[Extent]:
        disk.checked(source.id)
        taken = await asyncio.to_thread(self._readable, source)
        try:
            descriptor = await asyncio.to_thread(os.open, self._group.path(taken), os.O_RDONLY | os.O_CLOEXEC)
            try:
                for at, length in copying.pieces(0, taken.size):
                    data = await asyncio.to_thread(os.pread, descriptor, length, at)
                    if data.count(0) != len(data):
                        yield at, data
            finally:
                os.close(descriptor)
        finally:
            await asyncio.to_thread(self._end_reading, taken)

    async def capacity(self) -> Capacity:
        total, used = await asyncio.to_thread(self._group.room)
        return Capacity(total, max(0, total - used))

    async def destroy(self) -> None:
        await asyncio.to_thread(self._destroy)

    # One volume, one thread.

    async def _locked(self, id: str, doing: str, work: Callable[[], T]) -> T:
        disk.checked(id)

        def run() -> T:
            with self._alone(id, doing):
                self._finish(id)
                return work()

        return await asyncio.to_thread(run)

    @contextmanager
    def _alone(self, id: str, doing: str) -> Iterator[None]:
        lock = self._locks.setdefault(id, threading.Lock())
        if not lock.acquire(timeout=_PATIENCE):
            raise Busy(f"This host cannot {doing} now: something else is done with it.")
        try:
            with disk.translated(doing, self._mounts):
                yield
        finally:
            lock.release()

    # What the threads do.

    def _open(self) -> None:
        """Make the directory of mounts. What a killed program left half-made is removed where it is in the way, or with the
        installation: a group that is away keeps no program from starting."""
        with disk.translated("keep volumes", self._mounts):
            self._mounts.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _finish(self, id: str) -> None:
        """What was ready to take the volume's name takes it, if the old one is gone."""
        new = self._group.find(Part.NEW, id)
        if new and new.ready and self._group.find(Part.VOLUME, id) is None:
            self._group.rename(new, Part.VOLUME)

    def _swapped(self, id: str, size: int) -> VolumeSight:
        """What was made beside a volume takes its place. Busy: somebody has the volume's device."""
        present = self._sight(id)
        new = self._group.need(Part.NEW, id)
        if present and present.device:
            self._group.remove(Part.NEW, id)
            raise Busy("The volume is in use on this host.")
        self._group.deactivate(new)
        self._group.tag(new, ready=True)
        self._group.remove(Part.VOLUME, id)
        self._group.rename(new, Part.VOLUME)
        return VolumeSight(id, size)

    def _create(self, id: str, size: int, source: Source | None) -> VolumeSight:
        present = self._sight(id)
        if present and present.size != size:
            raise Refused(f"The volume exists already with {present.size} bytes, not {size}.")
        if present:
            return present
        self._check_room(size)
        if source is None:
            self._group.create(Part.VOLUME, id, size)
            return VolumeSight(id, size)
        origin = self._origin(source)
        if origin.size > size:
            raise Refused(f"A copy needs at least the {origin.size} bytes of its source, not {size}.")
        self._beside(id, origin)
        self._group.resize(self._group.need(Part.NEW, id), size)
        return self._swapped(id, size)

    def _origin(self, source: Source) -> Logical:
        found = self._group.find(Part.VOLUME if source.kind is Kind.VOLUME else Part.SNAPSHOT, disk.checked(source.id))
        if found is None:
            raise Absent(f"The {source.kind} is not on this host.")
        return found

    def _beside(self, id: str, origin: Logical) -> None:
        """A thin copy beside the volume, to take its place; what was left of another one is gone."""
        self._group.remove(Part.NEW, id)
        self._group.copy(origin, Part.NEW, id)

    def _check_room(self, size: int) -> None:
        """Refused: a volume of this size can never be kept here, or the pool is full now."""
        total, used = self._group.room()
        if size < 1:
            raise Refused("A volume has at least one byte.")
        if size > total:
            raise Refused(f"A volume of {size} bytes can never fit in the pool of {total} bytes it would be kept in.")
        if used >= total:
            raise Refused("The thin pool of the volumes is full; extend it, or delete volumes or snapshots.")

    def _begin_fill(self, id: str, size: int) -> None:
        present = self._sight(id)
        if present and present.device:
            raise Busy("The volume is in use on this host.")
        self._check_room(size)
        self._group.remove(Part.NEW, id)
        self._group.create(Part.NEW, id, size)
        self._group.activate(self._group.need(Part.NEW, id))

    def _need(self, id: str) -> VolumeSight:
        present = self._sight(id)
        if present is None:
            raise Absent("The volume is not on this host.")
        return present

    def _extend(self, id: str, size: int) -> VolumeSight:
        present = self._need(id)
        if present.size > size:
            raise Refused(f"The volume has {present.size} bytes already, more than {size}.")
        self._check_room(size)
        self._group.resize(self._group.need(Part.VOLUME, id), size)
        if present.path and present.device:
            self._grow(present.device, size)
        return self._need(id)

    def _grow(self, device: Path, size: int) -> None:
        there = ext4.size(device)
        if there is not None and there <= size - ext4.BLOCK and ext4.can_grow_mounted():
            ext4.grow(device)

    def _shrink(self, id: str, size: int) -> VolumeSight:
        present = self._need(id)
        if present.size < size:
            raise Refused(f"The volume has {present.size} bytes already, less than {size}.")
        if present.device:
            raise Busy("The volume is in use; it can be made smaller when nobody uses it.")
        if present.size == size:
            return present
        self._beside(id, self._group.need(Part.VOLUME, id))
        new = self._group.need(Part.NEW, id)
        try:
            self._shrink_file_system(new, size)
            self._group.deactivate(new)
            self._group.cut(new, size)
        except (Refused, OSError):
            self._group.remove(Part.NEW, id)
            raise
        return self._swapped(id, size)

    def _shrink_file_system(self, new: Logical, size: int) -> None:
        if new.blank:
            return
        self._group.activate(new)
        device = self._group.path(new)
        if ext4.size(device) is not None:
            ext4.mend(device)
            ext4.shrink(device, size)
        elif not _reads_as_zeros(device, new.size):
            raise Refused("The volume holds data but no ext4 file system, so nobody can tell what may be cut off.")

    def _remove(self, id: str) -> None:
        present = self._sight(id)
        if present and present.device:
            raise Busy("The volume is in use on this host.")
        for part in (Part.NEW, Part.READ, Part.VOLUME):
            self._group.remove(part, id)
        self._forget_mount_point(id)

    def _attach(self, id: str) -> VolumeSight:
        """From now on somebody may write to it."""
        self._need(id)
        volume = self._group.need(Part.VOLUME, id)
        self._group.tag(volume, blank=False)
        self._group.activate(volume)
        return self._need(id)

    def _detach(self, id: str) -> None:
        present = self._sight(id)
        if present and present.device and not present.path:
            self._group.deactivate(self._group.need(Part.VOLUME, id))

    def _mount(self, id: str) -> VolumeSight:
        present = self._need(id)
        if present.path:
            return present
        volume = self._group.need(Part.VOLUME, id)
        self._group.activate(volume)
        device = self._group.path(volume)
        self._format(volume, device)
        point = self._mounts / id
        point.mkdir(mode=0o700, exist_ok=True)
        try:
            mounts.mount(device, point, "ext4", _OPTIONS)
        except OSError as error:
            self._forget_mount_point(id)
            if not present.device:
                self._group.deactivate(volume)
            if error.errno in _NO_FILE_SYSTEM:
                raise Refused("The volume holds data but no ext4 file system that can be mounted.") from error
            raise
        self._grow(device, present.size)
        return self._need(id)

    def _format(self, volume: Logical, device: Path) -> None:
        """Put a file system into a blank one; the tag says that it was blank until that is whole."""
        if not volume.blank:
            if ext4.size(device) is not None or not _reads_as_zeros(device, volume.size):
                return
            self._group.tag(volume, blank=True)
        ext4.format_device(device, volume.size)
        self._group.tag(volume, blank=False)

    def _unmount(self, id: str, *, keep_device: bool) -> None:
        point = self._mounts / id
        if point in mounts.mounted(self._mounts):
            try:
                mounts.unmount(point)
            except OSError as error:
                if error.errno == errno.EBUSY:
                    raise Busy("The volume is still in use.") from error
                raise
        self._forget_mount_point(id)
        if not keep_device:
            self._detach(id)

    def _forget_mount_point(self, id: str) -> None:
        with suppress(FileNotFoundError):
            (self._mounts / id).rmdir()

    def _sight(self, id: str) -> VolumeSight | None:
        found = self._group.find(Part.VOLUME, id)
        return self._seen(found) if found else None

    def _sights(self) -> list[VolumeSight]:
        for logical in self._group.all():
            if logical.part is Part.NEW and logical.ready:
                with self._alone(logical.id, "look at the volume"):
                    self._finish(logical.id)
        return [self._seen(logical) for logical in self._group.all() if logical.part is Part.VOLUME]

    def _seen(self, volume: Logical) -> VolumeSight:
        point = self._mounts / volume.id
        path = point if point in mounts.mounted(self._mounts) else None
        return VolumeSight(volume.id, volume.size, self._group.path(volume) if volume.active else None, path)

    def _snapshot(self, id: str, volume_id: str) -> SnapshotSight:
        present = self._group.find(Part.SNAPSHOT, id)
        if present is None:
            self._group.copy(self._origin(Source(Kind.VOLUME, volume_id)), Part.SNAPSHOT, id)
            present = self._group.need(Part.SNAPSHOT, id)
        return _seen(present)

    def _remove_snapshot(self, id: str) -> None:
        for part in (Part.READ, Part.SNAPSHOT):
            self._group.remove(part, id)

    def _revert(self, volume_id: str, id: str) -> VolumeSight:
        present = self._need(volume_id)
        if present.device:
            raise Busy("The volume is in use on this host.")
        self._beside(volume_id, self._origin(Source(Kind.SNAPSHOT, id)))
        self._group.resize(self._group.need(Part.NEW, volume_id), present.size)
        return self._swapped(volume_id, present.size)

    def _readable(self, source: Source) -> Logical:
        """An active thin copy of what is to be read, so that the volume itself stays as it is."""
        with self._alone(source.id, "read the volume"):
            origin = self._origin(source)
            self._group.remove(Part.READ, source.id)
            self._group.copy(origin, Part.READ, source.id)
            taken = self._group.need(Part.READ, source.id)
            self._group.activate(taken)
            return taken

    def _end_reading(self, taken: Logical) -> None:
        with self._alone(taken.id, "read the volume"):
            self._group.remove(Part.READ, taken.id)

    def _destroy(self) -> None:
        """Every volume is tried before the first that is in use is reported."""
        busy: Busy | None = None
        here = [logical.id for logical in self._group.all() if logical.part is Part.VOLUME]
        for id in sorted({*here, *(point.name for point in mounts.mounted(self._mounts))}):
            try:
                with self._alone(id, "unmount the volume"):
                    self._unmount(id, keep_device=False)
            except Busy as error:
                busy = error
        if busy:
            raise busy
        for logical in self._group.all():
            self._group.remove(logical.part, logical.id)
        with suppress(FileNotFoundError, OSError):
            self._mounts.rmdir()
            self._mounts.parent.rmdir()


async def _write_all(device: Path, size: int, extents: AsyncIterator[Extent]) -> None:
    """Write the extents, durably."""
    descriptor = await asyncio.to_thread(os.open, device, os.O_RDWR | os.O_CLOEXEC)
    try:
        async for extent in extents:
            await asyncio.to_thread(_put, descriptor, size, extent)
        await asyncio.to_thread(os.fsync, descriptor)
    finally:
        os.close(descriptor)


def _put(descriptor: int, size: int, extent: Extent) -> None:
    """Write bytes at their place. Refused: that is beyond the end."""
    at, data = extent
    if at < 0 or at + len(data) > size:
        raise Refused(f"What is to be written reaches beyond the {size} bytes of the volume.")
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written


def _reads_as_zeros(device: Path, size: int) -> bool:
    """Whether every byte of a device is zero: then nobody's data can be lost by formatting it."""
    with device.open("rb", buffering=0) as source:
        for at, length in copying.pieces(0, size):
            data = os.pread(source.fileno(), length, at)
            if data.count(0) != len(data):
                return False
    return True


def _seen(snapshot: Logical) -> SnapshotSight:
    return SnapshotSight(snapshot.id, snapshot.origin_id, snapshot.size)
