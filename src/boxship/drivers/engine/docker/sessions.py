"""Commands in containers of a Docker engine, and joining their terminals and standard streams."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Any

from boxship.core import errors
from boxship.drivers.engine.connection import Missing
from boxship.drivers.engine.docker import hijack
from boxship.drivers.engine.docker.access import Access, named, running
from boxship.drivers.engine.interface import ExecResult, Stream

_OUTPUT_LIMIT = 1 << 20
_EXEC_SECONDS = 300.0


class Sessions(Access):
    """The part of ``interface.Engine`` that runs and joins processes."""

    async def execute(self, id: str, command: tuple[str, ...]) -> ExecResult:
        with named(id), running():
            exec_id = await self._prepared(id, command, {})
        try:
            async with asyncio.timeout(_EXEC_SECONDS):
                output = await _kept(await self._begun(exec_id, framed=True))
        except TimeoutError as error:
            raise errors.Busy(f"The command did not end within {_EXEC_SECONDS:g} s; it goes on.") from error
        shown = await self._docker.json("GET", f"/exec/{exec_id}/json")
        code = shown["ExitCode"]
        return ExecResult(output.decode("utf-8", errors="replace"), -1 if code is None else code)

    async def attach(self, id: str) -> Stream:
        shown = await self._inspected(id)
        if not shown["State"]["Running"]:
            raise errors.Refused("The container is not running.")
        path = f"/containers/{self._name(id)}/attach?stream=1&stdin=1&stdout=1&stderr=1"
        with named(id), running():
            return await hijack.begin(
                self._socket, await self._docker.versioned(path), {}, framed=not shown["Config"]["Tty"]
            )

    async def resize(self, id: str, *, width: int, height: int) -> None:
        with named(id), running():
            await self._docker.json("POST", f"/containers/{self._name(id)}/resize", w=width, h=height)

    async def create_exec(self, id: str, command: tuple[str, ...], *, terminal: bool) -> str:
        with named(id), running():
            return await self._prepared(id, command, {"AttachStdin": True, "Tty": terminal})

    async def _prepared(self, id: str, command: tuple[str, ...], more: dict[str, Any]) -> str:
        body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command), **more}
        made = await self._docker.json("POST", f"/containers/{self._name(id)}/exec", body)
        return str(made["Id"])

    async def start_exec(self, id: str, exec_id: str) -> Stream:
        shown = await self._own(id, exec_id)
        if shown["Running"] or shown["ExitCode"] is not None:
            raise errors.Busy("The command was started already.")
        with running():
            return await self._begun(exec_id, framed=not shown["ProcessConfig"]["tty"])

    async def _begun(self, exec_id: str, *, framed: bool) -> Stream:
        path = await self._docker.versioned(f"/exec/{exec_id}/start")
        return await hijack.begin(self._socket, path, {"Detach": False, "Tty": not framed}, framed=framed)

    async def resize_exec(self, id: str, exec_id: str, *, width: int, height: int) -> None:
        await self._own(id, exec_id)
        with _prepared_here():
            await self._docker.json("POST", f"/exec/{exec_id}/resize", w=width, h=height)

    async def exec_code(self, id: str, exec_id: str) -> int | None:
        shown = await self._own(id, exec_id)
        code: int | None = shown["ExitCode"]
        return None if shown["Running"] else code

    async def _own(self, id: str, exec_id: str) -> dict[str, Any]:
        """The command, if it was prepared in this container: nobody reaches one of somebody else's by its id."""
        container = await self._inspected(id)
        if not _EXEC_ID.fullmatch(exec_id):
            raise errors.Absent(_NO_EXEC)
        with _prepared_here():
            shown: dict[str, Any] = await self._docker.json("GET", f"/exec/{exec_id}/json")
        if shown["ContainerID"] != container["Id"]:
            raise errors.Absent(_NO_EXEC)
        return shown


_EXEC_ID = re.compile("[0-9a-f]{64}")
_NO_EXEC = "There is no such command in the container."


@contextlib.contextmanager
def _prepared_here() -> Iterator[None]:
    """Say that the engine does not know the command."""
    try:
        yield
    except Missing as error:
        raise errors.Absent(_NO_EXEC, detail=error.sentence) from error


async def _kept(stream: Stream) -> bytes:
    """The beginning of the output, and the rest read away, so that the command can end as it would."""
    parts, size = [], 0
    try:
        await stream.end_input()
        while part := await stream.read():
            parts.append(part[: _OUTPUT_LIMIT - size])
            size += len(parts[-1])
    finally:
        await stream.close()
    return b"".join(parts)
