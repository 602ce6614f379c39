"""Backups in the database. ``status`` is computed here with every write, from the columns it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.volume import states
from boxship.services.volume.model import Backup
from boxship.services.volume.store.tables import backups

COLUMNS: listing.Columns = {
    "id": backups.c.id,
    "name": backups.c.name,
    "status": backups.c.status,
    "volume_id": backups.c.volume_id,
    "snapshot_id": backups.c.snapshot_id,
    "size": backups.c.size,
    "container": backups.c.container,
    "created_at": backups.c.created_at,
    "updated_at": backups.c.updated_at,
    "data_timestamp": backups.c.data_timestamp,
    "user_id": backups.c.user_id,
    "project_id": backups.c.project_id,
}
"""What lists sort and filter by."""


async def insert(transaction: Transaction, backup: Backup) -> Backup:
    """Store a new backup."""
    backup = msgspec.structs.replace(backup, status=states.backup_shown(backup))
    await transaction.execute(backups.insert().values(**msgspec.structs.asdict(backup)))
    return backup


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Backup | None:
    """The backup; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(backups).where(backups.c.id == id)
    row = await transaction.row(select.with_for_update() if lock else select)
    return Backup(*tuple(row)) if row else None


async def newest(transaction: Transaction, project_id: str, volume_id: str) -> Backup | None:
    """The last whole one that a project has of a volume."""
    mine = (backups.c.project_id == project_id, backups.c.volume_id == volume_id)
    select = sa.select(backups).where(*mine, backups.c.status == states.BackupState.AVAILABLE)
    row = await transaction.row(select.order_by(backups.c.data_timestamp.desc(), backups.c.id.desc()).limit(1))
    return Backup(*tuple(row)) if row else None


async def parents(transaction: Transaction, ids: Sequence[str]) -> set[str]:
    """Those of these backups that others continue."""
    select = sa.select(backups.c.parent_id).where(backups.c.parent_id.in_(ids))
    return {row.parent_id for row in await transaction.rows(select)}


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Backup]:
    """One page of the backups that meet the conditions."""
    rows = await listing.fetch(transaction, sa.select(backups).where(*conditions), page, COLUMNS, key=backups.c.id)
    return [Backup(*tuple(row)) for row in rows]


async def count(transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    """How many meet the conditions."""
    return int(await transaction.scalar(sa.select(sa.func.count()).select_from(backups).where(*conditions)))


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a backup is this project's."""
    return backups.c.project_id == project_id


async def usage(transaction: Transaction, project_id: str) -> tuple[int, int]:
    """How many backups a project has, and the gigabytes of what they are of."""
    select = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(backups.c.size), 0))
    row = await transaction.row(select.where(of_project(project_id)))
    assert row is not None
    number, gigabytes = tuple(row)
    return int(number), int(gigabytes)


async def update(transaction: Transaction, backup: Backup, **changes: Any) -> Backup | None:
    """Store the changed columns, where nobody changed the wish since ``backup`` was read; None where somebody did."""
    changed = msgspec.structs.replace(backup, updated_at=clock.now(), **changes)
    written = {**changes, "updated_at": changed.updated_at, "status": states.backup_shown(changed)}
    here = sa.and_(backups.c.id == backup.id, backups.c.generation == backup.generation)
    touched = await transaction.execute(backups.update().where(here).values(**written))
    return msgspec.structs.replace(changed, status=written["status"]) if touched else None


async def delete(transaction: Transaction, backup: Backup) -> bool:
    """Forget the backup, where nobody changed the wish since it was read."""
    here = sa.and_(backups.c.id == backup.id, backups.c.generation == backup.generation)
    return await transaction.execute(backups.delete().where(here)) > 0
