"""The rows of capsules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from boxship.core import hosts
from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.container import model, states

_table = sa.Table(
    "capsules",
    types.metadata,
    types.identifier(),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("name", sa.String(255), index=True),
    sa.Column("labels", types.Json(dict[str, str]), nullable=False),
    sa.Column("annotations", types.Json(dict[str, str]), nullable=False),
    sa.Column("restart_policy", sa.String(16), nullable=False),
    sa.Column("availability_zone", sa.String(255)),
    sa.Column("cpu", sa.Float, nullable=False),
    sa.Column("memory", sa.Integer, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("plugs", types.Json(list[model.Plug]), nullable=False),
    sa.Column("volumes", types.Json(list[model.CapsuleVolume]), nullable=False),
    sa.Column("group_id", sa.String(64)),
    sa.Column("wish", sa.String(16), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("status_reason", sa.Text),
    sa.Column("observed", sa.Integer, nullable=False),
)
sa.Index("ix_capsules_listed", _table.c.project_id, _table.c.created_at)
sa.Index("ix_capsules_due", _table.c.id, sqlite_where=_table.c.observed != _table.c.generation)
_columns = _table.c

SORTS: listing.Columns = {
    "id": _columns.created_at,
    "uuid": _columns.id,
    "name": _columns.name,
    "status": _columns.status,
    "created_at": _columns.created_at,
    "updated_at": _columns.updated_at,
}


async def insert(transaction: Transaction, capsule: model.Capsule) -> None:
    """Store a new capsule."""
    await transaction.execute(
        _table.insert().values({column.name: getattr(capsule, column.name) for column in _columns})
    )


async def get(transaction: Transaction, id: str) -> model.Capsule | None:
    """The capsule with this id."""
    row = await transaction.row(sa.select(_table).where(_columns.id == id))
    return _capsule(row) if row else None


async def named(transaction: Transaction, name: str, project_id: str | None) -> list[model.Capsule]:
    """The capsules with this id or name, at most two; of one project, or of all where it is None."""
    query = sa.select(_table).where(sa.or_(_columns.id == name, _columns.name == name)).limit(2)
    if project_id is not None:
        query = query.where(_columns.project_id == project_id)
    return [_capsule(row) for row in await transaction.rows(query)]


async def page(transaction: Transaction, page: listing.Page, project_id: str | None) -> list[model.Capsule]:
    """A page of capsules; of one project, or of all where it is None."""
    query = sa.select(_table)
    if project_id is not None:
        query = query.where(_columns.project_id == project_id)
    return [_capsule(row) for row in await listing.fetch(transaction, query, page, SORTS, key=_columns.id)]


async def want_gone(transaction: Transaction, id: str) -> None:
    """Write the wish that it be gone, and count the change."""
    gone = {"wish": states.Wish.GONE.value, "generation": _columns.generation + 1}
    await transaction.execute(_table.update().where(_columns.id == id).values(gone))


async def record(transaction: Transaction, id: str, **seen: Any) -> None:
    """Write columns of what was seen; the wish is never touched."""
    await transaction.execute(_table.update().where(_columns.id == id).values(**seen))


async def forget(transaction: Transaction, id: str) -> None:
    """Remove the row of a capsule that is wanted gone."""
    await transaction.execute(_table.delete().where(_columns.id == id, _columns.wish == states.Wish.GONE))


async def ids(transaction: Transaction, only: str | None, *, due_only: bool = False) -> Sequence[str]:
    """The ids of all capsules of this host (None: of all), or of those that something is to be done for."""
    query = sa.select(_columns.id).where(*hosts.placed(_columns.host, only))
    if due_only:
        query = query.where(_columns.observed != _columns.generation)
    return [row.id for row in await transaction.rows(query)]


async def orphaned(transaction: Transaction, known: Sequence[str]) -> list[str]:
    """The ids of capsules that are wanted gone from hosts that are not known any more."""
    lost = sa.and_(_columns.wish == states.Wish.GONE, _columns.host.not_in(["", *known]))
    return [row.id for row in await transaction.rows(sa.select(_columns.id).where(lost))]


def _capsule(row: sa.Row[Any]) -> model.Capsule:
    values = dict(row._mapping)
    values["wish"] = states.Wish(values["wish"])
    values["status"] = states.CapsuleStatus(values["status"])
    return model.Capsule(**values)
