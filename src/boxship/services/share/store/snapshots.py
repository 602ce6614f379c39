"""Snapshots in the database. ``status`` is computed here with every write, from the columns it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.share import states
from boxship.services.share.model import Snapshot
from boxship.services.share.store.tables import snapshot_metadata, snapshots

COLUMNS: listing.Columns = {
    "id": snapshots.c.id,
    "name": snapshots.c.name,
    "display_name": snapshots.c.name,
    "description": snapshots.c.description,
    "display_description": snapshots.c.description,
    "status": snapshots.c.status,
    "share_id": snapshots.c.share_id,
    "size": snapshots.c.size,
    "share_size": snapshots.c.size,
    "share_proto": snapshots.c.share_proto,
    "created_at": snapshots.c.created_at,
    "updated_at": snapshots.c.updated_at,
    "user_id": snapshots.c.user_id,
    "project_id": snapshots.c.project_id,
}
"""What lists sort and filter by."""


async def insert(transaction: Transaction, snapshot: Snapshot) -> Snapshot:
    """Store a new snapshot."""
    snapshot = msgspec.structs.replace(snapshot, status=states.snapshot_shown(snapshot))
    await transaction.execute(snapshots.insert().values(**msgspec.structs.asdict(snapshot)))
    return snapshot


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Snapshot | None:
    """The snapshot; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(snapshots).where(snapshots.c.id == id)
    row = await transaction.row(select.with_for_update() if lock else select)
    return Snapshot(*tuple(row)) if row else None


async def of(transaction: Transaction, share_id: str) -> list[Snapshot]:
    """The snapshots of a share, oldest first."""
    select = sa.select(snapshots).where(snapshots.c.share_id == share_id)
    rows = await transaction.rows(select.order_by(snapshots.c.created_at, snapshots.c.id))
    return [Snapshot(*tuple(row)) for row in rows]


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Snapshot]:
    """One page of the snapshots that meet the conditions."""
    rows = await listing.fetch(transaction, sa.select(snapshots).where(*conditions), page, COLUMNS, key=snapshots.c.id)
    return [Snapshot(*tuple(row)) for row in rows]


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a snapshot is this project's."""
    return snapshots.c.project_id == project_id


def has_metadata(key: str, value: str) -> sa.ColumnElement[bool]:
    """The condition that a snapshot carries this pair."""
    pairs = snapshot_metadata.c
    return sa.exists().where(pairs.snapshot_id == snapshots.c.id, pairs.key == key, pairs.value == value)


async def update(transaction: Transaction, snapshot: Snapshot, **changes: Any) -> Snapshot | None:
    """Store the changed columns, where nobody changed the wish since ``snapshot`` was read; None where somebody did."""
    changed = msgspec.structs.replace(snapshot, updated_at=clock.now(), **changes)
    written = {**changes, "updated_at": changed.updated_at, "status": states.snapshot_shown(changed)}
    here = sa.and_(snapshots.c.id == snapshot.id, snapshots.c.generation == snapshot.generation)
    touched = await transaction.execute(snapshots.update().where(here).values(**written))
    return msgspec.structs.replace(changed, status=written["status"]) if touched else None


async def delete(transaction: Transaction, snapshot: Snapshot) -> bool:
    """Forget the snapshot, where nobody changed the wish since it was read."""
    here = sa.and_(snapshots.c.id == snapshot.id, snapshots.c.generation == snapshot.generation)
    return await transaction.execute(snapshots.delete().where(here)) > 0


async def metadata_of(transaction: Transaction, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The metadata of several snapshots by snapshot; those without any are absent."""
    found: dict[str, dict[str, str]] = {}
    select = sa.select(snapshot_metadata).where(snapshot_metadata.c.snapshot_id.in_(ids))
    for row in await transaction.rows(select.order_by(snapshot_metadata.c.key)):
        found.setdefault(row.snapshot_id, {})[row.key] = row.value
    return found


async def put_metadata(transaction: Transaction, id: str, pairs: dict[str, str], *, replace: bool) -> None:
    """Set the pairs; with ``replace`` they become all there is."""
    here = snapshot_metadata.c.snapshot_id == id
    gone = here if replace else here & snapshot_metadata.c.key.in_(list(pairs))
    await transaction.execute(snapshot_metadata.delete().where(gone))
    if pairs:
        rows = [{"snapshot_id": id, "key": key, "value": value} for key, value in pairs.items()]
        await transaction.execute(snapshot_metadata.insert().values(rows))


async def drop_metadata(transaction: Transaction, id: str, key: str) -> bool:
    """Remove one pair; False where there is none."""
    here = sa.and_(snapshot_metadata.c.snapshot_id == id, snapshot_metadata.c.key == key)
    return await transaction.execute(snapshot_metadata.delete().where(here)) > 0
