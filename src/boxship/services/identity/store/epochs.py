"""The epoch: a number that every change of the identity service advances, by which what is remembered of it is known to be
stale."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.identity.store import tables

_read = sa.select(tables.epoch.c.value).where(tables.epoch.c.id == 1)


async def epoch(transaction: Transaction) -> int:
    """The number of changes so far."""
    return int(await transaction.scalar(_read) or 0)


async def changed(transaction: Transaction) -> None:
    """Count a change."""
    if not await transaction.execute(tables.epoch.update().values(value=tables.epoch.c.value + 1)):
        await transaction.execute(tables.epoch.insert().values(id=1, value=1))
