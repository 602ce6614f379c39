"""Files into a container and out of it, as tar archives that pass through and are never kept."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from boxship.core import errors
from boxship.core.http import call as http
from boxship.core.http.call import Call
from boxship.core.http.microversions import Version
from boxship.drivers.engine.interface import Engine, PathSight
from boxship.services.container import model, operations
from boxship.services.container.live import access
from boxship.services.container.schemas import containers as schemas

TAR = "application/x-tar"
"""The media type by which an archive passes as it is, however large; Zun itself knows only text in JSON."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file or directory of a container, and its bytes as a tar."""

    sight: PathSight
    archive: AsyncIterator[bytes]


class Archives:
    """Files of containers on this host's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, call: Call[Any]) -> Found:
        """What is at the path of the query. BadRequest: nothing is."""
        row = await access.allowed(call, "get_archive")
        path = _path(call)
        try:
            sight = await self._engine.stat(row.id, path)
        except errors.Absent as error:
            raise errors.BadRequest(error.sentence, field="path") from error
        return Found(sight, self._engine.get_archive(row.id, path))

    async def put(self, call: Call[Any]) -> None:
        """Unpack the archive in the body at the path of the query. BadRequest: there is no such directory, or it is no
        archive. TooLarge: more than ``max_archive`` came in JSON."""
        row = await access.allowed(call, "put_archive")
        path = _path(call)
        assert call.stream is not None
        if call.headers.get("content-type", "").partition(";")[0].strip().lower() == TAR:
            archive = call.stream
        else:
            archive = _once(_decoded(await joined(call.stream, call.settings.max_archive), call.version))
        await self._put(row, path, archive)
        async with call.database.write() as transaction:
            await operations.note_action(transaction, call.caller, call.request_id, row, "put_archive")

    async def _put(self, row: model.Container, path: str, archive: AsyncIterator[bytes]) -> None:
        try:
            await self._engine.put_archive(row.id, path, archive)
        except errors.Absent as error:
            raise errors.BadRequest(error.sentence, field="path") from error
        except errors.Refused as error:
            raise errors.BadRequest(error.sentence, field="data", detail=error.detail) from error


def shown(sight: PathSight, archive: bytes, version: Version) -> dict[str, Any]:
    """Zun's answer: the archive in base64, or up to 1.24 as it is. BadRequest: it is no text, and the version is old."""
    stat = {
        "name": sight.name,
        "size": sight.size,
        "mode": sight.mode,
        "mtime": sight.modified,
        "linkTarget": sight.link_target,
    }
    if version >= Version(1, 25):
        return {"data": base64.b64encode(archive).decode(), "stat": stat}
    try:
        return {"data": archive.decode(), "stat": stat}
    except UnicodeDecodeError as error:
        raise errors.BadRequest(
            "the archive holds more than text; versions from 1.25 on send it", field="path"
        ) from error


async def joined(stream: AsyncIterator[bytes], limit: int) -> bytes:
    """All of a stream. TooLarge: it holds more than ``limit`` bytes."""
    parts, size = [], 0
    async for part in stream:
        parts.append(part)
        size += len(part)
        if size > limit:
            raise errors.TooLarge(f"More than {limit} bytes pass only as {TAR}.")
    return b"".join(parts)


def _decoded(body: bytes, version: Version) -> bytes:
    request = http.decode(body, schemas.ArchiveRequest)
    if version < Version(1, 25):
        return request.data.encode()
    try:
        return base64.b64decode(request.data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.BadRequest("it must be base64", field="data") from error


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _path(call: Call[Any]) -> str:
    path = call.query.one("path")
    if not path or len(path) > 4096:
        raise errors.BadRequest("a path of the container is required, of at most 4096 characters", field="path")
    return path
