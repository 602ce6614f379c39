"""Messages in the database: what failed, why, and until when that is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.share.store.tables import messages

COLUMNS: listing.Columns = {
    "id": messages.c.id,
    "resource_type": messages.c.resource_type,
    "resource_id": messages.c.resource_id,
    "action_id": messages.c.action,
    "detail_id": messages.c.detail,
    "message_level": messages.c.level,
    "request_id": messages.c.request_id,
    "created_at": messages.c.created_at,
    "expires_at": messages.c.expires_at,
}
"""What lists sort and filter by."""


class Message(msgspec.Struct, frozen=True):
    """Why something failed. Written once by operations and reconcilers; ``action`` and ``detail`` are Manila's numbers."""

    id: str
    project_id: str
    request_id: str
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
    """The message."""
    row = await transaction.row(sa.select(messages).where(messages.c.id == id))
    return Message(*tuple(row)) if row else None


async def last(transaction: Transaction, resource_id: str) -> Message | None:
    """The newest message about a resource."""
    select = sa.select(messages).where(messages.c.resource_id == resource_id)
    row = await transaction.row(select.order_by(messages.c.created_at.desc(), messages.c.id).limit(1))
    return Message(*tuple(row)) if row else None


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Message]:
    """One page of the messages that meet the conditions."""
    rows = await listing.fetch(transaction, sa.select(messages).where(*conditions), page, COLUMNS, key=messages.c.id)
    return [Message(*tuple(row)) for row in rows]


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a message is for this project."""
    return messages.c.project_id == project_id


def lasting(now: datetime) -> sa.ColumnElement[bool]:
    """The condition that it is still told."""
    return messages.c.expires_at > now


def since(moment: datetime) -> sa.ColumnElement[bool]:
    """The condition that it was written then or later."""
    return messages.c.created_at >= moment


def before(moment: datetime) -> sa.ColumnElement[bool]:
    """The condition that it was written then or earlier."""
    return messages.c.created_at <= moment


async def delete(transaction: Transaction, id: str) -> None:
    """Forget the message."""
    await transaction.execute(messages.delete().where(messages.c.id == id))


async def delete_expired(transaction: Transaction, now: datetime) -> None:
    """Forget what is no longer told."""
    await transaction.execute(messages.delete().where(messages.c.expires_at <= now))
