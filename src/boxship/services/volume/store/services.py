"""Which services of which hosts an admin has disabled; a row per service that is."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.services.volume.store.tables import snapshots, volumes

_disabled = sa.Table(
    "volume_disabled_services",
    types.metadata,
    sa.Column("host", sa.String(255), primary_key=True),
    sa.Column("binary", sa.String(64), primary_key=True),
    sa.Column("reason", sa.String(255)),
    sa.Column("disabled_at", types.Moment, nullable=False),
)


class Disabled(msgspec.Struct, frozen=True):
    """A service that takes nothing new. Written by operations."""

    host: str
    binary: str
    reason: str | None
    disabled_at: datetime


class Kept(msgspec.Struct, frozen=True):
    """What a host keeps of a project: volumes and snapshots, and their GiB."""

    project_id: str
    volumes: int
    gigabytes: int
    snapshots: int = 0
    snapshot_gigabytes: int = 0


async def disabled(transaction: Transaction) -> dict[tuple[str, str], Disabled]:
    """All that are disabled, by host and binary."""
    rows = await transaction.rows(sa.select(_disabled))
    return {(row.host, row.binary): Disabled(*tuple(row)) for row in rows}


async def disable(transaction: Transaction, service: Disabled) -> None:
    """Store that a service is disabled, and why, anew."""
    await enable(transaction, service.host, service.binary)
    await transaction.execute(_disabled.insert().values(**msgspec.structs.asdict(service)))


async def enable(transaction: Transaction, host: str, binary: str) -> None:
    """Forget that a service is disabled. Repeatable."""
    here = sa.and_(_disabled.c.host == host, _disabled.c.binary == binary)
    await transaction.execute(_disabled.delete().where(here))


async def kept(transaction: Transaction, host: str, backend: str | None = None) -> list[Kept]:
    """What a host keeps, or one backend of it, by project."""
    select = (
        sa.select(volumes.c.project_id, sa.func.count(), sa.func.sum(volumes.c.size))
        .where(*_kept_in(volumes, host, backend))
        .group_by(volumes.c.project_id)
        .order_by(volumes.c.project_id)
    )
    rows = [tuple(row) for row in await transaction.rows(select)]
    taken = await _taken(transaction, host, backend)
    found = {project: Kept(project, int(count), int(size or 0)) for project, count, size in rows}
    for project, (count, size) in taken.items():
        other = found.get(project, Kept(project, 0, 0))
        found[project] = Kept(project, other.volumes, other.gigabytes, count, size)
    return [found[project] for project in sorted(found)]


def _kept_in(table: sa.Table, host: str, backend: str | None) -> list[sa.ColumnElement[bool]]:
    return [table.c.host == host, *([table.c.backend == backend] if backend else [])]


async def _taken(transaction: Transaction, host: str, backend: str | None) -> dict[str, tuple[int, int]]:
    """The snapshots on a host and their GiB, by project."""
    select = sa.select(snapshots.c.project_id, sa.func.count(), sa.func.sum(snapshots.c.size))
    rows = await transaction.rows(select.where(*_kept_in(snapshots, host, backend)).group_by(snapshots.c.project_id))
    return {project: (int(count), int(size or 0)) for project, count, size in (tuple(row) for row in rows)}
