"""Commands in running containers, and the sessions that join them or process 1."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from boxship.core import errors
from boxship.core.db.database import Database
from boxship.core.http.call import Call
from boxship.core.http.websocket import NORMAL, WebSocket
from boxship.drivers.engine.interface import Engine, Stream
from boxship.services.container import model, operations
from boxship.services.container.live import access
from boxship.services.container.operations import sessions
from boxship.services.container.schemas import containers as schemas

PROTOCOLS = ("binary", "base64")
"""Subprotocols of sessions, the better one first; without one the messages are binary."""


class Sessions:
    """Processes of containers on this host's engine."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._engine = engine
        self._database = database

    async def execute(self, call: Call[Any]) -> schemas.ExecuteResult:
        """Run the command of the query and wait for its end, or prepare it for a session.

        ``tty`` is Boxship's own: whether an interactive command gets a terminal; it does by default.
        """
        row = await access.allowed(call, "execute")
        command = schemas.words(call.query.one("command"))
        if not command:
            raise errors.BadRequest("this field is required", field="command")
        interactive = call.query.flag("interactive")
        if call.query.flag("run", default=True) and not interactive:
            result = await self._engine.execute(row.id, tuple(command))
            await self._note(call, row, "exec_cmd")
            return schemas.ExecuteResult(result.output, result.exit_code)
        terminal = call.query.flag("tty", default=interactive)
        exec_id = await self._engine.create_exec(row.id, tuple(command), terminal=terminal)
        token = await self._granted(call, row, "exec_cmd", exec_id)
        url = sessions.url(call.settings, token, row, exec_id)
        return schemas.ExecuteResult(None, None, exec_id=exec_id, proxy_url=url, token=token)

    async def attach(self, call: Call[Any]) -> str:
        """The URL of a session with process 1. NotInteractive: nobody listens to its input."""
        row = await access.allowed(call, "attach")
        access.require_interactive(row)
        token = await self._granted(call, row, "container_attach")
        return sessions.url(call.settings, token, row)

    async def resize(self, call: Call[Any]) -> None:
        """Give the terminal of process 1 the size of the query."""
        row = await access.allowed(call, "resize")
        width, height = _size(call)
        try:
            await self._engine.resize(row.id, width=width, height=height)
        except errors.Refused as error:
            raise errors.BadRequest(error.sentence, field="w", detail=error.detail) from error

    async def resize_exec(self, call: Call[Any]) -> None:
        """Give the terminal of a command the size of the query. BadRequest: there is no such command, or it has ended."""
        row = await access.allowed(call, "execute_resize")
        width, height = _size(call)
        try:
            await self._engine.resize_exec(row.id, call.query.one("exec_id") or "", width=width, height=height)
        except (errors.Absent, errors.Refused) as error:
            raise errors.BadRequest(error.sentence, field="exec_id", detail=error.detail) from error

    async def serve(self, socket: WebSocket) -> None:
        """One session, from the token to the end of the process or of the client."""
        asked = {name: socket.query.one(name) or "" for name in ("token", "uuid", "exec_id")}
        try:
            async with self._database.write() as transaction:
                session = await sessions.redeem(transaction, asked["token"], asked["uuid"], asked["exec_id"])
            stream = await self._joined(session)
        except errors.BoxshipError as error:
            await socket.close(1008, error.sentence)
            return
        try:
            protocol = next((name for name in PROTOCOLS if name in socket.subprotocols), None)
            await socket.accept(protocol)
            await _pump(socket, stream, encoded=protocol == "base64")
            await socket.close(NORMAL, await self._ended(session))
        finally:
            await stream.close()

    async def _joined(self, session: model.Session) -> Stream:
        if session.exec_id:
            return await self._engine.start_exec(session.container_id, session.exec_id)
        return await self._engine.attach(session.container_id)

    async def _ended(self, session: model.Session) -> str:
        """How the process ended, for who reads the reason of the close: ``exit 7``; empty where nobody knows."""
        try:
            if session.exec_id:
                code = await self._engine.exec_code(session.container_id, session.exec_id)
            else:
                sight = await self._engine.sight(session.container_id)
                code = sight.exit_code if sight else None
        except errors.DriverError:
            code = None
        return "" if code is None else f"exit {code}"

    async def _granted(self, call: Call[Any], row: model.Container, action: str, exec_id: str | None = None) -> str:
        async with call.database.write() as transaction:
            await operations.note_action(transaction, call.caller, call.request_id, row, action)
            return await sessions.grant(transaction, call.settings, call.caller, row, exec_id)

    async def _note(self, call: Call[Any], row: model.Container, action: str) -> None:
        async with call.database.write() as transaction:
            await operations.note_action(transaction, call.caller, call.request_id, row, action)


async def _pump(socket: WebSocket, stream: Stream, *, encoded: bool) -> None:
    """Both directions until the process ends. Gone: the client left before."""
    reading = asyncio.create_task(_input(socket, stream, encoded=encoded))
    writing = asyncio.create_task(_output(socket, stream, encoded=encoded))
    try:
        done, _ = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (reading, writing):
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)


async def _output(socket: WebSocket, stream: Stream, *, encoded: bool) -> None:
    rest = b""
    while part := await stream.read():
        whole, rest = split(rest + part)
        if whole:
            await socket.send(base64.b64encode(whole).decode() if encoded else whole)
    if rest:
        await socket.send(base64.b64encode(rest).decode() if encoded else rest)


async def _input(socket: WebSocket, stream: Stream, *, encoded: bool) -> None:
    """What the client sends. An empty message, Boxship's own, is the end of the input."""
    while True:
        message = await socket.receive()
        data = message.encode() if isinstance(message, str) else message
        try:
            data = base64.b64decode(data, validate=True) if encoded else data
        except (binascii.Error, ValueError) as error:
            raise errors.BadRequest("A message was no base64.", field="message") from error
        if data:
            await stream.write(data)
        else:
            await stream.end_input()


def split(data: bytes) -> tuple[bytes, bytes]:
    """Bytes up to the last whole character of UTF-8, and the beginning of one that is cut: clients decode each message
    by itself. What is no UTF-8 is not held back."""
    for length in range(1, min(len(data), 3) + 1):
        first = data[-length]
        if first & 0xC0 == 0x80:
            continue  # inside of a character
        needed = 4 if first >> 3 == 0b11110 else 3 if first >> 4 == 0b1110 else 2 if first >> 5 == 0b110 else 1
        return (data[:-length], data[-length:]) if needed > length else (data, b"")
    return data, b""


def _size(call: Call[Any]) -> tuple[int, int]:
    width, height = (call.query.number(name, least=1, most=65535) for name in ("w", "h"))
    if width is None or height is None:
        raise errors.BadRequest("this field is required", field="w" if width is None else "h")
    return width, height
