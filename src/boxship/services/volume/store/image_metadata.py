"""Metadata of the image that a volume was made from, or that users give a bootable volume in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.services.volume.store.tables import volumes

_table = sa.Table(
    "volume_image_metadata",
    types.metadata,
    sa.Column("volume_id", sa.String(64), sa.ForeignKey("volumes.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


async def of(transaction: Transaction, volume_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The metadata of several volumes by volume; volumes without any are absent."""
    found: dict[str, dict[str, str]] = {}
    for row in await transaction.rows(sa.select(_table).where(_table.c.volume_id.in_(volume_ids))):
        found.setdefault(row.volume_id, {})[row.key] = row.value
    return found


def has(key: str, value: str) -> sa.ColumnElement[bool]:
    """The condition that a volume carries this pair."""
    return sa.exists().where(_table.c.volume_id == volumes.c.id, _table.c.key == key, _table.c.value == value)


async def put(transaction: Transaction, volume_id: str, pairs: Mapping[str, str]) -> None:
    """Set the pairs; others stay."""
    for key, value in pairs.items():
        await drop(transaction, volume_id, key)
        await transaction.execute(_table.insert().values(volume_id=volume_id, key=key, value=value))


async def drop(transaction: Transaction, volume_id: str, key: str) -> bool:
    """Remove one pair; False where there is none."""
    here = sa.and_(_table.c.volume_id == volume_id, _table.c.key == key)
    return await transaction.execute(_table.delete().where(here)) > 0
