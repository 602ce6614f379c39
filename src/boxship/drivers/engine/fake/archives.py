"""Files in containers of the fake engine: what was put into them, in memory, and two directories that are always there."""

from __future__ import annotations

import asyncio
import io
import posixpath
import tarfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from boxship.core import errors
from boxship.drivers.engine.fake.record import Change, Record
from boxship.drivers.engine.interface import PathSight

_ROOM = 64 << 20
"""How many bytes one tar may hold: all of it is kept in memory."""
_PIECE = 1 << 16
_GO_DIRECTORY, _GO_LINK = 1 << 31, 1 << 27
"""Bits of Go's io/fs.FileMode."""

_Tree = dict[str, tuple[tarfile.TarInfo, bytes]]
"""By absolute path: the member of a tar, whose name is left empty, and its content."""


class Archives(Record):
    """The part of ``interface.Engine`` about files."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._trees: dict[str, _Tree] = {}

    def _change(self, change: Change, action: str = "") -> None:
        super()._change(change, action)
        if action == "destroy":
            self._trees.pop(change.id, None)

    async def get_archive(self, id: str, path: str) -> AsyncIterator[bytes]:
        at, _ = self._found(id, path)
        packed = await asyncio.to_thread(_packed, dict(self._tree(id)), at)
        for start in range(0, len(packed), _PIECE):
            yield packed[start : start + _PIECE]

    async def stat(self, id: str, path: str) -> PathSight:
        at, member = self._found(id, path)
        kind = _GO_DIRECTORY if member.isdir() else _GO_LINK if member.issym() else 0
        modified = datetime.fromtimestamp(member.mtime, UTC).isoformat().replace("+00:00", "Z")
        return PathSight(posixpath.basename(at) or "/", member.size, kind | member.mode, modified, member.linkname)

    async def put_archive(self, id: str, path: str, archive: AsyncIterator[bytes]) -> None:
        at, member = self._found(id, path)
        if not member.isdir():
            raise errors.Refused(f"{at} is no directory of the container.")
        content = bytearray()
        async for chunk in archive:
            content += chunk
            if len(content) > _ROOM:
                raise errors.Refused(f"The fake engine takes archives of {_ROOM >> 20} MiB at most.")
        self._tree(id).update(await asyncio.to_thread(_unpacked, bytes(content), at))

    def _tree(self, id: str) -> _Tree:
        self._known(id)
        return self._trees.setdefault(id, {at: (_directory(), b"") for at in ("/", "/tmp")})  # noqa: S108 (not the host's)

    def _found(self, id: str, path: str) -> tuple[str, tarfile.TarInfo]:
        at = _absolute("/", path)
        if at not in self._tree(id):
            raise errors.Absent(f"There is no {at} in the container.")
        return at, self._tree(id)[at][0]


def _absolute(directory: str, path: str) -> str:
    """The path in the container, whatever dots it has: none leads above the root."""
    return posixpath.normpath(f"/{directory}/{path}").replace("//", "/")


def _directory() -> tarfile.TarInfo:
    member = tarfile.TarInfo()
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    return member


def _unpacked(content: bytes, directory: str) -> _Tree:
    """The members by path. Refused: it is no tar."""
    tree: _Tree = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                at = _absolute(directory, member.name)
                for parent in PurePosixPath(at).parents:
                    if parent.is_relative_to(directory):
                        tree.setdefault(str(parent), (_directory(), b""))
                tree[at] = member, file.read() if file else b""
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise errors.Refused("The archive is not a tar.", detail=repr(error)) from error
    return tree


def _packed(tree: _Tree, at: str) -> bytes:
    """A tar of the path and all below it, under its last name, as Docker gives it."""
    content = io.BytesIO()
    root = posixpath.basename(at)
    with tarfile.open(fileobj=content, mode="w") as tar:
        for path in sorted(path for path in tree if path == at or path.startswith(at.rstrip("/") + "/")):
            member, data = tree[path]
            name = posixpath.join(root, posixpath.relpath(path, at))
            tar.addfile(member.replace(name=posixpath.normpath(name), deep=False), io.BytesIO(data))
    return content.getvalue()
