"""Attachments in the database: who needs which volume."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.db.holds import Resource
from boxship.core.http import listing
from boxship.services.volume.model import Attachment
from boxship.services.volume.store.tables import attachments, volumes

COLUMNS: listing.Columns = {
    "id": attachments.c.id,
    "volume_id": attachments.c.volume_id,
    "instance_id": attachments.c.holder_id,
    "status": attachments.c.status,
    "attach_status": attachments.c.status,
    "attached_at": attachments.c.attached_at,
}
"""What lists sort and filter by."""


SHOWN = attachments.c.holder_kind != "connection"
"""The condition that an attachment is one to users, not a mere connection."""


async def insert(transaction: Transaction, attachment: Attachment) -> None:
    """Store a new attachment."""
    await transaction.execute(attachments.insert().values(**msgspec.structs.asdict(attachment)))


async def get(transaction: Transaction, id: str) -> Attachment | None:
    """The attachment with this id."""
    row = await transaction.row(sa.select(attachments).where(attachments.c.id == id))
    return Attachment(*tuple(row)) if row else None


async def of(transaction: Transaction, volume_ids: Sequence[str]) -> dict[str, list[Attachment]]:
    """The attachments of several volumes by volume, oldest first."""
    found: dict[str, list[Attachment]] = {}
    select = sa.select(attachments).where(attachments.c.volume_id.in_(volume_ids))
    for row in await transaction.rows(select.order_by(attachments.c.attached_at, attachments.c.id)):
        found.setdefault(row.volume_id, []).append(Attachment(*tuple(row)))
    return found


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Attachment]:
    """One page of the attachments that meet the conditions."""
    select = sa.select(attachments).join(volumes, volumes.c.id == attachments.c.volume_id).where(*conditions)
    rows = await listing.fetch(transaction, select, page, COLUMNS, key=attachments.c.id)
    return [Attachment(*tuple(row)) for row in rows]


async def update(transaction: Transaction, attachment: Attachment) -> None:
    """Store what may change of an attachment."""
    await transaction.execute(
        attachments.update()
        .where(attachments.c.id == attachment.id)
        .values(
            status=attachment.status,
            connector=attachment.connector,
            host_name=attachment.host_name,
            mountpoint=attachment.mountpoint,
            read_only=attachment.read_only,
            attached_at=attachment.attached_at,
        )
    )


async def delete(transaction: Transaction, volume_id: str, holder: Resource) -> bool:
    """Forget the holder's attachment; False where there is none."""
    touched = await transaction.execute(
        attachments.delete().where(
            attachments.c.volume_id == volume_id,
            attachments.c.holder_kind == holder[0],
            attachments.c.holder_id == holder[1],
        )
    )
    return touched > 0
