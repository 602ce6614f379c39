"""What Boxship needs from the storage of this host: volumes as block devices with a file system, and image bytes.

``file.py`` and ``fake.py`` obey ``Storage`` and ``Blobs``; ``tests/conformance/test_storage.py`` checks.
Storage never sees the database and never decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VolumeSight:
    """A volume in the world: ``size`` bytes, ``device`` its block device while attached, ``path`` where mounted."""

    id: str
    size: int
    device: Path | None = None
    path: Path | None = None


class Kind(StrEnum):
    """What bytes may come from."""

    VOLUME = "volume"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Source:
    """A volume or a snapshot of this storage."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class SnapshotSight:
    """A snapshot in the world: what ``volume_id`` held when it was taken, in ``size`` bytes."""

    id: str
    volume_id: str
    size: int


Extent = tuple[int, bytes]
"""Bytes at an offset; what no extent covers reads as zeros."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Bytes of the place that volumes are kept in."""

    total: int
    free: int


class Storage(Protocol):
    """Volumes. Verbs are idempotent. Errors: ``Busy`` (in use, try later), ``Refused`` (never, with the reason, for
    example a full disk), ``Absent`` (the volume is not there)."""

    async def open(self) -> None:
        """Make the directories; repeatable."""
        ...

    async def create(self, id: str, size: int, source: Source | None = None) -> VolumeSight:
        """A volume of ``size`` bytes that reads as zeros and takes room only as it is written; with a source it begins with
        what that holds now, as one moment's picture.

        An existing one of the same size is fine; of another size is Refused, as is a size below the source's. Absent: the
        source is not there. Nothing half-made stays after an error. May take as long as the source is large; see ``progress``.
        """
        ...

    async def fill(self, id: str, size: int, extents: AsyncIterator[Extent]) -> VolumeSight:
        """Give a volume that is not attached exactly these bytes, whole or not at all; it is made where it is not there. Busy
        while it is attached. Refused: an extent that reaches beyond ``size``."""
        ...

    def progress(self, id: str) -> int | None:
        """Percent of what is being copied into a volume or snapshot; None: nothing is."""
        ...

    async def extend(self, id: str, size: int) -> VolumeSight:
        """Make it larger, and its device; used or not. Its file system follows at once where the kernel lets a mounted one grow,
        else with the next mount. Repeatable; Refused: it is larger already."""
        ...

    async def shrink(self, id: str, size: int) -> VolumeSight:
        """Make it smaller, with its file system. Nothing is cut off: Refused, beginning with "It holds more than", where the data
        do not fit, and where there is no file system that could tell. Repeatable; Refused: it is smaller already. Busy
        while it is attached."""
        ...

    async def remove(self, id: str) -> None:
        """Gone for ever, with its data; a copy into it is given up. Busy while it is attached."""
        ...

    async def attach(self, id: str) -> VolumeSight:
        """Give it a block device, which stays until ``detach``; nothing is read or written. The sight has ``device``."""
        ...

    async def detach(self, id: str) -> None:
        """Take the device of an unmounted volume away, flushed. Busy while something uses it."""
        ...

    async def mount(self, id: str) -> VolumeSight:
        """Attach and mount it; the sight has ``device`` and ``path``. A volume without any file system gets ext4 first;
        one with data is never formatted. An idle device of a blank volume may be another one afterwards. Mounted without
        set-user-id and device files."""
        ...

    async def unmount(self, id: str, *, keep_device: bool = False) -> None:
        """Undo mount: flushed, unmounted, and detached unless the device is kept. Busy while something uses it."""
        ...

    async def sight(self, id: str) -> VolumeSight | None: ...

    async def sights(self) -> list[VolumeSight]:
        """All volumes of this installation."""
        ...

    async def snapshot(self, id: str, volume_id: str) -> SnapshotSight:
        """What the volume holds now, as one moment's picture, whole or not at all: a mounted file system is frozen meanwhile.
        Repeatable. Absent: the volume is not there."""
        ...

    async def remove_snapshot(self, id: str) -> None:
        """Repeatable."""
        ...

    async def snapshot_sight(self, id: str) -> SnapshotSight | None: ...

    async def snapshots(self) -> list[SnapshotSight]: ...

    async def revert(self, volume_id: str, id: str) -> VolumeSight:
        """Give a volume that is not attached what its snapshot holds; its size stays. Busy while it is attached."""
        ...

    def read(self, source: Source) -> AsyncIterator[Extent]:
        """The data, in order, at most a MiB at a time; holes are left out. One moment's picture only of what nobody writes.
        Absent: raised at the first one."""
        ...

    async def capacity(self) -> Capacity: ...

    async def destroy(self) -> None:
        """Unmount, detach and remove all volumes and snapshots of this installation. Repeatable."""
        ...


