"""Private files of the state directory: written whole or not at all, and never readable by others."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from boxship.core import errors
from boxship.installation import errors as installation_errors


def write(path: Path, content: bytes) -> None:
    """Replace the file at once, mode 0600, on disk when this returns. Unavailable: the disk is full or read-only."""
    with sentences(path):
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise


def read(path: Path) -> bytes | None:
    """The content, or None where there is no such file. Unreadable: it is not for this user."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise installation_errors.Unreadable(path, _reason(error)) from error


def make_directory(path: Path) -> None:
    """The directory, mode 0700, with the parents it needs. Unavailable: disk full, read-only, or not for this user."""
    with sentences(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Say in a sentence what the file system refuses."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise errors.Unavailable(
                f"The disk of {path.parent} is full. Make room, or choose another --state-dir.", detail=str(error)
            ) from error
        raise errors.Unavailable(f"{path} cannot be written: {_reason(error)}.", detail=str(error)) from error


def _reason(error: OSError) -> str:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "it belongs to another user; run this as the user who started the cloud (sudo -i)"
    return (error.strerror or str(error)).lower()
