"""What Boxship needs from the storage of this host: volumes as block devices with a file system, and image bytes.

``file.py`` and ``fake.py`` obey ``Storage`` and ``Blobs``; ``tests/conformance/test_storage.py`` checks.
Storage never sees the database and never decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VolumeSight:
    """A volume in the world: ``size`` bytes, ``device`` its block device while attached, ``path`` where mounted."""

    id: str
    size: int
    device: Path | None = None
    path: Path | None = None


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

    async def create(self, id: str, size: int) -> VolumeSight:
        """A volume of ``size`` bytes that reads as zeros and takes room only as it is written.

        An existing one of the same size is fine; of another size is Refused. Nothing half-made stays after an error.
        """
        ...

    async def remove(self, id: str) -> None:
        """Gone for ever, with its data. Busy while it is mounted."""
        ...

    async def mount(self, id: str) -> VolumeSight:
        """Attach and mount it; the sight has ``device`` and ``path``. A volume without any file system gets ext4 first;
        one with data is never formatted. Mounted without set-user-id and device files."""
        ...

    async def unmount(self, id: str) -> None:
        """Undo mount: flushed, unmounted, detached. Busy while something uses it."""
        ...

    async def sight(self, id: str) -> VolumeSight | None: ...

    async def sights(self) -> list[VolumeSight]:
        """All volumes of this installation."""
        ...

    async def capacity(self) -> Capacity: ...

    async def destroy(self) -> None:
        """Unmount, detach and remove all volumes of this installation. Repeatable."""
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
