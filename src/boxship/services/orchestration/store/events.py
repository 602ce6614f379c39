"""Events of stacks in the database."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.orchestration.model import Event, Resource, Stack
from boxship.services.orchestration.store.tables import events

_AT_ONCE = 500

COLUMNS: listing.Columns = {
    "id": events.c.id,
    "event_time": events.c.number,
    "created_at": events.c.number,
    "resource_name": events.c.resource_name,
    "resource_action": events.c.action,
    "resource_status": events.c.status,
    "resource_type": events.c.resource_type,
    "logical_resource_id": events.c.resource_name,
}
"""What lists sort and filter by."""


async def of_stack(transaction: Transaction, stack: Stack) -> None:
    """Tell what the stack does, as an event of its own."""
    event = _event_of(stack, stack, stack.name) | {"resource_type": "OS::Heat::Stack", "physical_id": stack.id}
    await transaction.execute(events.insert().values(event))


async def of_resources(transaction: Transaction, stack: Stack, rows: Sequence[Resource]) -> None:
    """Tell what these resources do."""
    told = [
        _event_of(stack, row, row.name)
        | {"resource_type": row.type, "physical_id": row.physical_id, "properties": row.properties}
        for row in rows
    ]
    for start in range(0, len(told), _AT_ONCE):
        await transaction.execute(events.insert().values(told[start : start + _AT_ONCE]))


def _event_of(stack: Stack, subject: Stack | Resource, name: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "stack_id": stack.id,
        "root_id": stack.root_id,
        "resource_name": name,
        "action": subject.action,
        "status": subject.status,
        "reason": subject.reason,
        "properties": {},
        "created_at": clock.now(),
    }


def of(stack_id: str) -> sa.ColumnElement[bool]:
    """The condition that an event is this stack's."""
    return events.c.stack_id == stack_id


def below(root_id: str) -> sa.ColumnElement[bool]:
    """The condition that an event is of this stack or of one nested in it."""
    return events.c.root_id == root_id


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Event]:
    """One page of the events that meet the conditions."""
    rows = await listing.fetch(transaction, sa.select(events).where(*conditions), page, COLUMNS, key=events.c.id)
    return [_event(row) for row in rows]


async def get(transaction: Transaction, stack_id: str, id: str) -> Event | None:
    """One event of a stack."""
    row = await transaction.row(sa.select(events).where(events.c.stack_id == stack_id, events.c.id == id))
    return _event(row) if row else None


async def prune(transaction: Transaction, stack_id: str, most: int) -> None:
    """Forget the oldest events of a stack beyond so many."""
    kept = sa.select(events.c.number).where(events.c.stack_id == stack_id).order_by(events.c.number.desc())
    last = await transaction.scalar(kept.offset(most).limit(1))
    if last is not None:
        await transaction.execute(events.delete().where(events.c.stack_id == stack_id, events.c.number <= last))


def _event(row: sa.Row[Any]) -> Event:
    return Event(*tuple(row))
