"""Messages in the database: what failed, why, and until when that is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing

messages = sa.Table(
    "volume_messages",
    types.metadata,
    types.identifier(),
    types.reference("project_id", nullable=False),
    sa.Column("request_id", sa.String(255)),
    sa.Column("resource_type", sa.String(32), nullable=False),
    types.reference("resource_id", nullable=False),
    sa.Column("action", sa.String(8), nullable=False),
    sa.Column("detail", sa.String(8), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("level", sa.String(16), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("expires_at", types.Moment, nullable=False),
    sa.Index("ix_volume_messages_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_volume_messages_resource", "resource_id"),
    sa.Index("ix_volume_messages_expires", "expires_at"),
)

EVENT = (sa.literal("VOLUME_") + messages.c.resource_type + "_" + messages.c.action + "_" + messages.c.detail).label(
    "event_id"
)
"""What Cinder names an event: resource, action and detail in a row."""

COLUMNS: listing.Columns = {
    "id": messages.c.id,
    "resource_type": messages.c.resource_type,
    "resource_uuid": messages.c.resource_id,
    "message_level": messages.c.level,
    "request_id": messages.c.request_id,
    "event_id": EVENT,
    "created_at": messages.c.created_at,
    "guaranteed_until": messages.c.expires_at,
}
"""What lists sort and filter by."""


class Message(msgspec.Struct, frozen=True):
    """Why something failed. Written once by operations and reconcilers; ``action`` and ``detail`` are Cinder's numbers."""

    id: str
    project_id: str
    request_id: str | None
    resource_type: str
    resource_id: str
    action: str
    detail: str
    reason: str
    level: str
    created_at: datetime
    expires_at: datetime


async def insert(transaction: Transaction, message: Message) -> None:
    """Store a new message."""
    await transaction.execute(messages.insert().values(**msgspec.structs.asdict(message)))


async def get(transaction: Transaction, id: str) -> Message | None:
    """The message with this id."""
    row = await transaction.row(sa.select(messages).where(messages.c.id == id))
    return Message(*tuple(row)) if row else None


async def last(transaction: Transaction, resource_id: str) -> Message | None:
    """The newest message about a resource."""
    select = sa.select(messages).where(messages.c.resource_id == resource_id)
    row = await transaction.row(select.order_by(messages.c.created_at.desc(), messages.c.id).limit(1))
    return Message(*tuple(row)) if row else None


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a message is for this project."""
    return messages.c.project_id == project_id


def lasting(moment: datetime) -> sa.ColumnElement[bool]:
    """The condition that a message is still to be told at that moment."""
    return messages.c.expires_at > moment


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Message]:
    """One page of the messages that meet the conditions."""
    select = sa.select(messages).where(*conditions)
    rows = await listing.fetch(transaction, select, page, COLUMNS, key=messages.c.id)
    return [Message(*tuple(row)) for row in rows]


async def delete(transaction: Transaction, id: str) -> None:
    """Forget the message."""
    await transaction.execute(messages.delete().where(messages.c.id == id))


async def delete_expired(transaction: Transaction, moment: datetime) -> None:
    """Forget what is past its time."""
    await transaction.execute(messages.delete().where(messages.c.expires_at <= moment))
