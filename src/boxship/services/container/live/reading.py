"""What a container prints, uses and runs, as the engine says at this moment."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from boxship.core import errors
from boxship.core.http.call import Call, Query
from boxship.drivers.engine.interface import Engine, LogQuery
from boxship.services.container.live import access
from boxship.services.container.schemas import processes

MIB = 1 << 20


class Reading:
    """Logs, figures and processes of containers on this host's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def logs(self, call: Call[Any]) -> str:
        """What the container printed, as text: the newest of it, where it is very much, and nothing where the engine has no
        such container (any more)."""
        row = await access.allowed(call, "logs")
        try:
            return (await self._engine.logs(row.id, _wanted(call.query))).decode("utf-8", errors="replace")
        except errors.Absent:
            return ""

    async def follow(self, call: Call[Any]) -> AsyncIterator[bytes]:
        """The log so far and what comes, until the container ends or the caller goes; nothing where the engine has no such
        container (any more)."""
        row = await access.allowed(call, "logs")
        return _there(self._engine.follow(row.id, _wanted(call.query)))

    async def stats(self, call: Call[Any]) -> dict[str, object]:
        """What it uses now, under Zun's names."""
        row = await access.allowed(call, "stats")
        used = await self._engine.stats(row.id)
        return {
            "CONTAINER": row.name,
            "CPU %": round(used.cpu, 2),
            "MEM USAGE(MiB)": round(used.memory / MIB, 3),
            "MEM LIMIT(MiB)": round(used.memory_limit / MIB, 3),
            "MEM %": round(used.memory / used.memory_limit * 100, 3) if used.memory_limit else 0.0,
            "BLOCK I/O(B)": f"{used.read}/{used.written}",
            "NET I/O(B)": f"{used.received}/{used.sent}",
        }

    async def top(self, call: Call[Any]) -> dict[str, object]:
        """Its processes, as the ps(1) of the host shows them. BadRequest: these options of ps are not offered."""
        row = await access.allowed(call, "top")
        arguments = processes.ps_arguments(call.query.one("ps_args"))
        shown = await self._engine.top(row.id, arguments)
        return {"Titles": shown.titles, "Processes": shown.rows}


async def _there(log: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with contextlib.suppress(errors.Absent):
        async for part in log:
            yield part


def _wanted(query: Query) -> LogQuery:
    return LogQuery(
        stdout=query.flag("stdout", default=True),
        stderr=query.flag("stderr", default=True),
        timestamps=query.flag("timestamps"),
        tail=_tail(query.one("tail")),
        since=_since(query.one("since")),
    )


def _tail(text: str | None) -> int | None:
    if text is None or text in {"all", "None"}:
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise errors.BadRequest(f"{text!r} is neither a number of lines nor 'all'", field="tail")
    return int(text)


def _since(text: str | None) -> float | None:
    """Seconds since the epoch, or Zun's ``YYYY-MM-DD HH:MM:SS,mmm`` in UTC."""
    if text is None or text in {"", "None"}:
        return None
    if re.fullmatch(r"\d{1,12}", text):
        return float(text)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise errors.BadRequest(
            f"{text!r} is neither seconds since the epoch nor YYYY-MM-DD HH:MM:SS,mmm", field="since"
        ) from error
