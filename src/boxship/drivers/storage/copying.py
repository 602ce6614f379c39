"""Copies of files that are volumes: shared blocks where the file system can (ioctl_ficlone(2)), else the data without the holes.
Knows files, progress and when to stop; no volume."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from boxship.core.errors import Busy

CHUNK = 1 << 20
_FICLONE = 0x40049409
_CANNOT_SHARE = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS}


class Copy:
    """One copy under way: how far it is, and whether somebody wants it to end."""

    def __init__(self) -> None:
        self.percent = 0
        self._cancelled = False

    def cancel(self) -> None:
        """End it at the next chunk."""
        self._cancelled = True

    def step(self, done: int, whole: int) -> None:
        """So many bytes are behind us. Busy: it was cancelled."""
        if self._cancelled:
            raise Busy("The copy was given up.")
        self.percent = min(99, done * 100 // max(1, whole))

    def file(self, source: Path, target: Path) -> bool:
        """Fill the new, empty ``target`` with what ``source`` holds, durably; whether the blocks are shared.

        OSError: the disk's answer; what is half-made is the caller's to remove.
        """
        with source.open("rb", buffering=0) as reader, target.open("r+b", buffering=0) as writer:
            if _shared(reader.fileno(), writer.fileno()):
                os.fsync(writer.fileno())
                return True
            self._data(reader.fileno(), writer.fileno())
            os.fsync(writer.fileno())
        return False

    def _data(self, reader: int, writer: int) -> None:
        size = os.fstat(reader).st_size
        os.ftruncate(writer, size)
        for start, end in extents(reader):
            at = start
            while at < end:
                copied = os.copy_file_range(reader, writer, min(CHUNK * 8, end - at), at, at)
                if not copied:
                    break
                at += copied
                self.step(at, size)


def _shared(reader: int, writer: int) -> bool:
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError as error:
        if error.errno not in _CANNOT_SHARE:
            raise
        return False
    return True


def extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """Where data begins and ends, in order; what lies between are holes (lseek(2), SEEK_DATA)."""
    size, at = os.fstat(descriptor).st_size, 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, at


def pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Place and length of the parts of an extent that end where chunks do, wherever it begins: what did not change is cut the
    same way again."""
    at = start
    while at < end:
        length = min(CHUNK - at % CHUNK, end - at)
        yield at, length
        at += length


def can_share(directory: Path) -> bool:
    """Whether files of this directory can share blocks: asked with two small ones, which are gone afterwards."""
    first, second = directory / ".share-a.new", directory / ".share-b.new"
    try:
        first.write_bytes(bytes(4096))
        second.touch()
        with first.open("rb") as reader, second.open("r+b") as writer:
            return _shared(reader.fileno(), writer.fileno())
    finally:
        first.unlink(missing_ok=True)
        second.unlink(missing_ok=True)
