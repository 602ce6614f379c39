"""Limits that an admin has set, and what projects use. What is not set has no row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.share.model import TYPE, Part
from boxship.services.share.store.tables import quotas, shares, snapshots

PROJECT = "project"
"""The scope of limits of a project; the id is the project's."""
CLASS = "class"
"""The scope of limits of a quota class; the id is its name."""


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


async def usage(transaction: Transaction, project_id: str, part: Part | None = None) -> dict[str, int]:
    """What a project has, by resource; with ``part`` only what is of that type or user.

    A share that is to be smaller counts with what it still has: it may hold too much, and then it keeps its size.
    """
    shares_of, snapshots_of = [shares.c.project_id == project_id], [snapshots.c.project_id == project_id]
    if part is not None and part.scope == TYPE:
        shares_of.append(shares.c.type_id == part.id)
        snapshots_of.append(snapshots.c.share_id.in_(sa.select(shares.c.id).where(shares.c.type_id == part.id)))
    elif part is not None:
        shares_of.append(shares.c.user_id == part.id)
        snapshots_of.append(snapshots.c.user_id == part.id)
    count, gigabytes = await _sums(transaction, shares, _HELD, shares_of)
    taken, taken_gigabytes = await _sums(transaction, snapshots, snapshots.c.size, snapshots_of)
    return {"shares": count, "gigabytes": gigabytes, "snapshots": taken, "snapshot_gigabytes": taken_gigabytes}


_HELD: sa.ColumnElement[int] = sa.case((shares.c.made_size > shares.c.size, shares.c.made_size), else_=shares.c.size)
"""The GiB of a share, for quotas."""


async def _sums(
    transaction: Transaction,
    table: sa.Table,
    size: sa.ColumnElement[int],
    conditions: Sequence[sa.ColumnElement[bool]],
) -> tuple[int, int]:
    row = await transaction.row(sa.select(sa.func.count(), sa.func.sum(size)).select_from(table).where(*conditions))
    count, total = tuple(row) if row else (0, 0)
    return int(count), int(total or 0)
