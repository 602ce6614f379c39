"""What single projects may have, and how much of it they have."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.network.store import tables

_limits = tables.limits


async def of(transaction: Transaction, project_id: str) -> dict[str, int]:
    """The project's own limits by resource."""
    select = sa.select(_limits.c.resource, _limits.c.most).where(_limits.c.project_id == project_id)
    return {row.resource: row.most for row in await transaction.rows(select)}


async def of_all(transaction: Transaction) -> dict[str, dict[str, int]]:
    """The own limits of every project that has any."""
    found: dict[str, dict[str, int]] = {}
    select = sa.select(_limits).order_by(_limits.c.project_id, _limits.c.resource)
    for row in await transaction.rows(select):
        found.setdefault(row.project_id, {})[row.resource] = row.most
    return found


async def room(
    transaction: Transaction, project_id: str, resource: str, table: sa.Table, default: int
) -> tuple[int, int]:
    """How many of a resource the project may have, and how many it has (0 where any number is allowed: not counted)."""
    own = sa.select(_limits.c.most).where(_limits.c.project_id == project_id, _limits.c.resource == resource)
    most = sa.func.coalesce(own.scalar_subquery(), default)
    count = sa.select(sa.func.count()).select_from(table).where(table.c.project_id == project_id).scalar_subquery()
    row = await transaction.row(sa.select(most.label("most"), sa.case((most < 0, 0), else_=count).label("used")))
    return (row.most, row.used) if row is not None else (default, 0)


async def used(transaction: Transaction, project_id: str, tables: Mapping[str, sa.Table]) -> dict[str, int]:
    """How many rows the project has in each table, by the table's key: one query."""
    counts = [
        sa.select(sa.func.count()).select_from(table).where(table.c.project_id == project_id).scalar_subquery()
        for table in tables.values()
    ]
    row = await transaction.row(sa.select(*counts))
    return dict(zip(tables, row or (), strict=True))


async def put(transaction: Transaction, project_id: str, limits: Mapping[str, int]) -> None:
    """Set these limits of the project; the others stay."""
    mine = _limits.c.project_id == project_id
    await transaction.execute(_limits.delete().where(mine, _limits.c.resource.in_(list(limits))))
    for resource, most in limits.items():
        await transaction.execute(_limits.insert().values(project_id=project_id, resource=resource, most=most))


async def drop(transaction: Transaction, project_id: str) -> bool:
    """Forget the project's own limits; False: it had none."""
    return await transaction.execute(_limits.delete().where(_limits.c.project_id == project_id)) > 0
