"""The resources of stacks in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.orchestration.model import Resource
from boxship.services.orchestration.store.tables import resources

_AT_ONCE = 500


async def of(transaction: Transaction, stack_ids: Sequence[str]) -> list[Resource]:
    """The resources of these stacks, oldest first, those that are replaced included."""
    select = sa.select(resources).where(resources.c.stack_id.in_(stack_ids))
    rows = await transaction.rows(select.order_by(resources.c.created_at, resources.c.name))
    return [_resource(row) for row in rows]


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Resource | None:
    """One resource; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(resources).where(resources.c.id == id)
    row = await transaction.row(select.with_for_update() if lock else select)
    return _resource(row) if row else None


async def named(transaction: Transaction, stack_id: str, name: str, *, lock: bool = False) -> Resource | None:
    """The row that stands for a name."""
    here = sa.and_(resources.c.stack_id == stack_id, resources.c.name == name, resources.c.replaced_by.is_(None))
    select = sa.select(resources).where(here).order_by(resources.c.created_at.desc())
    row = await transaction.row(select.with_for_update() if lock else select)
    return _resource(row) if row else None


async def made(transaction: Transaction, physical_id: str) -> Resource | None:
    """The resource that made something of this id."""
    here = sa.and_(resources.c.physical_id == physical_id, resources.c.replaced_by.is_(None))
    row = await transaction.row(sa.select(resources).where(here))
    return _resource(row) if row else None


async def insert(transaction: Transaction, rows: Sequence[Resource]) -> None:
    """Store new resources."""
    for start in range(0, len(rows), _AT_ONCE):
        part = [msgspec.structs.asdict(row) for row in rows[start : start + _AT_ONCE]]
        await transaction.execute(resources.insert().values(part))


async def update(transaction: Transaction, row: Resource, **changes: Any) -> Resource:
    """Store the changed columns of one resource."""
    await transaction.execute(resources.update().where(resources.c.id == row.id).values(**changes))
    return msgspec.structs.replace(row, **changes)


async def delete(transaction: Transaction, ids: Sequence[str]) -> None:
    """Forget resources."""
    for start in range(0, len(ids), _AT_ONCE):
        await transaction.execute(resources.delete().where(resources.c.id.in_(ids[start : start + _AT_ONCE])))


async def count(transaction: Transaction, stack_ids: Sequence[str]) -> int:
    """How many resources the stacks have."""
    here = resources.c.stack_id.in_(stack_ids)
    return int(await transaction.scalar(sa.select(sa.func.count()).select_from(resources).where(here)))


def _resource(row: sa.Row[Any]) -> Resource:
    return Resource(*tuple(row))
