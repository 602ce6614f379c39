"""The rows of commits: images that are being made of containers. A row is there until nothing is left to be done."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core import hosts
from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.services.container import model

_table = sa.Table(
    "container_commits",
    types.metadata,
    types.identifier(),
    sa.Column("container_id", sa.String(64), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("fault", sa.Text),
    sa.Column("host", sa.String(255), nullable=False),
)


async def insert(transaction: Transaction, commit: model.Commit) -> None:
    """Store what was asked."""
    await transaction.execute(
        _table.insert().values({column.name: getattr(commit, column.name) for column in _table.c})
    )


async def get(transaction: Transaction, id: str) -> model.Commit | None:
    """The commit that makes the image of this id."""
    row = await transaction.row(sa.select(_table).where(_table.c.id == id))
    return model.Commit(**row._mapping) if row else None


async def ids(transaction: Transaction, only: str | None) -> list[str]:
    """All that are under way on this host (None: on all)."""
    select = sa.select(_table.c.id).where(*hosts.placed(_table.c.host, only))
    return [row.id for row in await transaction.rows(select)]


async def fail(transaction: Transaction, id: str, fault: str) -> bool:
    """Note why there will be no image; False where there is nothing (any more) to fail."""
    return await transaction.execute(_table.update().where(_table.c.id == id).values(fault=fault)) > 0


async def forget(transaction: Transaction, id: str) -> None:
    """Remove what is done."""
    await transaction.execute(_table.delete().where(_table.c.id == id))
