"""The files that volumes and snapshots are: made, copied, filled and named last. Knows no device and no mount.

A file under its final name is complete. What is being made has the ending ``.new``, and what a crash leaves of that is removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from boxship.core.errors import Absent, Refused
from boxship.drivers.storage import copying, disk
from boxship.drivers.storage.interface import Extent, Kind, SnapshotSight, Source

_NEW = ".new"
_OF = "@"
"""Between the id of a snapshot and that of its volume."""


class Files:
    """The files below one directory; ``maker`` names who makes them, where several programs do."""

    def __init__(self, root: Path, maker: str = "") -> None:
        self.root = root
        self._ending = f".{maker}{_NEW}" if maker else _NEW
        self._volumes = root / "files"
        self._snapshots = root / "snapshots"

    def open(self) -> None:
        """Make the directories, and remove what was never finished."""
        for directory in (self.root, self._volumes, self._snapshots):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self._volumes, self._snapshots):
            for half_made in directory.glob(f"*{self._ending}"):
                half_made.unlink(missing_ok=True)

    def volume(self, id: str) -> Path:
        """Where the bytes of a volume are, if it is there."""
        return self._volumes / id

    def size(self, id: str) -> int | None:
        """Bytes of a volume; None: it is not there."""
        try:
            return self.volume(id).stat().st_size
        except FileNotFoundError:
            return None

    def volumes(self) -> list[str]:
        """The ids of all volumes."""
        if not self._volumes.is_dir():
            return []
        return sorted(file.name for file in self._volumes.iterdir() if file.suffix != _NEW)

    def check_room(self, size: int) -> None:
        """Refused: a volume of this size can never be kept here, or the disk is full now."""
        whole = disk.total(self.root)
        if size < 1:
            raise Refused("A volume has at least one byte.")
        if size > whole:
            raise Refused(f"A volume of {size} bytes can never fit on the disk of {whole} bytes it would be kept on.")
        self.check_free()

    def check_free(self) -> None:
        """Refused: the disk is full."""
        if disk.free(self.root) == 0:
            raise disk.full(self.root)

    @contextmanager
    def new(self, final: Path) -> Iterator[Path]:
        """A path to make a file at; it gets its final name when the block ends well, and is gone when it does not."""
        path = final.with_name(f"{final.name}{self._ending}")
        path.unlink(missing_ok=True)
        try:
            yield path
            path.replace(final)
            disk.sync(final.parent)
        finally:
            path.unlink(missing_ok=True)

    def make(self, id: str, size: int) -> None:
        """A volume that reads as zeros."""
        with self.new(self.volume(id)) as path, path.open("xb") as target:
            os.fchmod(target.fileno(), 0o600)
            os.ftruncate(target.fileno(), size)
            os.fsync(target.fileno())

    def copy(self, source: Path, final: Path, size: int, work: copying.Copy) -> None:
        """A copy of ``size`` bytes, at least those of the source. Refused: the disk cannot take it."""
        with self.new(final) as path:
            self.check_free()
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            work.file(source, path)
            os.truncate(path, size)
            disk.sync(path)

    def extend(self, id: str, size: int) -> None:
        """Make a volume larger; its bytes stay."""
        os.truncate(self.volume(id), size)
        disk.sync(self.volume(id))

    def drop(self, path: Path) -> None:
        """Remove a file, durably. Repeatable."""
        path.with_name(f"{path.name}{self._ending}").unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            disk.sync(path.parent)

    # Snapshots.

    def snapshot(self, id: str, volume_id: str) -> Path:
        """Where a new snapshot of a volume goes."""
        return self._snapshots / f"{id}{_OF}{volume_id}"

    def snapshot_file(self, id: str) -> Path | None:
        """Where a snapshot is, if it is there."""
        return next((file for file in self._snapshots.glob(f"{id}{_OF}*") if file.suffix != _NEW), None)

    def snapshots(self) -> list[SnapshotSight]:
        """All snapshots."""
        found = []
        files = self._snapshots.iterdir() if self._snapshots.is_dir() else ()
        for file in sorted(files):
            with suppress(FileNotFoundError):  # removed while we look
                if file.suffix != _NEW:
                    found.append(seen(file))
        return found

    def source(self, source: Source) -> Path:
        """The file to copy or read from. Absent: there is none."""
        file = self.volume(source.id) if source.kind is Kind.VOLUME else self.snapshot_file(source.id)
        if file is None or not file.exists():
            raise Absent(f"The {source.kind} is not on this host.")
        return file

    def close(self) -> None:
        """Remove the directories, which are empty."""
        for directory in (self._volumes, self._snapshots, self.root):
            with suppress(FileNotFoundError, OSError):
                directory.rmdir()


def seen(file: Path) -> SnapshotSight:
    """The snapshot in a file. FileNotFoundError."""
    id, _, volume_id = file.name.partition(_OF)
    return SnapshotSight(id, volume_id, file.stat().st_size)


class Filling:
    """A new file that is filled with extents, chunk by chunk."""

    def __init__(self, path: Path, size: int) -> None:
        self._size = size
        self._file = path.open("xb", buffering=0)
        os.fchmod(self._file.fileno(), 0o600)
        os.ftruncate(self._file.fileno(), size)

    def put(self, extent: Extent) -> None:
        """Write bytes at their place. Refused: that is beyond the end."""
        at, data = extent
        if at < 0 or at + len(data) > self._size:
            raise Refused(f"What is to be written reaches beyond the {self._size} bytes of the volume.")
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file.fileno(), view, at)
            view, at = view[written:], at + written

    def finish(self) -> None:
        """Everything is on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
