"""Which host has what is placed on none for good: tables with the columns ``id`` and ``host``."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core.db.among import among
from boxship.core.db.database import Transaction


async def held(transaction: Transaction, table: sa.Table, only: str | None) -> list[str]:
    """The ids of what a host has; None: of everything. What nobody has is in neither."""
    mine = [] if only is None else [table.c.host == only]
    return [row.id for row in await transaction.rows(sa.select(table.c.id).where(*mine))]


async def held_by_others(transaction: Transaction, table: sa.Table, living: Sequence[str]) -> list[tuple[str, str]]:
    """Id and holder of what no living host has, from the index of hosts."""
    select = sa.select(table.c.id, table.c.host).where(table.c.host.not_in(living))
    return [(row.id, row.host) for row in await transaction.rows(select)]


async def take(transaction: Transaction, table: sa.Table, id: str, hands: tuple[str, str]) -> bool:
    """Pass a row from one host to another (which may be the same); False: the first has not got it any more."""
    before, after = hands
    statement = table.update().where(table.c.id == id, table.c.host == before).values(host=after)
    return await transaction.execute(statement) == 1


async def hints(transaction: Transaction, table: sa.Table, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The availability zones that rows of a table are to be in, where they are to be in certain ones."""
    select = sa.select(table.c.id, table.c.zone_hints).where(among(table.c.id, ids))
    return {row.id: row.zone_hints for row in await transaction.rows(select) if row.zone_hints}
