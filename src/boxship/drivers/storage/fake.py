"""Volumes that need neither root nor the kernel: each is a directory. Obeys ``interface.Storage``; for the fake cloud
and for tests.

    <directory>/volumes/<id>/size    its size in bytes
    <directory>/volumes/<id>/data    what is in it
    <directory>/mounts/<id>          a link to the data while it is mounted

What is written is kept, over restarts too; the size is not enforced and nothing is a block device.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from boxship.core.errors import Absent, Busy, DriverError, Refused
from boxship.drivers.storage import disk
from boxship.drivers.storage.blobs import FileBlobs
from boxship.drivers.storage.interface import Capacity, VolumeSight

FakeBlobs = FileBlobs
"""Files need nothing that has to be faked."""

TOTAL = 1 << 44
"""Bytes that the fake pretends to have: enough for any quota."""


class FakeStorage:
    """The volumes in one directory. Tests make it fail with ``fail`` and keep volumes busy with ``hold``."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()
        self._volumes = self._root / "volumes"
        self._mounts = self._root / "mounts"
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
        for directory in (self._volumes, self._mounts):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def create(self, id: str, size: int) -> VolumeSight:
        self._fail("create")
        present = self._sight(disk.checked(id))
        if present and present.size != size:
            raise Refused(f"The volume exists already with {present.size} bytes, not {size}.")
        if not 0 < size <= TOTAL:
            raise Refused(f"A volume of {size} bytes cannot be kept here.")
        return present or self._make(id, size)

    def _make(self, id: str, size: int) -> VolumeSight:
        (self._volumes / id / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._volumes / id / "size.new"
        new.write_text(str(size))
        new.replace(self._volumes / id / "size")
        return VolumeSight(id, size)

    async def remove(self, id: str) -> None:
        self._fail("remove")
        present = self._sight(disk.checked(id))
        if present and present.device:
            raise Busy("The volume is in use on this host.")
        with suppress(FileNotFoundError):
            shutil.rmtree(self._volumes / id)

    async def mount(self, id: str) -> VolumeSight:
        self._fail("mount")
        present = self._sight(disk.checked(id))
        if present is None:
            raise Absent("The volume is not on this host.")
        if present.path is None:
            (self._mounts / id).symlink_to(self._volumes / id / "data")
        return self._sight(id) or present

    async def unmount(self, id: str) -> None:
        self._fail("unmount")
        if disk.checked(id) in self._held:
            raise Busy("The volume is in use on this host.")
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

    async def capacity(self) -> Capacity:
        self._fail("capacity")
        return Capacity(TOTAL, TOTAL - sum(sight.size for sight in await self.sights()))

    async def destroy(self) -> None:
        self._fail("destroy")
        if self._held:
            raise Busy("A volume is in use on this host.")
        for directory in (self._mounts, self._volumes):
            shutil.rmtree(directory, ignore_errors=True)
        with suppress(OSError):
            self._root.rmdir()

    def _fail(self, verb: str) -> None:
        if waiting := self._failures.get(verb):
            raise waiting.pop(0)

    def _sight(self, id: str) -> VolumeSight | None:
        try:
            size = int((self._volumes / id / "size").read_text())
        except FileNotFoundError:
            return None
        if not os.path.lexists(self._mounts / id):
            return VolumeSight(id, size)
        return VolumeSight(id, size, self._volumes / id / "data", self._mounts / id)
