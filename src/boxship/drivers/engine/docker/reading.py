"""What a container of a Docker engine prints, uses and holds: read through, never kept."""

from __future__ import annotations

from boxship.drivers.engine.docker import access
from boxship.drivers.engine.docker.access import Access
from boxship.drivers.engine.docker.frames import demultiplexed
from boxship.drivers.engine.interface import LogQuery

_LOG_LIMIT = 8 << 20


class Reading(Access):
    """The part of ``interface.Engine`` that reads from containers."""

    async def logs(self, id: str, query: LogQuery) -> bytes:
        shown = await self._inspected(id)
        raw = await self._docker.content(
            "GET",
            f"/containers/{self._name(id)}/logs",
            limit=_LOG_LIMIT,
            seconds=access.GRACE,
            stdout=query.stdout,
            stderr=query.stderr,
            timestamps=query.timestamps,
            tail="all" if query.tail is None else query.tail,
            since=query.since,
        )
        return raw if shown["Config"]["Tty"] else demultiplexed(raw)
