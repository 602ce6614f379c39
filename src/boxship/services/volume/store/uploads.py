"""Uploads in the database: images that are being made of volumes."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from boxship.core import hosts
from boxship.core.db.database import Transaction
from boxship.services.volume.model import Upload
from boxship.services.volume.store.tables import uploads


async def insert(transaction: Transaction, upload: Upload) -> None:
    """Store a new upload."""
    await transaction.execute(uploads.insert().values(**msgspec.structs.asdict(upload)))


async def get(transaction: Transaction, id: str) -> Upload | None:
    """The upload to this image."""
    row = await transaction.row(sa.select(uploads).where(uploads.c.id == id))
    return Upload(*tuple(row)) if row else None


async def fail(transaction: Transaction, id: str, reason: str) -> None:
    """Note why it cannot be done."""
    await transaction.execute(uploads.update().where(uploads.c.id == id).values(fault=reason))


async def forget(transaction: Transaction, id: str) -> None:
    """It is done, or given up."""
    await transaction.execute(uploads.delete().where(uploads.c.id == id))


async def ids(transaction: Transaction, only: str | None) -> list[str]:
    """The ids of all uploads of this host (None: of all)."""
    select = sa.select(uploads.c.id).where(*hosts.placed(uploads.c.host, only))
    return [row.id for row in await transaction.rows(select)]
