"""What projects may have of containers, memory, CPUs and disk: the limit set for the project, else that of the class
``default``, else the setting. -1 is no limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boxship.config import Settings
from boxship.core.db.database import Transaction
from boxship.services.container import errors as container_errors
from boxship.services.container.store import containers as containers_store
from boxship.services.container.store import quotas as store

DEFAULT_CLASS = "default"
"""The class whose limits are for every project that has none of its own; Zun knows no others that count."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for in addition; ``memory`` MiB, ``cpu`` cores, ``disk`` GiB."""

    containers: int = 0
    memory: int = 0
    cpu: float = 0
    disk: int = 0


async def check(transaction: Transaction, settings: Settings, project_id: str, demand: Demand) -> None:
    """QuotaExceeded: the project would have more than its limit of something that it asks for more of.

    The transaction is alone in this project from here on, so that many requests at once cannot pass the limit together.
    """
    await transaction.serialise(f"quota:container:{project_id}")
    limit = await limits(transaction, settings, project_id)
    more = {resource: getattr(demand, resource) for resource, most in limit.items() if most >= 0}
    asked = {resource: amount for resource, amount in more.items() if amount > 0}
    used = await usage(transaction, project_id) if asked else {}
    for resource, amount in asked.items():
        if limit[resource] < used[resource] + amount:
            raise container_errors.QuotaExceeded(resource, limit[resource])


async def limits(transaction: Transaction, settings: Settings, project_id: str) -> dict[str, int]:
    """The limits that hold for a project, by resource."""
    return await defaults(transaction, settings) | await store.of_project(transaction, project_id)


async def defaults(transaction: Transaction, settings: Settings) -> dict[str, int]:
    """The limits of a project that has none of its own."""
    return await of_class(transaction, settings, DEFAULT_CLASS)


async def of_class(transaction: Transaction, settings: Settings, name: str) -> dict[str, int]:
    """The limits of a class; where it has none, the settings."""
    configured = {
        "containers": settings.quota_containers,
        "memory": settings.quota_memory,
        "cpu": settings.quota_cpu,
        "disk": settings.quota_disk,
    }
    return configured | await store.of_class(transaction, name)


async def usage(transaction: Transaction, project_id: str) -> dict[str, int | float]:
    """What the containers of a project count as, by resource."""
    containers, memory, cpu, disk = await containers_store.usage(transaction, project_id)
    return {"containers": containers, "memory": memory, "cpu": round(cpu, 6), "disk": disk}


async def set_project(transaction: Transaction, project_id: str, wished: Mapping[str, int]) -> None:
    """Set limits of a project. What it has already stays its own, even where that is more."""
    await transaction.serialise(f"quota:container:{project_id}")
    await store.set_project(transaction, project_id, wished)


async def reset_project(transaction: Transaction, project_id: str) -> None:
    """Take the limits of a project away: the defaults hold again. Repeatable."""
    await store.forget_project(transaction, project_id)


async def set_class(transaction: Transaction, name: str, wished: Mapping[str, int]) -> None:
    """Set limits of a class."""
    await transaction.serialise(f"quota:class:{name}")
    await store.set_class(transaction, name, wished)
