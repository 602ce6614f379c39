"""The rows of hosts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.container import model

_table = sa.Table(
    "container_hosts",
    types.metadata,
    types.identifier(),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("hostname", sa.String(255), nullable=False, unique=True),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("zone", sa.String(255), nullable=False),
    sa.Column("cpus", sa.Integer, nullable=False),
    sa.Column("memory", sa.Integer, nullable=False),
    sa.Column("disk", sa.Integer, nullable=False),
    sa.Column("disk_used", sa.Integer, nullable=False),
    sa.Column("disk_quota", sa.Boolean, nullable=False),
    sa.Column("architecture", sa.String(64), nullable=False),
    sa.Column("os", sa.String(255), nullable=False),
    sa.Column("os_type", sa.String(64), nullable=False),
    sa.Column("kernel", sa.String(255), nullable=False),
    sa.Column("labels", types.Json(dict[str, str]), nullable=False),
    sa.Column("runtimes", types.Json(list[str]), nullable=False),
    sa.Column("last_seen_up", types.Moment, nullable=False),
    sa.Column("report_count", sa.Integer, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("disabled_reason", sa.String(255)),
    sa.Column("forced_down", sa.Boolean, nullable=False),
    sa.Column("updated_at", types.Moment),
)
_columns = _table.c

#: What lists may be sorted by, under Zun's names.
SORTS: listing.Columns = {
    "id": _columns.number,
    "uuid": _columns.id,
    "hostname": _columns.hostname,
    "mem_total": _columns.memory,
    "cpus": _columns.cpus,
    "disk_total": _columns.disk,
    "architecture": _columns.architecture,
    "os_type": _columns.os_type,
    "os": _columns.os,
    "kernel_version": _columns.kernel,
    "created_at": _columns.created_at,
}


async def insert(transaction: Transaction, host: model.Host) -> None:
    """Register a host."""
    await transaction.execute(_table.insert().values({column.name: getattr(host, column.name) for column in _columns}))


async def next_number(transaction: Transaction) -> int:
    """A number that no host here has."""
    return int(await transaction.scalar(sa.select(sa.func.coalesce(sa.func.max(_columns.number), 0)))) + 1


async def named(transaction: Transaction, name: str) -> model.Host | None:
    """The host with this name or id."""
    query = sa.select(_table).where(sa.or_(_columns.hostname == name, _columns.id == name))
    row = await transaction.row(query.order_by((_columns.hostname == name).desc()))
    return _host(row) if row else None


async def everything(transaction: Transaction) -> list[model.Host]:
    """All hosts, in the order of their registration."""
    return [_host(row) for row in await transaction.rows(sa.select(_table).order_by(_columns.number))]


async def page(transaction: Transaction, page: listing.Page) -> list[model.Host]:
    """A page of hosts."""
    rows = await listing.fetch(transaction, sa.select(_table), page, SORTS, key=_columns.id)
    return [_host(row) for row in rows]


async def update(transaction: Transaction, id: str, **values: Any) -> None:
    """Write some columns."""
    await transaction.execute(_table.update().where(_columns.id == id).values(**values))


async def forget(transaction: Transaction, id: str) -> None:
    """Remove the row of a host."""
    await transaction.execute(_table.delete().where(_columns.id == id))


def _host(row: sa.Row[Any]) -> model.Host:
    return model.Host(**row._mapping)
