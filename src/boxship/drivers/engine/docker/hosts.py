"""Who the engine is, and the host that it runs on. Only reads."""

from __future__ import annotations

from boxship.core import errors
from boxship.drivers.engine import runtime
from boxship.drivers.engine.docker.access import Access
from boxship.drivers.engine.interface import EngineInfo


class Hosts(Access):
    """The part of ``interface.Engine`` about the engine itself."""

    async def info(self) -> EngineInfo:
        shown = await self._docker.json("GET", "/info")
        if runtime.NAME not in shown.get("Runtimes", {}):
            raise errors.Busy(
                "The Docker engine does not know the runtime boxship; `boxship engine register` tells it, "
                "or stop the engine and let `boxship up` start it."
            )
        return EngineInfo("docker", shown["ServerVersion"], shown["NCPU"], shown["MemTotal"], shown["Driver"])
