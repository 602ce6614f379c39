"""The rows of sessions that may be opened."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.services.container import model

_table = sa.Table(
    "container_sessions",
    types.metadata,
    types.identifier(),
    sa.Column("container_id", sa.String(64), nullable=False, index=True),
    sa.Column("exec_id", sa.String(64)),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("expires_at", types.Moment, nullable=False, index=True),
)


async def insert(transaction: Transaction, session: model.Session) -> None:
    """Store a session, and forget those that nobody opened in time."""
    await transaction.execute(_table.delete().where(_table.c.expires_at <= clock.now()))
    await transaction.execute(
        _table.insert().values({column.name: getattr(session, column.name) for column in _table.c})
    )


async def waiting(transaction: Transaction, container_id: str) -> int:
    """How many sessions of a container may still be opened."""
    ready = _table.c.container_id == container_id, _table.c.expires_at > clock.now()
    return int(await transaction.scalar(sa.select(sa.func.count()).where(*ready)))


async def take(transaction: Transaction, id: str) -> model.Session | None:
    """The session with this id, which is gone by that; None where it was taken before, or has expired."""
    row = await transaction.row(sa.select(_table).where(_table.c.id == id, _table.c.expires_at > clock.now()))
    taken = await transaction.execute(_table.delete().where(_table.c.id == id))
    return model.Session(**row._mapping) if row and taken else None


async def forget(transaction: Transaction, container_id: str) -> None:
    """Remove what may be opened of a container that is gone."""
    await transaction.execute(_table.delete().where(_table.c.container_id == container_id))
