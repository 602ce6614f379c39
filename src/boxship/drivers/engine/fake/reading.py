"""What containers of the fake engine print and use: a sentence, and next to nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing

from boxship.core import errors
from boxship.drivers.engine.fake import hosts
from boxship.drivers.engine.fake.record import SAYING, Record
from boxship.drivers.engine.interface import EngineState, LogQuery, Processes, Usage

_TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")


class Reading(Record):
    """The part of ``interface.Engine`` that reads from containers."""

    async def logs(self, id: str, query: LogQuery) -> bytes:
        container = self._known(id)
        if container.started_at is None or not query.stdout or query.tail == 0:
            return b""
        stamp = f"{container.started_at.isoformat()} ".encode() if query.timestamps else b""
        return stamp + SAYING

    async def follow(self, id: str, query: LogQuery) -> AsyncIterator[bytes]:
        printed = await self.logs(id, query)
        if printed:
            yield printed
        if not self._runs(id):
            return
        async with aclosing(self.events()) as events:  # type: ignore[type-var]  # it is a generator
            async for event in events:
                if event.id == id and not self._runs(id):
                    return

    def _runs(self, id: str) -> bool:
        container = self._containers.get(id)
        return container is not None and container.state in {EngineState.RUNNING, EngineState.PAUSED}

    async def stats(self, id: str) -> Usage:
        container = self._known(id)
        if not self._runs(id):
            raise errors.Refused("The container is not running.")
        return Usage(
            cpu=0.0,
            memory=1 << 20,
            memory_limit=container.memory or hosts.MEMORY,
            received=0,
            sent=0,
            read=0,
            written=len(SAYING),
            processes=1,
        )

    async def top(self, id: str, arguments: str) -> Processes:
        container = self._known(id)
        if not self._runs(id):
            raise errors.Refused("The container is not running.")
        if not re.fullmatch(r"[\w ,=:%-]*", arguments):
            raise errors.Refused("The engine refuses: these are no arguments of ps.")
        started = container.started_at.strftime("%H:%M") if container.started_at else "-"
        command = " ".join(container.command) or "-"
        return Processes(_TITLES, (("root", "1", "0", "0", started, "?", "00:00:00", command),))
