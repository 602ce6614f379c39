"""Volumes' files as block devices and mounts of this host: bound, mounted, and undone in this order. Never changes what is in a
file but to put an empty file system into a blank one.

Nothing is remembered: /proc/self/mountinfo and /sys/block/loop* are the truth.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.storage import copying, disk, ext4, freezing, loop, mounts
from boxship.drivers.storage.files import Files
from boxship.drivers.storage.interface import VolumeSight

_PATIENCE = 0.5
"""Seconds to wait for the last user of a device after the unmount: another program may be looking at it just now."""
_OPTIONS = "discard,errors=remount-ro"
"""What a file system says of itself does not count: it may be a tenant's image, and ask the kernel to panic at an error."""
_NO_FILE_SYSTEM = {errno.EINVAL, errno.EUCLEAN}


class Devices:
    """The devices and mounts of one directory's volumes; ``at`` is the directory of mounts, where it is not among them. ``mark``
    names the installation in the kernel's notes."""

    def __init__(self, files: Files, mark: str, at: Path | None = None) -> None:
        self._files = files
        self._mounts = at.resolve() if at else files.root / "mounts"
        self._mark = mark

    def open(self) -> None:
        """Make the directory of mounts; what a killed program left frozen goes on."""
        self._mounts.mkdir(mode=0o700, exist_ok=True)
        for point in mounts.mounted(self._mounts):
            freezing.thaw(point)

    def sight(self, id: str) -> VolumeSight | None:
        """The volume, if it is there."""
        file, point = self._files.volume(id), self._mounts / id
        size = self._files.size(id)
        if size is None:
            return None
        device = mounts.mounted(self._mounts).get(point)
        if device:
            return VolumeSight(id, size, device, point)
        return VolumeSight(id, size, next(iter(loop.bound().get(file, [])), None))

    def sights(self) -> list[VolumeSight]:
        """All volumes."""
        mounted, bound = mounts.mounted(self._mounts), loop.bound()
        found = []
        for id in self._files.volumes():
            file, point = self._files.volume(id), self._mounts / id
            size = self._files.size(id)
            if size is not None:  # else removed while we look
                device = mounted.get(point) or next(iter(bound.get(file, [])), None)
                found.append(VolumeSight(id, size, device, point if point in mounted else None))
        return found

    def strangers(self) -> list[str]:
        """Mounts of volumes whose file is gone."""
        return sorted(point.name for point in mounts.mounted(self._mounts))

    def need(self, id: str) -> VolumeSight:
        """The volume. Absent."""
        present = self.sight(id)
        if present is None:
            raise Absent("The volume is not on this host.")
        return present

    def attach(self, id: str) -> VolumeSight:
        """Bind a device that stays without users."""
        present = self.need(id)
        descriptor, device = self._bound(id, present)
        try:
            loop.keep(descriptor, kept=True)
        finally:
            os.close(descriptor)
        return VolumeSight(id, present.size, device, present.path)

    def mount(self, id: str) -> VolumeSight:
        """Bind and mount. A blank volume gets an ext4 first, and one that is smaller than its volume grows."""
        present = self.need(id)
        if present.path:
            return present
        if self._wants_another_file(present):
            present = self._prepared(id, present)
        descriptor, device = self._bound(id, present)
        try:
            point = self._mount(id, device)
        finally:
            os.close(descriptor)
        self._grow_mounted(device, present.size)
        return VolumeSight(id, present.size, device, point)

    def _wants_another_file(self, present: VolumeSight) -> bool:
        """Whether what is done to the bytes before the mount is done to a copy."""
        file = self._files.volume(present.id)
        return ext4.is_blank(file) or (_is_smaller(file, present.size) and not ext4.can_grow_mounted())

    def _prepared(self, id: str, present: VolumeSight) -> VolumeSight:
        """With a file system of the volume's size, made in a new file that then takes the place of the old one: half-made it is
        never mounted. A device is bound to the new file then. Busy: somebody uses the device."""
        file, kept = self._files.volume(id), present.device and loop.is_kept(present.device)
        self._unbind(file)
        self._files.check_free()
        with self._files.new(file) as path:
            if ext4.is_blank(file):
                ext4.make(path, present.size)
            else:
                _mended_copy(file, path)
                ext4.grow(path)
                disk.sync(path)
        return self.attach(id) if kept else VolumeSight(id, present.size)

    def _bound(self, id: str, present: VolumeSight) -> tuple[int, Path]:
        """The volume's loop device, open, so that it stays until it is kept or mounted."""
        file = self._files.volume(id)
        if present.device:
            descriptor = loop.opened(present.device, file)
            if descriptor is not None:
                return descriptor, present.device
        return loop.bind(file, f"boxship:{self._mark}:{id}")

    def _mount(self, id: str, device: Path) -> Path:
        point = self._mounts / id
        point.mkdir(mode=0o700, exist_ok=True)
        try:
            mounts.mount(device, point, "ext4", _OPTIONS)
        except OSError as error:
            self._forget_mount_point(id)
            if error.errno in _NO_FILE_SYSTEM:
                raise Refused("The volume holds data but no ext4 file system that can be mounted.") from error
            raise
        return point

    def _grow_mounted(self, device: Path, size: int) -> None:
        """Let the file system fill its device, unless only an unmounted one can: then the next mount does."""
        if _is_smaller(device, size) and ext4.can_grow_mounted():
            ext4.grow(device)

    def extend(self, id: str) -> None:
        """Let device and mounted file system be as large as the file has become."""
        present = self.need(id)
        if present.device is None:
            return
        descriptor = loop.opened(present.device, self._files.volume(id))
        if descriptor is None:
            return
        try:
            loop.grow(descriptor)
        finally:
            os.close(descriptor)
        if present.path:
            self._grow_mounted(present.device, present.size)

    def shrink(self, id: str, size: int) -> None:
        """Make a volume smaller, in a new file that then takes the place of the old one. Busy: it is used. Refused: what it holds
        does not fit, or is no ext4."""
        present, file = self.need(id), self._files.volume(id)
        if present.device:
            raise Busy("The volume is in use; it can be made smaller when nobody uses it.")
        if ext4.is_blank(file):
            self._files.make(id, size)
            return
        if ext4.size(file) is None:
            raise Refused("The volume holds data but no ext4 file system, so nobody can tell what may be cut off.")
        self._files.check_free()
        with self._files.new(file) as path:
            _mended_copy(file, path)
            ext4.shrink(path, size)
            os.truncate(path, size)
            disk.sync(path)

    def unmount(self, id: str, *, keep_device: bool) -> None:
        """Undo mount. Busy: a container still has the volume mounted."""
        point, file = self._mounts / id, self._files.volume(id)
        if keep_device:
            self.attach(id)
        while point in mounts.mounted(self._mounts):
            mounts.unmount(point)
        self._forget_mount_point(id)
        if not keep_device:
            self._unbind(file)

    def detach(self, id: str) -> None:
        """Take away the device of a volume that is not mounted; one that is mounted goes with its mount then."""
        present = self.sight(id)
        if present is None or present.device is None:
            return
        file = self._files.volume(id)
        if present.path is None:
            self._unbind(file)
            return
        descriptor = loop.opened(present.device, file)
        if descriptor is not None:
            try:
                loop.keep(descriptor, kept=False)
            finally:
                os.close(descriptor)

    def _unbind(self, file: Path) -> None:
        """The kernel detaches after the last unmount; wait for it."""
        until = time.monotonic() + _PATIENCE
        while devices := loop.bound().get(file, []):
            for device in devices:
                loop.unbind(device, file)
            if time.monotonic() > until:
                raise Busy("The volume is still mounted in a container or another mount namespace.")
            time.sleep(0.02)

    def forget(self, id: str) -> None:
        """Nothing of a removed volume stays."""
        self._forget_mount_point(id)

    def _forget_mount_point(self, id: str) -> None:
        with suppress(FileNotFoundError):
            (self._mounts / id).rmdir()

    def point(self, present: VolumeSight) -> Path | None:
        """Where this host has the device mounted, by whomever; None: nowhere."""
        if present.path or present.device is None:
            return present.path
        return mounts.point_of(present.device)

    def flush(self, present: VolumeSight) -> None:
        """What was written to the device is in the file."""
        if present.device is not None:
            descriptor = loop.opened(present.device, self._files.volume(present.id))
            if descriptor is not None:
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def close(self) -> None:
        """Remove the directory of mounts, which is empty."""
        with suppress(FileNotFoundError, OSError):
            self._mounts.rmdir()


def _mended_copy(file: Path, path: Path) -> None:
    """A copy of an ext4 at a new path, checked, as changing its size asks for."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    copying.Copy().file(file, path)
    ext4.mend(path)


def _is_smaller(place: Path, size: int) -> bool:
    """Whether an ext4 leaves more than part of a block of its file or device unused."""
    there = ext4.size(place)
    return there is not None and there <= size - ext4.BLOCK
