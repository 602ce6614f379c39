"""``boxship cp``: files between this host and a container, as a tar that is read while it is written."""

from __future__ import annotations

import http.client
import io
import os
import re
import sys
import tarfile
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import click

from boxship.cli import api, completion, output, packing, several, steps, unpacking
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

_TAR = "application/x-tar"
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a container, or on this host (no container); ``-`` is stdin or stdout."""

    path: str
    container: str = ""

    @property
    def content_only(self) -> bool:
        """Whether what is in the directory is meant and not the directory itself."""
        return self.path == "." or self.path.endswith("/.")

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


@click.command("cp")
@state_dir_option
@click.argument("source", shell_complete=completion.container_paths)
@click.argument("target", shell_complete=completion.container_paths)
def cp_command(state_dir: Path | None, source: str, target: str) -> int:
    """Copy a file or directory into a container or out of one; it may be running or stopped.

    One of the two is CONTAINER:PATH. Into an existing directory it goes under its own name; SOURCE/. means what is in it. - is
    a tar archive on stdin or stdout. Out of a container nothing lands beside TARGET: devices and links that lead elsewhere are
    left out, and the command then ends with 1.

    \b
    Examples:
      boxship cp site/. web:/www
      boxship cp web:/var/log ./web-log
      boxship cp web:/etc - | tar t
      tar c conf | boxship cp - web:/etc
    """
    here, there = parse_place(source), parse_place(target)
    if bool(here.container) == bool(there.container):
        raise click.UsageError("One of SOURCE and TARGET is CONTAINER:PATH, and the other is on this host.")
    cloud = api.connect(state_dir)
    refused: list[str] = []
    if here.container and there.path == "-":
        _pass_on(cloud, here)
    elif here.container:
        _fetch(cloud, here, Path(there.path), refused)
    elif here.path == "-":
        _send(cloud, there, _absolute(there.path), _standard_input())
    else:
        _store(cloud, here, there, refused)
    for sentence in refused:
        several.complain(sentence)
    return Exit.FAILURE if refused else Exit.OK


def parse_place(text: str) -> Place:
    """``CONTAINER:PATH``, or a path here, which begins with ``/`` or ``.`` if it has a colon."""
    match = re.fullmatch(r"([a-zA-Z0-9][a-zA-Z0-9_.-]*):(.+)", text, re.DOTALL)
    return Place(match[2], match[1]) if match else Place(text)


def _fetch(cloud: api.Cloud, source: Place, target: Path, refused: list[str]) -> None:
    """Out of the container, by the rules of cp(1) for names."""
    into = target.is_dir()
    if not into and not target.absolute().parent.is_dir():
        raise Failure(f"{target.absolute().parent}: there is no such directory.", Exit.NOT_FOUND)
    base, name = (
        (target, "" if source.content_only else source.name) if into else (target.absolute().parent, target.name)
    )

    def check(entry: tarfile.TarInfo) -> None:
        if entry.isdir() and target.exists() and not into:
            raise Failure(f"{target} is a file; a directory cannot be copied onto it.")

    unpacker = unpacking.Unpacker(base, name, refused.append)
    with steps.step(f"Copy {source.container}:{source.path}") as step:
        with _archive(cloud, source, lambda count: step.doing(output.size(count))) as archive:
            unpacker.unpack(archive, check)
        step.note(output.size(unpacker.received))


def _store(cloud: api.Cloud, source: Place, target: Place, refused: list[str]) -> None:
    """Into the container, by the rules of cp(1) for names."""
    path = Path(source.path)
    if not path.is_symlink() and not path.exists():
        raise Failure(f"{path}: there is no such file.", Exit.NOT_FOUND)
    directory, name = _landing(cloud, source, target, is_directory=path.is_dir() and not path.is_symlink())
    _send(cloud, target, directory, packing.packed(path, name, refused.append))


def _landing(cloud: api.Cloud, source: Place, target: Place, *, is_directory: bool) -> tuple[str, str]:
    """The directory in the container, and the name that the source gets there (empty: its content goes there)."""
    kind = _kind(cloud, target)
    path = PurePosixPath(_absolute(target.path))
    if kind == "directory":
        return str(path), "" if is_directory and source.content_only else Path(source.path).absolute().name
    if is_directory and kind == "file":
        raise Failure(f"{target.container}:{target.path} is a file; a directory cannot be copied onto it.")
    if not is_directory and target.path.endswith("/"):
        raise Failure(f"{target.container}:{target.path}: there is no such directory.", Exit.NOT_FOUND)
    return str(path.parent), path.name


def _kind(cloud: api.Cloud, place: Place) -> str:
    """``directory``, ``file``, or empty where there is nothing; a link to a directory is a directory."""
    for path in (f"{_absolute(place.path).rstrip('/')}/.", _absolute(place.path)):
        try:
            with (
                _archive(cloud, Place(path, place.container)) as archive,
                tarfile.open(fileobj=archive, mode="r|") as entries,
            ):
                first = entries.next()
                return "directory" if first is not None and first.isdir() else "file"
        except api.RequestFailed as error:
            if error.status not in {400, 404}:
                raise
            several.find(cloud, place.container)  # is it the container that is not there?
        except tarfile.TarError as error:
            raise Failure(f"What came from the container is no archive: {error}.") from error
    return ""


def _pass_on(cloud: api.Cloud, source: Place) -> None:
    if sys.stdout.isatty():
        raise click.UsageError("An archive is not written to a terminal; send it to a file or a command.")
    with _archive(cloud, source) as archive:
        while data := archive.read(_CHUNK):
            output.raw(data)


def _standard_input() -> Iterator[bytes]:
    if sys.stdin.isatty():
        raise click.UsageError("An archive is not read from a terminal; give it on stdin.")
    while data := os.read(0, _CHUNK):
        yield data


@contextmanager
def _archive(cloud: api.Cloud, place: Place, tell: Callable[[int], object] = bool) -> Iterator[IO[bytes]]:
    """The tar of a path, as it comes; a cloud that only knows Zun's own form gives it in JSON. ``tell`` hears how many bytes
    have come."""
    where = several.path(place.container, "get_archive")
    accept = f"{_TAR}, application/json;q=0.5"
    with cloud.reading(several.CONTAINER, where, accept, path=_absolute(place.path)) as answer:
        if _TAR in (answer.getheader("Content-Type") or ""):
            yield io.BufferedReader(_Answer(answer, tell), _CHUNK)
        else:
            yield io.BytesIO(b64decode(api.document(answer)["data"]))


def _send(cloud: api.Cloud, target: Place, directory: str, archive: Iterable[bytes]) -> None:
    """Unpack the archive in the directory of the container."""
    where = several.path(target.container, "put_archive")
    with steps.step(f"Copy to {target.container}:{target.path}") as step:
        sent = 0

        def counted() -> Iterator[bytes]:
            nonlocal sent
            for data in archive:
                sent += len(data)
                step.doing(output.size(sent))
                yield data

        cloud.write(several.CONTAINER, where, counted(), _TAR, path=directory)
        step.note(output.size(sent))


class _Answer(io.RawIOBase):
    """The body of an answer as a file. Failure: it breaks off."""

    def __init__(self, answer: http.client.HTTPResponse, tell: Callable[[int], object]) -> None:
        self._chunks = api.chunks(answer)
        self._rest = b""
        self._count = 0
        self._tell = tell

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        data = self._rest or next(self._chunks, b"")
        count = min(len(data), len(buffer))
        self._count += count
        self._tell(self._count)
        buffer[:count], self._rest = data[:count], data[count:]
        return count


def _absolute(path: str) -> str:
    """Paths in a container begin at its root."""
    return path if path.startswith("/") else f"/{path}"
