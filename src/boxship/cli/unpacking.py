"""A tar that a container made, unpacked on this host. Containers are hostile: every step of every path is taken from an open
directory and never through a symbolic link, so that nothing lands outside of the target whatever the archive says; and what
tarfile's data filter refuses (devices, links that lead out) is left out and reported."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from boxship.cli.failure import Failure, printable

_CHUNK = 1 << 16
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
Parts = tuple[str, ...]


class _RefusedEntry(Exception):
    """An entry that must not be unpacked, and why."""


class Unpacker:
    """Unpacks below the directory ``base``. The archive's topmost entry becomes ``name`` there; with an empty name its content
    lands in ``base`` itself. ``refuse`` is told a sentence for each entry that is left out."""

    def __init__(self, base: Path, name: str, refuse: Callable[[str], None]) -> None:
        self._base = base
        self._name = (name,) if name else ()
        self._refuse = refuse
        self._root: Parts | None = None
        self._made: set[Parts] = set()
        self.received = 0
        """Bytes of files so far."""

    def unpack(self, archive: IO[bytes], first: Callable[[tarfile.TarInfo], None]) -> None:
        """Read the archive to its end. ``first`` sees the topmost entry before anything is written, and may raise.

        Failure: it is no tar, it breaks off, or this host has no room or no permission.
        """
        try:
            with tarfile.open(fileobj=archive, mode="r|") as entries, _opened(self._base) as top:
                for entry in entries:
                    if self._root is None:
                        first(entry)
                        self._root = _split(entry.name)
                    self._take(entries, entry, top)
        except tarfile.TarError as error:
            raise Failure(f"What came from the container is no archive: {error}.") from error
        except OSError as error:
            raise Failure(f"{error.filename or self._base}: {error.strerror or error}.") from error

    def _take(self, entries: tarfile.TarFile, entry: tarfile.TarInfo, top: int) -> None:
        try:
            parts = self._place(entry.name)
            link = "/".join(self._place(entry.linkname)) if entry.islnk() else entry.linkname
            moved = entry.replace(name="/".join(parts) or ".", linkname=link, deep=False)
            safe = tarfile.data_filter(moved, str(self._base))
            self._write(entries, entry, (parts, safe), top)
        except (_RefusedEntry, tarfile.FilterError) as error:
            self._refuse(f"{printable(entry.name)} is left out: {printable(str(error))}")

    def _place(self, name: str) -> Parts:
        """Where an entry of this name goes, below the base."""
        parts, root = _split(name), self._root or ()
        if ".." in parts or name.startswith("/") or parts[: len(root)] != root:
            raise _RefusedEntry("its path leads outside")
        return self._name + parts[len(root) :]

    def _write(
        self, entries: tarfile.TarFile, entry: tarfile.TarInfo, placed: tuple[Parts, tarfile.TarInfo], top: int
    ) -> None:
        parts, safe = placed
        if not parts:
            if not entry.isdir():
                raise _RefusedEntry("it is no directory")
            return
        with _directory(top, parts[:-1]) as parent:
            name = parts[-1]
            if safe.isdir():
                _make_directory(parent, name)
                return
            _clear(parent, name)
            if safe.issym():
                os.symlink(safe.linkname, name, dir_fd=parent)
            elif safe.islnk():
                self._link(top, tuple(safe.linkname.split("/")), parent, name)
            else:
                self._copy(entries.extractfile(entry), safe, parent, name)
        self._made.add(parts)

    def _link(self, top: int, source: Parts, parent: int, name: str) -> None:
        """A second name for a file of this archive; never for one that was here before."""
        if source not in self._made:
            raise _RefusedEntry("it is a link to a file that is not in the archive")
        with _directory(top, source[:-1]) as directory:
            os.link(source[-1], name, src_dir_fd=directory, dst_dir_fd=parent, follow_symlinks=False)

    def _copy(self, content: IO[bytes] | None, safe: tarfile.TarInfo, parent: int, name: str) -> None:
        mode = 0o644 if safe.mode is None else safe.mode
        with os.fdopen(os.open(name, _NEW, mode & 0o700 | 0o200, dir_fd=parent), "wb") as file:
            while content and (data := content.read(_CHUNK)):
                file.write(data)
                self.received += len(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.utime(file.fileno(), (safe.mtime, safe.mtime))


def _split(name: str) -> Parts:
    return tuple(part for part in name.split("/") if part not in {"", "."})


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _directory(top: int, parts: Sequence[str]) -> Iterator[int]:
    """The directory at this path below ``top``, made where it is missing."""
    here = os.dup(top)
    try:
        for part in parts:
            _make_directory(here, part)
            deeper = os.open(part, _DIRECTORY, dir_fd=here)
            os.close(here)
            here = deeper
        yield here
    finally:
        os.close(here)


def _make_directory(parent: int, name: str) -> None:
    """A directory of this name, there already or new. _RefusedEntry: something else has the name."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        try:
            os.close(os.open(name, _DIRECTORY, dir_fd=parent))
        except OSError as error:
            raise _RefusedEntry(f"{name} is no directory here") from error


def _clear(parent: int, name: str) -> None:
    """Take away a file of this name. _RefusedEntry: it is a directory."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except IsADirectoryError as error:
        raise _RefusedEntry(f"{name} is a directory here") from error
