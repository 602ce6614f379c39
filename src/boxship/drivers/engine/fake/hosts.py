"""The host that the fake engine claims: so large that nothing is ever refused for want of room."""

from __future__ import annotations

import platform

from boxship.drivers.engine.fake.record import Record
from boxship.drivers.engine.interface import EngineInfo, HostSight

CPUS, MEMORY, DISK = 1000, 1 << 40, 100 << 40


class Hosts(Record):
    """The part of ``interface.Engine`` about the engine itself."""

    async def info(self) -> EngineInfo:
        return EngineInfo("fake", "1", cpus=CPUS, memory=MEMORY)

    async def host(self) -> HostSight:
        return HostSight(
            cpus=CPUS,
            memory=MEMORY,
            memory_used=0,
            disk=DISK,
            disk_used=0,
            architecture=platform.machine(),
            os="the fake engine of Boxship",
            os_type="linux",
            kernel=platform.release(),
            labels={},
            runtimes=("runc",),
            disk_quota=True,
        )
