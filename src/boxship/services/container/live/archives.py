"""Files into a container and out of it, as tar archives that pass through and are never kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from boxship.core import errors
from boxship.core.http.call import Call
from boxship.drivers.engine.interface import Engine
from boxship.services.container import model, operations
from boxship.services.container.live import access
from boxship.services.container.schemas import archives as wire

_LONGEST = 4096
"""Bytes of a path (limits.h, PATH_MAX)."""
_GO_DIRECTORY = 1 << 31
"""The bit of a directory in Go's io/fs.FileMode."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file or directory of a container, and its bytes as a tar."""

    stat: wire.Stat
    archive: AsyncIterator[bytes]


class Archives:
    """Files of containers on this host's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, call: Call[Any]) -> Found:
        """What is at the path of the query; its first bytes have been read, so that what fails fails before the answer.

        BadRequest: nothing is there.
        """
        row = await access.allowed(call, "get_archive")
        path = _path(call)
        try:
            sight = await self._engine.stat(row.id, path)
            archive = self._engine.get_archive(row.id, path)
            first = await anext(archive, b"")
        except (errors.Absent, errors.Refused) as error:
            raise errors.BadRequest(error.sentence, field="path", detail=error.detail) from error
        stat = wire.Stat(sight.name, sight.size, sight.mode, sight.modified, sight.link_target)
        return Found(stat, _rejoined(first, archive))

    async def put(self, call: Call[Any]) -> None:
        """Unpack the archive in the body in the directory of the query, once all of it has come.

        BadRequest: there is no such directory, or it is no archive. TooLarge (only up to 1.24). UnsupportedMedia.
        """
        row = await access.allowed(call, "put_archive")
        path = _path(call)
        try:
            if not (await self._engine.stat(row.id, f"{path.rstrip('/')}/.")).mode & _GO_DIRECTORY:
                raise errors.BadRequest(f"{path} is no directory of the container", field="path")
            archive = await _body(call)
            await self._note(call, row)
            await self._engine.put_archive(row.id, path, archive)
        except errors.Absent as error:
            raise errors.BadRequest(error.sentence, field="path", detail=error.detail) from error
        except errors.Refused as error:
            raise errors.BadRequest(error.sentence, field="data", detail=error.detail) from error

    async def _note(self, call: Call[Any], row: model.Container) -> None:
        async with call.database.write() as transaction:
            await operations.note_action(transaction, call.caller, call.request_id, row, "put_archive")


async def _body(call: Call[Any]) -> AsyncIterator[bytes]:
    """The tar in the body, in whatever form it comes."""
    assert call.stream is not None
    media = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == wire.TAR:
        return call.stream
    if not media.endswith("json") and media not in {"", "text/plain"}:
        raise errors.UnsupportedMedia(f"{media} is not read here; send application/json or {wire.TAR}.")
    if call.version < wire.BASE64_SINCE:
        return _once(await wire.text_archive(call.stream, call.settings.max_archive))
    return wire.base64_archive(call.stream)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


def _path(call: Call[Any]) -> str:
    path = call.query.one("path")
    if not path or len(path.encode()) > _LONGEST:
        raise errors.BadRequest(f"a path of the container is required, of at most {_LONGEST} bytes", field="path")
    return path
