"""Quotas of projects: what they may have, what they have, and an admin's changes. Whether one more fits is ``access``'s."""

from __future__ import annotations

from collections.abc import Mapping

from boxship.config import Settings
from boxship.core.db.database import Transaction
from boxship.services.network import errors
from boxship.services.network.operations import access
from boxship.services.network.schemas import quotas as wire
from boxship.services.network.store import limits as store


def defaults(settings: Settings) -> dict[str, int]:
    """What a project may have of which nobody said anything else, by resource; -1: any number."""
    return {resource: access.default_limit(settings, resource) for resource in access.QUOTAS}


async def limits(transaction: Transaction, settings: Settings, project_id: str) -> dict[str, int]:
    """What the project may have, by resource."""
    return _laid_over(settings, await store.of(transaction, project_id))


def _laid_over(settings: Settings, own: Mapping[str, int]) -> dict[str, int]:
    return {resource: own.get(resource, most) for resource, most in defaults(settings).items()}


async def all_limits(transaction: Transaction, settings: Settings) -> dict[str, dict[str, int]]:
    """What every project may have that has limits of its own."""
    return {project_id: _laid_over(settings, own) for project_id, own in (await store.of_all(transaction)).items()}


async def details(transaction: Transaction, settings: Settings, project_id: str) -> dict[str, tuple[int, int]]:
    """What the project may have and what it has, by resource."""
    had = await store.used(transaction, project_id, _tables())
    return {
        resource: (most, had[resource]) for resource, most in (await limits(transaction, settings, project_id)).items()
    }


def _tables() -> dict[str, access.Table]:
    return {resource: table for resource, (_, table) in access.QUOTAS.items()}


async def update(
    transaction: Transaction, settings: Settings, project_id: str, wish: wire.QuotaUpdate
) -> dict[str, int]:
    """Set limits of the project; all its limits. QuotaBelowUse: it has more than it would be allowed, and no force."""
    await access.lock(transaction, project_id)
    asked = wish.limits()
    if wish.force is not True:
        had = await store.used(transaction, project_id, _tables())
        for resource, most in asked.items():
            if 0 <= most < had[resource]:
                raise errors.QuotaBelowUse(resource, most, had[resource])
    await store.put(transaction, project_id, asked)
    return await limits(transaction, settings, project_id)


async def reset(transaction: Transaction, project_id: str) -> None:
    """Let the settings say again what the project may have. TenantQuotaNotFound: they do."""
    if not await store.drop(transaction, project_id):
        raise errors.TenantQuotaNotFound(project_id)
