"""The rows of container actions: what was asked of a container, by whom, when, and what came of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.services.container import model

_table = sa.Table(
    "container_actions",
    types.metadata,
    types.identifier(),
    sa.Column("container_id", sa.String(64), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("started_at", types.Moment, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("finished_at", types.Moment),
    sa.Column("message", sa.Text),
    sa.Column("events", types.Json(list[model.Event]), nullable=False),
)
sa.Index("ix_container_actions_container", _table.c.container_id, _table.c.started_at)
_columns = _table.c

KEPT = 100
"""Actions that are kept of a container, and events of an action: a loop of starts and stops must not fill the database."""


async def insert(transaction: Transaction, action: model.Action) -> None:
    """Store what was asked."""
    await transaction.execute(
        _table.insert().values({column.name: getattr(action, column.name) for column in _columns})
    )
    if action.finished_at is not None:  # nothing has to be made real, so nobody comes by to tidy up
        await _forget_old(transaction, action.container_id)


async def all_of(transaction: Transaction, container_id: str) -> list[model.Action]:
    """The actions of a container, the newest first."""
    query = sa.select(_table).where(_columns.container_id == container_id)
    rows = await transaction.rows(query.order_by(_columns.started_at.desc(), _columns.id))
    return [_action(row) for row in rows]


async def asked_by(transaction: Transaction, container_id: str, request_id: str) -> model.Action | None:
    """The action of a container that came with this request."""
    query = sa.select(_table).where(_columns.container_id == container_id, _columns.request_id == request_id)
    row = await transaction.row(query)
    return _action(row) if row else None


async def proceed(
    transaction: Transaction,
    container_id: str,
    events: list[model.Event],
    *,
    observed: int,
    message: str | None = None,
) -> None:
    """Note the steps taken for what is unfinished, and finish what the generation ``observed`` made real or ended."""
    unfinished = _columns.container_id == container_id, _columns.finished_at.is_(None)
    for row in await transaction.rows(sa.select(_table).where(*unfinished)):
        values: dict[str, object] = {"events": [*row.events, *events][-KEPT:]}
        if row.generation <= observed:
            values |= {"finished_at": clock.now(), "message": message}
        await transaction.execute(_table.update().where(_columns.id == row.id).values(values))
    await _forget_old(transaction, container_id)


async def _forget_old(transaction: Transaction, container_id: str) -> None:
    old = sa.select(_columns.id).where(_columns.container_id == container_id, _columns.finished_at.is_not(None))
    stale = old.order_by(_columns.started_at.desc()).offset(KEPT).limit(KEPT)
    await transaction.execute(_table.delete().where(_columns.id.in_(stale)))


async def finish(transaction: Transaction, container_id: str, request_id: str, event: model.Event) -> None:
    """Finish the action that came with a request, with the one step that was taken for it and why it failed."""
    row = await transaction.row(
        sa.select(_table).where(_columns.container_id == container_id, _columns.request_id == request_id)
    )
    if row is not None:
        values = {"finished_at": event.finished_at, "events": [event], "message": event.reason or None}
        await transaction.execute(_table.update().where(_columns.id == row.id).values(values))


async def forget(transaction: Transaction, container_id: str) -> None:
    """Remove all actions of a container that is gone."""
    await transaction.execute(_table.delete().where(_columns.container_id == container_id))


def _action(row: sa.Row[Any]) -> model.Action:
    return model.Action(**row._mapping)
