"""Rows that are on a host, whatever they are: volumes, snapshots, backups. Which of them a host has to look at."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core import hosts
from boxship.core.db.database import Transaction


async def ids(transaction: Transaction, table: sa.Table, only: str | None) -> list[str]:
    """The ids of all rows of this host (None: of all)."""
    select = sa.select(table.c.id).where(*hosts.placed(table.c.host, only))
    return [row.id for row in await transaction.rows(select)]


async def due(transaction: Transaction, table: sa.Table, only: str | None) -> list[str]:
    """Ids of rows of this host (None: of all) whose wish is not met yet, from an index of only those."""
    behind = table.c.observed != table.c.generation
    select = sa.select(table.c.id).where(behind, *hosts.placed(table.c.host, only))
    return [row.id for row in await transaction.rows(select)]


async def orphaned(transaction: Transaction, table: sa.Table, known: Sequence[str]) -> list[str]:
    """Ids of rows that are being deleted from hosts that are not known any more."""
    lost = sa.and_(table.c.deleting, table.c.host.not_in(["", *known]))
    return [row.id for row in await transaction.rows(sa.select(table.c.id).where(lost))]


async def project(transaction: Transaction, table: sa.Table, id: str) -> str:
    """Whose a row is; empty where there is none."""
    return str(await transaction.scalar(sa.select(table.c.project_id).where(table.c.id == id)) or "")