class SharedStorage(Storage, Protocol):
    """A storage that several hosts reach the same volumes in. What works on a volume has it alone until it is done, and for as
    long as the volume has a device here: to the verbs of the other hosts it is Busy. ``destroy`` removes volumes only where no
    other host uses the storage."""

    async def owner(self, id: str) -> str | None:
        """The name of the host that has the volume; None: nobody has."""
        ...

    async def disown(self, id: str, host: str) -> None:
        """That host is gone for good and never comes back to the volume. Repeatable; nothing happens to another's."""
        ...


class Backends(Protocol):
    """The storages of this host by the names that operators gave them."""

    @property
    def names(self) -> Sequence[str]:
        """All, the one for who asks for none first."""
        ...

    def of(self, name: str) -> Storage:
        """Busy: this host has none of that name, as it is set up now."""
        ...

    def shared(self, name: str) -> SharedStorage | None:
        """The storage, if other hosts reach the same volumes in it. Busy as ``of``."""
        ...

    async def open(self) -> None:
        """Open all; repeatable. A shared one that is not ready yet keeps nobody from the others: its verbs look again."""
        ...

    async def destroy(self) -> None:
        """Destroy all that is this installation's, in every one. Repeatable. Busy: one is in use; the others are done."""
        ...


@dataclass(frozen=True, slots=True)
class BackupSight:
    """A whole backup: what ``volume_id`` held, ``size`` bytes of it, in so many ``parts``."""

    id: str
    volume_id: str
    size: int
    parts: int


class Backups(Protocol):
    """Copies of volumes that are kept apart from them. Errors: ``Refused`` (disk full, damaged), ``Absent``."""

    async def open(self) -> None:
        """Make the directory, remove what was never finished; repeatable."""
        ...

    async def write(self, id: str, volume_id: str, size: int, extents: AsyncIterator[Extent]) -> BackupSight:
        """Keep the extents, whole or not at all; durable when it returns. What another backup of the volume has already is
        kept once. One that is there already is fine."""
        ...

    def read(self, id: str) -> AsyncIterator[Extent]:
        """What was written. Absent, or Refused where a part is not what it was: raised before that part is given."""
        ...

    async def remove(self, id: str) -> None:
        """Repeatable; the others stay whole."""
        ...

    async def sight(self, id: str) -> BackupSight | None: ...

    async def sights(self) -> list[BackupSight]: ...

    async def destroy(self) -> None:
        """Remove all. Repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class BlobSight:
    """Stored bytes: ``size`` in bytes, MD5 and SHA-512 in hexadecimal (Glance's ``checksum`` and ``os_hash_value``)."""

    id: str
    size: int
    md5: str
    sha512: str


class Blobs(Protocol):
    """Image bytes, written once. Errors: ``Refused`` (disk full, too large), ``Absent``."""

    async def write(self, id: str, data: AsyncIterator[bytes], limit: int) -> BlobSight:
        """Store the stream whole or not at all; more than ``limit`` bytes is Refused. Durable when it returns."""
        ...

    def read(self, id: str) -> AsyncIterator[bytes]:
        """The bytes in chunks. Absent: raised at the first one."""
        ...

    async def remove(self, id: str) -> None:
        """Repeatable."""
        ...

    async def ids(self) -> frozenset[str]:
        """The ids of all blobs, for finding orphans."""
        ...
