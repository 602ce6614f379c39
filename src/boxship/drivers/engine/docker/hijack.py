"""Connections to a Docker engine that stop being HTTP: both directions of a session (Docker Engine API, "Hijacking").

A request with ``Upgrade: tcp`` is answered 101, and from then on the socket carries the bytes of the session itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from pathlib import Path

from boxship.core import errors
from boxship.drivers.engine import connection

_SECONDS = 30.0
"""How long the engine may take to begin a session."""
_PIECE = 1 << 16
_HEAD = 1 << 16
"""Bytes of a head, and of a refusal, that are read."""


class Session:
    """See ``interface.Stream``; ``framed``: the output comes in Docker's frames, as there is no terminal."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, framed: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._framed = framed
        self._missing = 0

    async def read(self) -> bytes:
        """The next bytes; the kernel's buffers hold back a container that prints faster than somebody reads."""
        try:
            return await (self._unframed() if self._framed else self._reader.read(_PIECE))
        except (OSError, asyncio.IncompleteReadError):
            return b""

    async def _unframed(self) -> bytes:
        while not self._missing:
            (self._missing,) = struct.unpack(">4xI", await self._reader.readexactly(8))
        part = await self._reader.read(min(self._missing, _PIECE))
        self._missing -= len(part)
        return part

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise errors.Busy("The session is over.", detail=repr(error)) from error

    async def end_input(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def close(self) -> None:
        self._writer.transport.abort()  # input that the process does not read would hold up an orderly end for ever
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def begin(socket: Path, path: str, body: object, *, framed: bool) -> Session:
    """Ask for a session. Missing, Taken, Refused: the engine's answer. Busy: it is away or does not answer in time."""
    writer: asyncio.StreamWriter | None = None
    begun = False
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=_HEAD)
            writer.write(_request(path, body))
            status = await _answered(reader)
            if status != 101:
                raise connection.failure(status, (await reader.read(_HEAD)).decode("utf-8", errors="replace"))
        begun = True
    except TimeoutError as error:
        raise errors.Busy("The Docker engine did not answer in time.") from error
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise errors.Busy("The Docker engine does not answer.", detail=repr(error)) from error
    finally:
        if writer is not None and not begun:
            writer.close()
    return Session(reader, writer, framed=framed)


def _request(path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _answered(reader: asyncio.StreamReader) -> int:
    """The status, with the rest of the head read away."""
    head = await reader.readuntil(b"\r\n\r\n")
    return int(head.split(None, 2)[1])
