"""The directory that bytes are kept in: what is free, what is durable, and what an error of the operating system means
to a reconciler. Knows neither volumes nor images."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boxship.core.errors import Busy, DriverError, Refused

RESERVE = 64 << 20
"""Bytes that are left free: the database on the same disk must still be able to commit."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EPERM, errno.EACCES, errno.EROFS}
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def checked(id: str) -> str:
    """The id, if it is fit to be a file name. Refused: it is not, so that no id ever leads out of the directory."""
    if not _ID.fullmatch(id):
        raise Refused("The id is not one that storage can keep.", detail=repr(id))
    return id


def free(directory: Path) -> int:
    """Bytes that may still be written below ``directory``, the reserve taken off; never negative."""
    stat = os.statvfs(directory)
    return max(0, stat.f_bavail * stat.f_frsize - RESERVE)


def total(directory: Path) -> int:
    """Bytes of the file system that ``directory`` is on."""
    stat = os.statvfs(directory)
    return stat.f_blocks * stat.f_frsize


def full(directory: Path) -> Refused:
    """The error of a full disk, with its sentence."""
    return Refused(f"The disk that holds {directory} is full; free some space or delete volumes or images.")


def sync(path: Path) -> None:
    """Make a file's bytes, or a directory's names, durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def translated(doing: str, directory: Path) -> Iterator[None]:
    """Turn ``OSError`` into the three errors of drivers; ``doing`` completes "cannot ..." in the user's sentence."""
    try:
        yield
    except OSError as error:
        raise _translate(error, doing, directory) from error


def _translate(error: OSError, doing: str, directory: Path) -> DriverError:
    if error.errno in _FULL:
        return full(directory)
    if error.errno in _FORBIDDEN:
        return Refused(f"This host cannot {doing}: {error.strerror}; it takes root.", detail=str(error))
    if error.errno == errno.EFBIG:
        return Refused(f"This host cannot {doing}: the file system does not hold files of that size.")
    return Busy(f"This host cannot {doing} now: {error.strerror}.", detail=str(error))
