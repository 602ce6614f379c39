"""Snapshots of stacks in the database."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.orchestration.model import Snapshot
from boxship.services.orchestration.store.tables import snapshots


async def insert(transaction: Transaction, snapshot: Snapshot) -> None:
    """Store a new snapshot."""
    await transaction.execute(snapshots.insert().values(**msgspec.structs.asdict(snapshot)))


async def get(transaction: Transaction, stack_id: str, id: str) -> Snapshot | None:
    """A snapshot of a stack."""
    row = await transaction.row(sa.select(snapshots).where(snapshots.c.id == id, snapshots.c.stack_id == stack_id))
    return _snapshot(row) if row else None


async def of(transaction: Transaction, stack_id: str) -> list[Snapshot]:
    """All snapshots of a stack, oldest first."""
    select = sa.select(snapshots).where(snapshots.c.stack_id == stack_id)
    rows = await transaction.rows(select.order_by(snapshots.c.created_at, snapshots.c.id))
    return [_snapshot(row) for row in rows]


async def update(transaction: Transaction, id: str, **changes: Any) -> None:
    """Store the changed columns."""
    await transaction.execute(snapshots.update().where(snapshots.c.id == id).values(**changes))


async def delete(transaction: Transaction, id: str) -> None:
    """Forget a snapshot."""
    await transaction.execute(snapshots.delete().where(snapshots.c.id == id))


def _snapshot(row: sa.Row[Any]) -> Snapshot:
    return Snapshot(*tuple(row))
