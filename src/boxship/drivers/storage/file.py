"""Volumes as sparse files behind loop devices, with ext4, mounted on this host. Obeys ``interface.Storage``.

    <directory>/files/<id>       the bytes of a volume: complete under this name or not there
    <directory>/files/<id>.new   being made; what a crash leaves of it is removed
    <directory>/mounts/<id>      where it is mounted

Nothing is remembered: files, /proc/self/mountinfo and /sys/block/loop* are the truth, so a restart, a reboot or a
``kill -9`` between any two steps changes nothing. Three rules make it so:

- A file gets its final name last. That holds for the formatting too: ext4 is made in a new file that then takes the
  place of the blank one, so a half-made file system is never mounted and never mistaken for data.
- A loop device lives only while it is used (``loop.py``): the kernel unbinds it after the last unmount, and when the
  program dies between binding and mounting.
- Only loop devices of files in ``files`` and mounts in ``mounts`` are touched; the kernel's note of each device carries
  the mark.

A disk that runs full while a container writes gives that container I/O errors, as any thin volume does; ``capacity`` is
there so that the service can refuse in time.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.storage import disk, ext4, loop, mounts
from boxship.drivers.storage.interface import Capacity, VolumeSight

_NEW = ".new"
_PATIENCE = 0.5
"""Seconds to wait for the last user of a device after the unmount: another program may be looking at it just now."""
_NO_FILE_SYSTEM = {errno.EINVAL, errno.EUCLEAN}


class FileStorage:
    """The volumes of one installation. ``mark`` names it in the kernel's notes of its loop devices."""

    def __init__(self, directory: Path, mark: str) -> None:
        self._root = directory.resolve()
        self._files = self._root / "files"
        self._mounts = self._root / "mounts"
        self._mark = mark
        self._locks = tuple(threading.Lock() for _ in range(64))

    async def open(self) -> None:
        await asyncio.to_thread(self._open)

    async def create(self, id: str, size: int) -> VolumeSight:
        return await asyncio.to_thread(self._create, disk.checked(id), size)

    async def remove(self, id: str) -> None:
        await asyncio.to_thread(self._remove, disk.checked(id))

    async def mount(self, id: str) -> VolumeSight:
        return await asyncio.to_thread(self._mount, disk.checked(id))

    async def unmount(self, id: str) -> None:
        await asyncio.to_thread(self._unmount, disk.checked(id))

    async def sight(self, id: str) -> VolumeSight | None:
        return await asyncio.to_thread(self._sight, disk.checked(id))

    async def sights(self) -> list[VolumeSight]:
        return await asyncio.to_thread(self._sights)

    async def capacity(self) -> Capacity:
        return await asyncio.to_thread(self._capacity)

    async def destroy(self) -> None:
        await asyncio.to_thread(self._destroy)

    def _lock(self, id: str) -> threading.Lock:
        """One volume, one thread: a cancelled verb's thread runs on while the next verb begins."""
        return self._locks[hash(id) % len(self._locks)]

    def _open(self) -> None:
        with disk.translated("keep volumes", self._root):
            for directory in (self._root, self._files, self._mounts):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for half_made in self._files.glob(f"*{_NEW}"):
                half_made.unlink(missing_ok=True)

    def _create(self, id: str, size: int) -> VolumeSight:
        with self._lock(id), disk.translated("create the volume", self._root):
            present = self._sight(id)
            if present is None:
                self._check_room(size)
                self._write_file(id, size)
                return VolumeSight(id, size)
            if present.size != size:
                raise Refused(f"The volume exists already with {present.size} bytes, not {size}.")
            return present

    def _check_room(self, size: int) -> None:
        total = disk.total(self._root)
        if size < 1:
            raise Refused("A volume has at least one byte.")
        if size > total:
            raise Refused(f"A volume of {size} bytes can never fit on the disk of {total} bytes it would be kept on.")
        if disk.free(self._root) == 0:
            raise disk.full(self._root)

    def _write_file(self, id: str, size: int) -> None:
        new = self._fresh(id)
        try:
            with new.open("xb") as target:
                os.fchmod(target.fileno(), 0o600)
                os.ftruncate(target.fileno(), size)
                os.fsync(target.fileno())
            self._name(new, id)
        finally:
            new.unlink(missing_ok=True)

    def _fresh(self, id: str) -> Path:
        """A name that nothing has yet; what a crash left under it is removed."""
        new = self._files / f"{id}{_NEW}"
        new.unlink(missing_ok=True)
        return new

    def _name(self, new: Path, id: str) -> None:
        new.replace(self._files / id)
        disk.sync(self._files)

    def _remove(self, id: str) -> None:
        with self._lock(id), disk.translated("remove the volume", self._root):
            present = self._sight(id)
            if present and present.device:
                raise Busy("The volume is in use on this host.")
            self._fresh(id)
            (self._files / id).unlink(missing_ok=True)
            self._forget_mount_point(id)
            if self._files.is_dir():
                disk.sync(self._files)

    def _mount(self, id: str) -> VolumeSight:
        with self._lock(id), disk.translated("mount the volume", self._root):
            present = self._sight(id)
            if present is None:
                raise Absent("The volume is not on this host.")
            if present.path:
                return present
            descriptor, device = self._attached(id, present)
            try:
                point = self._mount_device(id, device)
            finally:
                os.close(descriptor)
            return VolumeSight(id, present.size, device, point)

    def _attached(self, id: str, present: VolumeSight) -> tuple[int, Path]:
        """The volume's loop device, open, so that it stays until it is mounted."""
        file = self._files / id
        if present.device:
            descriptor = loop.opened(present.device, file)
            if descriptor is not None:
                return descriptor, present.device
        if ext4.is_blank(file):
            self._format(id, present.size)
        return loop.bind(file, f"boxship:{self._mark}:{id}")

    def _format(self, id: str, size: int) -> None:
        new = self._fresh(id)
        if disk.free(self._root) == 0:
            raise disk.full(self._root)
        try:
            ext4.make(new, size)
            self._name(new, id)
        finally:
            new.unlink(missing_ok=True)

    def _mount_device(self, id: str, device: Path) -> Path:
        point = self._mounts / id
        point.mkdir(mode=0o700, exist_ok=True)
        try:
            mounts.mount(device, point, "ext4", "discard")
        except OSError as error:
            self._forget_mount_point(id)
            if error.errno in _NO_FILE_SYSTEM:
                raise Refused("The volume holds data but no ext4 file system that can be mounted.") from error
            raise
        return point

    def _unmount(self, id: str) -> None:
        with self._lock(id), disk.translated("unmount the volume", self._root):
            point = self._mounts / id
            while point in mounts.mounted(self._mounts):
                mounts.unmount(point)
            self._forget_mount_point(id)
            self._detach(self._files / id)

    def _detach(self, file: Path) -> None:
        """The kernel detaches after the last unmount; wait for it. Busy: a container still has the volume mounted."""
        until = time.monotonic() + _PATIENCE
        while devices := loop.bound().get(file, []):
            for device in devices:
                loop.unbind(device, file)
            if time.monotonic() > until:
                raise Busy("The volume is still mounted in a container or another mount namespace.")
            time.sleep(0.02)

    def _forget_mount_point(self, id: str) -> None:
        with suppress(FileNotFoundError):
            (self._mounts / id).rmdir()

    def _sight(self, id: str) -> VolumeSight | None:
        file, point = self._files / id, self._mounts / id
        try:
            size = file.stat().st_size
        except FileNotFoundError:
            return None
        device = mounts.mounted(self._mounts).get(point)
        if device:
            return VolumeSight(id, size, device, point)
        return VolumeSight(id, size, next(iter(loop.bound().get(file, [])), None))

    def _sights(self) -> list[VolumeSight]:
        if not self._files.is_dir():
            return []
        mounted, bound = mounts.mounted(self._mounts), loop.bound()
        found = []
        for id in self._ids():
            file, point = self._files / id, self._mounts / id
            with suppress(FileNotFoundError):  # removed while we look
                size = file.stat().st_size
                device = mounted.get(point) or next(iter(bound.get(file, [])), None)
                found.append(VolumeSight(id, size, device, point if point in mounted else None))
        return found

    def _ids(self) -> list[str]:
        return sorted(file.name for file in self._files.iterdir() if file.suffix != _NEW)

    def _capacity(self) -> Capacity:
        with disk.translated("tell its free space", self._root):
            return Capacity(disk.total(self._root), disk.free(self._root))

    def _destroy(self) -> None:
        """Every volume is tried before the first that is in use is reported."""
        busy: Busy | None = None
        known = self._ids() if self._files.is_dir() else []
        for id in sorted({*known, *(point.name for point in mounts.mounted(self._mounts))}):
            try:
                self._unmount(id)
                self._remove(id)
            except Busy as error:
                busy = error
        if busy:
            raise busy
        if self._root.is_dir():
            self._open()  # removes what a crash left half-made
        for directory in (self._mounts, self._files, self._root):
            with suppress(FileNotFoundError, OSError):
                directory.rmdir()
