"""Limits that an admin has set, and what projects use. What is not set has no row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.share.store.tables import quotas, shares, snapshots

PROJECT = "project"
"""The scope of limits of a project; the id is the project's."""
CLASS = "class"
"""The scope of limits of a quota class; the id is its name."""
TYPE = "type"
"""The scope of limits of a share type in a project; the id is ``project/type``."""


async def of(transaction: Transaction, scope: str, scope_id: str) -> dict[str, int]:
    """The limits that are set there, by resource."""
    rows = await transaction.rows(
        sa.select(quotas.c.resource, quotas.c.hard_limit).where(quotas.c.scope == scope, quotas.c.scope_id == scope_id)
    )
    return {row.resource: row.hard_limit for row in rows}


async def put(transaction: Transaction, scope: str, scope_id: str, limits: Mapping[str, int]) -> None:
    """Write these limits; others stay."""
    here = sa.and_(quotas.c.scope == scope, quotas.c.scope_id == scope_id, quotas.c.resource.in_(list(limits)))
    await transaction.execute(quotas.delete().where(here))
    for resource, limit in limits.items():
        await transaction.execute(
            quotas.insert().values(scope=scope, scope_id=scope_id, resource=resource, hard_limit=limit)
        )


async def forget(transaction: Transaction, scope: str, scope_id: str) -> None:
    """Remove all limits that are set there."""
    await transaction.execute(quotas.delete().where(quotas.c.scope == scope, quotas.c.scope_id == scope_id))


async def usage(transaction: Transaction, project_id: str, type_id: str | None = None) -> dict[str, int]:
    """What a project has, by resource; with ``type_id`` of that type only."""
    typed = [] if type_id is None else [shares.c.type_id == type_id]
    count, gigabytes = await _sums(
        transaction,
        sa.select(sa.func.count(), sa.func.sum(shares.c.size)).where(shares.c.project_id == project_id, *typed),
    )
    taken = sa.select(sa.func.count(), sa.func.sum(snapshots.c.size)).where(snapshots.c.project_id == project_id)
    if typed:
        taken = taken.join(shares, shares.c.id == snapshots.c.share_id).where(*typed)
    number, taken_gigabytes = await _sums(transaction, taken)
    return {
        "shares": count,
        "gigabytes": gigabytes,
        "snapshots": number,
        "snapshot_gigabytes": taken_gigabytes,
    }


async def _sums(transaction: Transaction, select: sa.Select[int, Any]) -> tuple[int, int]:
    row = await transaction.row(select)
    count, total = tuple(row) if row else (0, 0)
    return int(count), int(total or 0)
