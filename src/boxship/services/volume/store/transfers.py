"""Transfers in the database: which volume is offered to whoever has the key. The key itself is not kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing

transfers = sa.Table(
    "volume_transfers",
    types.metadata,
    types.identifier(),
    sa.Column("volume_id", sa.String(64), sa.ForeignKey("volumes.id", ondelete="CASCADE"), nullable=False, unique=True),
    types.reference("project_id", nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("salt", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("no_snapshots", sa.Boolean, nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Index("ix_volume_transfers_project_created", "project_id", "created_at", "id"),
)

COLUMNS: listing.Columns = {
    "id": transfers.c.id,
    "name": transfers.c.name,
    "volume_id": transfers.c.volume_id,
    "created_at": transfers.c.created_at,
}
"""What lists sort and filter by."""


class Transfer(msgspec.Struct, frozen=True):
    """An offer. Written once by operations; ``digest`` is of salt and key, ``project_id`` whose volume it is."""

    id: str
    volume_id: str
    project_id: str
    name: str | None
    salt: str
    digest: str
    no_snapshots: bool
    created_at: datetime


async def insert(transaction: Transaction, transfer: Transfer) -> None:
    """Store a new transfer."""
    await transaction.execute(transfers.insert().values(**msgspec.structs.asdict(transfer)))


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Transfer | None:
    """The transfer with this id; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(transfers).where(transfers.c.id == id)
    row = await transaction.row(select.with_for_update() if lock else select)
    return Transfer(*tuple(row)) if row else None


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a transfer is this project's."""
    return transfers.c.project_id == project_id


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Transfer]:
    """One page of the transfers that meet the conditions."""
    select = sa.select(transfers).where(*conditions)
    rows = await listing.fetch(transaction, select, page, COLUMNS, key=transfers.c.id)
    return [Transfer(*tuple(row)) for row in rows]


async def delete(transaction: Transaction, id: str) -> bool:
    """Forget the transfer; False where there is none."""
    return await transaction.execute(transfers.delete().where(transfers.c.id == id)) > 0
