"""What a project may have of containers, memory, CPUs and disk, and whether more of it is within that."""

from __future__ import annotations

from dataclasses import dataclass

from boxship.config import Settings
from boxship.core.db.database import Transaction
from boxship.services.container import errors as container_errors
from boxship.services.container.store import containers as store


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for in addition; ``memory`` MiB, ``cpu`` cores, ``disk`` GiB."""

    containers: int = 0
    memory: int = 0
    cpu: float = 0
    disk: int = 0


async def check(transaction: Transaction, settings: Settings, project_id: str, demand: Demand) -> None:
    """QuotaExceeded: the project would have more than its limit of something."""
    await transaction.serialise(f"quota:container:{project_id}")
    containers, memory, cpu, disk = await store.usage(transaction, project_id)
    wanted = {
        "containers": (containers + demand.containers, settings.quota_containers),
        "memory": (memory + demand.memory, settings.quota_memory),
        "cpu": (cpu + demand.cpu, settings.quota_cpu),
        "disk": (disk + demand.disk, settings.quota_disk),
    }
    for resource, (total, limit) in wanted.items():
        if 0 <= limit < total:
            raise container_errors.QuotaExceeded(resource, limit)
