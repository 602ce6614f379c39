"""Which services of which hosts an admin has disabled; a row per service that is."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.share.store.tables import disabled_services as table


class Disabled(msgspec.Struct, frozen=True):
    """A service that takes nothing new. Written by operations."""

    host: str
    binary: str
    reason: str | None
    disabled_at: datetime


async def disabled(transaction: Transaction) -> dict[tuple[str, str], Disabled]:
    """All that are disabled, by host and binary."""
    return {(row.host, row.binary): Disabled(*tuple(row)) for row in await transaction.rows(sa.select(table))}


async def disable(transaction: Transaction, service: Disabled) -> None:
    """Store that a service is disabled, and why, anew."""
    await enable(transaction, service.host, service.binary)
    await transaction.execute(table.insert().values(**msgspec.structs.asdict(service)))


async def enable(transaction: Transaction, host: str, binary: str) -> None:
    """Forget that a service is disabled. Repeatable."""
    await transaction.execute(table.delete().where(table.c.host == host, table.c.binary == binary))
