"""Private registries of projects, and the repositories that were fetched with what a registry asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.container import model

_table = sa.Table(
    "container_registries",
    types.metadata,
    types.identifier(),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("domain", sa.String(255), nullable=False),
    sa.Column("username", sa.String(255)),
    sa.Column("password", sa.Text),
    sa.Column("updated_at", types.Moment),
    sa.UniqueConstraint("project_id", "name"),
)
_private = sa.Table(
    "container_private_repositories",
    types.metadata,
    sa.Column("repository", sa.String(255), primary_key=True),
)
_columns = _table.c

#: What lists may be filtered and sorted by.
FILTERS: listing.Columns = {
    "name": _columns.name,
    "domain": _columns.domain,
    "username": _columns.username,
    "project_id": _columns.project_id,
    "user_id": _columns.user_id,
}
SORTS: listing.Columns = {
    **FILTERS,
    "id": _columns.created_at,
    "uuid": _columns.id,
    "created_at": _columns.created_at,
    "updated_at": _columns.updated_at,
}


async def insert(transaction: Transaction, registry: model.Registry) -> None:
    """Store a new registry."""
    values = {column.name: getattr(registry, column.name) for column in _columns}
    await transaction.execute(_table.insert().values(values))


async def get(transaction: Transaction, id: str) -> model.Registry | None:
    """The registry with this id."""
    row = await transaction.row(sa.select(_table).where(_columns.id == id))
    return model.Registry(**row._mapping) if row else None


async def named(transaction: Transaction, name: str, project_id: str | None) -> list[model.Registry]:
    """The registries with this id or name, at most two; of one project, or of all where it is None."""
    query = sa.select(_table).where(sa.or_(_columns.id == name, _columns.name == name)).limit(2)
    if project_id is not None:
        query = query.where(_columns.project_id == project_id)
    return [model.Registry(**row._mapping) for row in await transaction.rows(query)]


async def page(
    transaction: Transaction,
    page: listing.Page,
    conditions: Sequence[sa.ColumnElement[bool]],
    project_id: str | None,
) -> list[model.Registry]:
    """A page of registries; of one project, or of all where it is None."""
    query = sa.select(_table).where(*conditions)
    if project_id is not None:
        query = query.where(_columns.project_id == project_id)
    rows = await listing.fetch(transaction, query, page, SORTS, key=_columns.id)
    return [model.Registry(**row._mapping) for row in rows]


async def count(transaction: Transaction, project_id: str) -> int:
    """How many a project has."""
    query = sa.select(sa.func.count()).select_from(_table).where(_columns.project_id == project_id)
    return int(await transaction.scalar(query))


async def update(transaction: Transaction, id: str, **values: Any) -> None:
    """Write some columns."""
    await transaction.execute(_table.update().where(_columns.id == id).values(**values))


async def forget(transaction: Transaction, id: str) -> None:
    """Remove a registry."""
    await transaction.execute(_table.delete().where(_columns.id == id))


async def is_private(transaction: Transaction, repository: str) -> bool:
    """Whether images of this repository may only be had with a password."""
    query = sa.select(_private.c.repository).where(_private.c.repository == repository)
    return await transaction.scalar(query) is not None


async def note_private(transaction: Transaction, repository: str) -> None:
    """Note that they may. Repeatable."""
    if not await is_private(transaction, repository):
        await transaction.execute(_private.insert().values(repository=repository))
