"""Commands in containers of a Docker engine, and joining their terminals and standard streams."""

from __future__ import annotations

import asyncio

from boxship.core import errors
from boxship.drivers.engine.docker.access import Access, named, running
from boxship.drivers.engine.docker.frames import demultiplexed
from boxship.drivers.engine.interface import ExecResult

_OUTPUT_LIMIT = 1 << 20
_EXEC_SECONDS = 300.0


class Sessions(Access):
    """The part of ``interface.Engine`` that runs and joins processes."""

    async def execute(self, id: str, command: tuple[str, ...]) -> ExecResult:
        body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command)}
        with named(id), running():
            made = await self._docker.json("POST", f"/containers/{self._name(id)}/exec", body)
        start = f"/exec/{made['Id']}/start"
        started = self._docker.content("POST", start, {"Detach": False}, limit=_OUTPUT_LIMIT, seconds=_EXEC_SECONDS + 1)
        try:
            raw = await asyncio.wait_for(started, _EXEC_SECONDS)
        except TimeoutError as error:
            raise errors.Busy(f"The command did not end within {_EXEC_SECONDS:g} s; it goes on.") from error
        shown = await self._docker.json("GET", f"/exec/{made['Id']}/json")
        output = demultiplexed(raw).decode("utf-8", errors="replace")
        return ExecResult(output, -1 if shown["ExitCode"] is None else shown["ExitCode"])
