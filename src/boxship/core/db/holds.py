"""Who depends on what: a hold keeps a resource from being undone until its holder has undone its own work.

A container holds its ports and volumes; their reconcilers neither unplug nor remove what is held, and the end of a
hold wakes them. Rows only: the words for kinds are the services'.
"""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction

_holds = sa.Table(
    "holds",
    types.metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("holder_kind", sa.String(32), primary_key=True),
    sa.Column("holder_id", sa.String(64), primary_key=True),
    sa.Index("ix_holds_holder", "holder_kind", "holder_id"),
)

Resource = tuple[str, str]
"""Kind and id."""


async def hold(transaction: Transaction, resource: Resource, holder: Resource) -> None:
    """Let ``holder`` hold ``resource``; repeatable."""
    if holder in await holders(transaction, resource):
        return
    await transaction.execute(
        _holds.insert().values(kind=resource[0], id=resource[1], holder_kind=holder[0], holder_id=holder[1])
    )


async def release(transaction: Transaction, resource: Resource, holder: Resource) -> None:
    """Let go, and wake the resource's reconciler; repeatable."""
    await transaction.execute(
        _holds.delete().where(
            _holds.c.kind == resource[0],
            _holds.c.id == resource[1],
            _holds.c.holder_kind == holder[0],
            _holds.c.holder_id == holder[1],
        )
    )
    transaction.wake(*resource)


async def holders(transaction: Transaction, resource: Resource) -> list[Resource]:
    """Who holds it."""
    found = await transaction.rows(
        sa.select(_holds.c.holder_kind, _holds.c.holder_id).where(
            _holds.c.kind == resource[0], _holds.c.id == resource[1]
        )
    )
    return [(row.holder_kind, row.holder_id) for row in found]


async def wake_holders(transaction: Transaction, resource: Resource) -> None:
    """Tell all holders, after the commit, that the resource changed."""
    for kind, id in await holders(transaction, resource):
        transaction.wake(kind, id)
