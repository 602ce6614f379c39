"""A file or directory of this host as a tar that is made while it is sent. Nothing is followed: links go as links; what is no
file, directory or link is left out and reported."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from boxship.cli.failure import Failure

_CHUNK = 1 << 16


def packed(source: Path, name: str, refuse: Callable[[str], None]) -> Iterator[bytes]:
    """The archive; its topmost entry is ``name`` (empty: the content of the directory alone), all owned by root.

    Failure: something cannot be read. ``refuse`` is told a sentence for each thing that is left out.
    """
    reader, writer = os.pipe()
    failures: list[Exception] = []

    def write() -> None:
        try:
            with os.fdopen(writer, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as archive:
                _add(archive, source, name, refuse)
        except BrokenPipeError:
            pass  # nobody wants the rest: the request was refused
        except (OSError, tarfile.TarError) as error:
            failures.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        while data := os.read(reader, _CHUNK):
            yield data
    finally:
        os.close(reader)
        thread.join()
    for failure in failures:
        raise Failure(
            f"{getattr(failure, 'filename', None) or source}: {getattr(failure, 'strerror', None) or failure}."
        )


def _add(archive: tarfile.TarFile, source: Path, name: str, refuse: Callable[[str], None]) -> None:
    """The thing itself, and what is in it; not by ``TarFile.add``, which goes as deep as its stack."""
    waiting = [(source, name)]
    while waiting:
        path, inside = waiting.pop()
        if inside:
            entry = archive.gettarinfo(path, inside)
            if entry is None or not (entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()):
                refuse(f"{path} is left out: it is no file, directory or link")
                continue
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            if entry.isreg():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
                continue
            archive.addfile(entry)
            if not entry.isdir():
                continue
        waiting += [(Path(below.path), f"{inside}/{below.name}".lstrip("/")) for below in os.scandir(path)]
