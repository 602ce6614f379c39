"""Who the engine is, and the host that it runs on. Only reads."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from boxship.core import errors
from boxship.drivers.engine import files, runtime
from boxship.drivers.engine.docker.access import Access
from boxship.drivers.engine.interface import EngineInfo, HostSight


class Hosts(Access):
    """The part of ``interface.Engine`` about the engine itself."""

    _limits_disks: bool | None = None
    """What ``host`` said last, so that not every container that is made asks again."""

    async def info(self) -> EngineInfo:
        shown = await self._docker.json("GET", "/info")
        if runtime.NAME not in shown.get("Runtimes", {}):
            raise errors.Busy(
                "The Docker engine does not know the runtime boxship; `boxship engine register` tells it, "
                "or stop the engine and let `boxship up` start it."
            )
        return EngineInfo("docker", shown["ServerVersion"], shown["NCPU"], shown["MemTotal"], shown["Driver"])

    async def host(self) -> HostSight:
        shown = await self._docker.json("GET", "/info")
        root = Path(shown["DockerRootDir"])
        with files.on_disk():
            disk, free = await asyncio.to_thread(_room, root)
        self._limits_disks = shown["Driver"] == "overlay2" and has_project_quota(root)
        labels = (label.partition("=") for label in shown.get("Labels") or ())
        return HostSight(
            cpus=shown["NCPU"],
            memory=shown["MemTotal"],
            memory_used=max(0, shown["MemTotal"] - _available()),
            disk=disk,
            disk_used=disk - free,
            architecture=shown["Architecture"],
            os=shown["OperatingSystem"],
            os_type=shown["OSType"],
            kernel=shown["KernelVersion"],
            labels={name: value for name, _, value in labels},
            runtimes=("runc",),  # every container goes through our own, which hands over to this one
            disk_quota=self._limits_disks,
        )

    async def _disk_options(self, disk: int | None) -> dict[str, Any]:
        """The part of HostConfig that limits the writable layer to so many bytes; empty where there is no limit."""
        if disk is None:
            return {}
        limited = (await self.host()).disk_quota if self._limits_disks is None else self._limits_disks
        return {"StorageOpt": {"size": str(disk)}} if limited else {}


def _room(root: Path) -> tuple[int, int]:
    """Size of the file system and what is free in it, in bytes (statvfs(3))."""
    found = os.statvfs(root)
    return found.f_blocks * found.f_frsize, found.f_bfree * found.f_frsize


def _available() -> int:
    """Bytes that programs could have without swapping (proc(5), MemAvailable)."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def has_project_quota(root: Path) -> bool:
    """Whether this is on an XFS mounted with project quotas, where overlay2 can limit a writable layer (dockerd(8),
    overlay2.size)."""
    return limits_projects(Path("/proc/self/mountinfo").read_text(), root.stat().st_dev)


def limits_projects(mounts: str, device: int) -> bool:
    """The same, from proc(5)'s mountinfo: field 3 is the device; after the dash come type, source and options."""
    for line in mounts.splitlines():
        place, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if place.split()[2] == f"{os.major(device)}:{os.minor(device)}" and kind == "xfs":
            return bool({"prjquota", "pquota"} & set(options.split(",")))
    return False
