"""Commands in containers of the fake engine: each says that nothing runs, and sessions then repeat what is written."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import msgspec

from boxship.core import errors
from boxship.drivers.engine.fake.record import SAYING, Change, Record, exit_code
from boxship.drivers.engine.interface import ExecResult, Stream


class _Echo:
    """A session whose output is what was written, until its input ends; see ``interface.Stream``."""

    def __init__(self, *, over: bool = False) -> None:
        self._output: asyncio.Queue[bytes] = asyncio.Queue()
        self._output.put_nowait(SAYING)
        self.over = False
        if over:
            self.finish()

    def finish(self) -> None:
        """Nothing comes any more."""
        if not self.over:
            self.over = True
            self._output.put_nowait(b"")

    async def read(self) -> bytes:
        said = await self._output.get()
        if not said:
            self._output.put_nowait(b"")  # the end is read as often as one asks
        return said

    async def write(self, data: bytes) -> None:
        if self.over:
            raise errors.Busy("The session is over.")
        if data:
            self._output.put_nowait(data)

    async def end_input(self) -> None:
        self.finish()

    async def close(self) -> None:
        self.finish()


class _Exec(msgspec.Struct):
    """A command that was prepared in a container, and what became of it."""

    container: str
    code: int | None
    session: _Echo | None = None


class Sessions(Record):
    """The part of ``interface.Engine`` that runs and joins processes. What is joined is in memory only."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._attached: dict[str, set[_Echo]] = {}
        self._execs: dict[str, _Exec] = {}

    def _change(self, change: Change, action: str = "") -> None:
        super()._change(change, action)
        if action not in {"die", "destroy"}:
            return
        for session in self._attached.pop(change.id, set()):
            session.finish()
        for exec_id in [exec_id for exec_id, known in self._execs.items() if known.container == change.id]:
            del self._execs[exec_id]

    async def execute(self, id: str, command: tuple[str, ...]) -> ExecResult:
        self._running(id)
        return ExecResult(SAYING.decode(), exit_code(command) or 0)

    async def attach(self, id: str) -> Stream:
        self._running(id)
        return self._joined(id, _Echo())

    async def resize(self, id: str, *, width: int, height: int) -> None:  # noqa: ARG002 (no terminal has a size here)
        self._running(id)

    async def create_exec(self, id: str, command: tuple[str, ...], *, terminal: bool) -> str:  # noqa: ARG002 (as above)
        self._running(id)
        exec_id = uuid.uuid4().hex * 2
        self._execs[exec_id] = _Exec(id, exit_code(command))
        return exec_id

    async def start_exec(self, id: str, exec_id: str) -> Stream:
        prepared = self._prepared(id, exec_id)
        self._running(id)
        if prepared.session is not None:
            raise errors.Busy("The command was started already.")
        prepared.session = _Echo(over=prepared.code is not None)
        return self._joined(id, prepared.session)

    async def resize_exec(self, id: str, exec_id: str, *, width: int, height: int) -> None:  # noqa: ARG002 (as above)
        self._prepared(id, exec_id)

    async def exec_code(self, id: str, exec_id: str) -> int | None:
        prepared = self._prepared(id, exec_id)
        if prepared.session is None or not prepared.session.over:
            return None
        return prepared.code or 0

    def _joined(self, id: str, session: _Echo) -> Stream:
        """The session, which ends when its container does."""
        open_ = {known for known in self._attached.get(id, set()) if not known.over}
        self._attached[id] = open_ | {session}
        return session

    def _prepared(self, id: str, exec_id: str) -> _Exec:
        self._known(id)
        found = self._execs.get(exec_id)
        if found is None or found.container != id:
            raise errors.Absent("There is no such command in the container.")
        return found
