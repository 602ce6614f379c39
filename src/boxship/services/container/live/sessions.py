"""Commands in running containers, and the sessions that join them or process 1."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import Iterator
from typing import Any

from boxship.config import Settings
from boxship.core import errors
from boxship.core.db.database import Database
from boxship.core.http import websocket
from boxship.core.http.call import Call
from boxship.core.http.websocket import WebSocket
from boxship.drivers.engine.interface import Engine, EngineState, Stream
from boxship.services.container import errors as container_errors
from boxship.services.container import model, operations
from boxship.services.container.live import access, carrying
from boxship.services.container.operations import sessions
from boxship.services.container.schemas import containers as schemas

_ENDING, _PAUSE = 2.0, 0.02
"""Seconds that the engine may take to notice the end of a process whose output has ended, and between two looks."""


class Sessions:
    """Processes of containers on this host's engine."""

    def __init__(self, engine: Engine, database: Database, settings: Settings) -> None:
        self._engine = engine
        self._database = database
        self._settings = settings
        self._open: collections.Counter[str] = collections.Counter()

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
        """One session, from the token to the end of the process or of the client.

        SessionClosed: the token is not good (any more). TooManyOpen: for this user. DriverError: the engine cannot join it.
        """
        asked = (socket.query.one(name) or "" for name in ("token", "uuid", "exec_id"))
        async with self._database.write() as transaction:
            session = await sessions.redeem(transaction, *asked)
        if session is None:
            raise container_errors.SessionClosed
        with self._counted(session.user_id):
            stream = await self._joined(session)
            try:
                await socket.accept()
                await self._carried(socket, stream, session)
            finally:
                await stream.close()

    async def _carried(self, socket: WebSocket, stream: Stream, session: model.Session) -> None:
        idle = self._settings.session_idle
        try:
            await carrying.carry(socket, stream, idle)
        except carrying.Idle:
            await socket.close(websocket.POLICY, f"Nothing moved for {idle:g} s; what runs there runs on.")
        else:
            await socket.close(websocket.NORMAL, await self._ended(session))

    @contextlib.contextmanager
    def _counted(self, user_id: str) -> Iterator[None]:
        most = self._settings.max_sessions
        if self._open[user_id] >= most:
            raise container_errors.TooManyOpen(most)
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            self._open += collections.Counter()  # forgets who has none

    async def _joined(self, session: model.Session) -> Stream:
        if session.exec_id:
            return await self._engine.start_exec(session.container_id, session.exec_id)
        return await self._engine.attach(session.container_id)

    async def _ended(self, session: model.Session) -> str:
        """How the process ended, for who reads the reason of the close: ``exit 7``; empty where nobody knows."""
        try:
            async with asyncio.timeout(_ENDING):
                while (code := await self._code(session)) is None:
                    await asyncio.sleep(_PAUSE)
        except (errors.DriverError, TimeoutError):
            return ""
        return f"exit {code}"

    async def _code(self, session: model.Session) -> int | None:
        """The exit code; None while the engine has not noticed the end, or has started it again."""
        if session.exec_id:
            return await self._engine.exec_code(session.container_id, session.exec_id)
        sight = await self._engine.sight(session.container_id)
        return sight.exit_code if sight and sight.state is EngineState.EXITED else None

    async def _granted(self, call: Call[Any], row: model.Container, action: str, exec_id: str | None = None) -> str:
        async with call.database.write() as transaction:
            await operations.note_action(transaction, call.caller, call.request_id, row, action)
            return await sessions.grant(transaction, call.settings, call.caller, row, exec_id)

    async def _note(self, call: Call[Any], row: model.Container, action: str) -> None:
        async with call.database.write() as transaction:
            await operations.note_action(transaction, call.caller, call.request_id, row, action)


def _size(call: Call[Any]) -> tuple[int, int]:
    width, height = (call.query.number(name, least=1, most=65535) for name in ("w", "h"))
    if width is None or height is None:
        raise errors.BadRequest("this field is required", field="w" if width is None else "h")
    return width, height
