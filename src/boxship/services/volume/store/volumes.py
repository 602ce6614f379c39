"""Volumes in the database. ``status`` is computed here with every write, from the columns it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core import clock, hosts
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.volume import states
from boxship.services.volume.model import Volume
from boxship.services.volume.store.tables import metadata, volumes

COLUMNS: listing.Columns = {
    "id": volumes.c.id,
    "name": volumes.c.name,
    "display_name": volumes.c.name,
    "size": volumes.c.size,
    "status": volumes.c.status,
    "availability_zone": volumes.c.availability_zone,
    "created_at": volumes.c.created_at,
    "updated_at": volumes.c.updated_at,
    "user_id": volumes.c.user_id,
    "project_id": volumes.c.project_id,
}
"""What lists sort by."""

FILTERS: listing.Columns = {**COLUMNS, "bootable": volumes.c.bootable, "multiattach": volumes.c.multiattach}
"""What lists filter by."""


async def insert(transaction: Transaction, volume: Volume) -> Volume:
    """Store a new volume."""
    volume = msgspec.structs.replace(volume, status=states.shown(volume))
    await transaction.execute(volumes.insert().values(**msgspec.structs.asdict(volume)))
    return volume


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Volume | None:
    """The volume; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(volumes).where(volumes.c.id == id)
    row = await transaction.row(select.with_for_update() if lock else select)
    return Volume(*tuple(row)) if row else None


async def of(transaction: Transaction, ids: Sequence[str]) -> list[Volume]:
    """The volumes with these ids that exist."""
    return [Volume(*tuple(row)) for row in await transaction.rows(sa.select(volumes).where(volumes.c.id.in_(ids)))]


async def named(transaction: Transaction, project_id: str, name: str) -> list[Volume]:
    """The project's volumes of that name, two at most."""
    select = sa.select(volumes).where(volumes.c.project_id == project_id, volumes.c.name == name)
    return [Volume(*tuple(row)) for row in await transaction.rows(select.limit(2))]


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Volume]:
    """One page of the volumes that meet the conditions."""
    select = sa.select(volumes).where(*conditions)
    rows = await listing.fetch(transaction, select, page, COLUMNS, key=volumes.c.id)
    return [Volume(*tuple(row)) for row in rows]


async def count(transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    """How many volumes meet the conditions."""
    return int(await transaction.scalar(sa.select(sa.func.count()).select_from(volumes).where(*conditions)))


async def summary(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]]
) -> tuple[int, int, dict[str, list[str]]]:
    """How many volumes meet the conditions, their GiB, and which values their metadata has by key."""
    total = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size), 0)).where(*conditions)
    row = await transaction.row(total)
    number, gigabytes = tuple(row) if row else (0, 0)
    pairs = sa.select(metadata.c.key, metadata.c.value).distinct().join(volumes, volumes.c.id == metadata.c.volume_id)
    found: dict[str, list[str]] = {}
    for pair in await transaction.rows(pairs.where(*conditions).order_by(metadata.c.key, metadata.c.value)):
        found.setdefault(pair.key, []).append(pair.value)
    return int(number), int(gigabytes), found


def has_metadata(key: str, value: str) -> sa.ColumnElement[bool]:
    """The condition that a volume carries this pair."""
    return sa.exists().where(metadata.c.volume_id == volumes.c.id, metadata.c.key == key, metadata.c.value == value)


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a volume is this project's."""
    return volumes.c.project_id == project_id


async def update(transaction: Transaction, volume: Volume, **changes: Any) -> Volume | None:
    """Store the changed columns, where nobody changed the wish since ``volume`` was read; None where somebody did."""
    changed = msgspec.structs.replace(volume, updated_at=clock.now(), **changes)
    written = {**changes, "updated_at": changed.updated_at, "status": states.shown(changed)}
    touched = await transaction.execute(
        volumes.update().where(volumes.c.id == volume.id, volumes.c.generation == volume.generation).values(**written)
    )
    return msgspec.structs.replace(changed, status=written["status"]) if touched else None


async def place(transaction: Transaction, id: str, host: str, backend: str) -> None:
    """Put a volume that is on no host on this one."""
    here = sa.and_(volumes.c.id == id, volumes.c.host == "")
    await transaction.execute(volumes.update().where(here).values(host=host, backend=backend))


async def delete(transaction: Transaction, volume: Volume) -> bool:
    """Forget the volume, where nobody changed the wish since it was read."""
    touched = await transaction.execute(
        volumes.delete().where(volumes.c.id == volume.id, volumes.c.generation == volume.generation)
    )
    return touched > 0


async def recorded_in_use(transaction: Transaction, only: str | None) -> list[Volume]:
    """The volumes of this host (None: of all) whose row says that they are mounted or have a device, locked."""
    used = sa.or_(volumes.c.path.is_not(None), volumes.c.device.is_not(None))
    select = sa.select(volumes).where(used, *hosts.placed(volumes.c.host, only)).with_for_update()
    return [Volume(*tuple(row)) for row in await transaction.rows(select)]


async def usage(transaction: Transaction, project_id: str) -> tuple[int, int]:
    """How many volumes the project has, and their gigabytes."""
    row = await transaction.row(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size), 0)).where(
            volumes.c.project_id == project_id
        )
    )
    assert row is not None
    count, gigabytes = tuple(row)
    return int(count), int(gigabytes)


async def metadata_of(transaction: Transaction, volume_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The metadata of several volumes by volume; volumes without any are absent."""
    found: dict[str, dict[str, str]] = {}
    for row in await transaction.rows(sa.select(metadata).where(metadata.c.volume_id.in_(volume_ids))):
        found.setdefault(row.volume_id, {})[row.key] = row.value
    return found


async def put_metadata(transaction: Transaction, volume_id: str, pairs: dict[str, str], *, replace: bool) -> None:
    """Set the pairs; with ``replace`` they become all there is."""
    where = metadata.c.volume_id == volume_id
    await transaction.execute(metadata.delete().where(where if replace else where & metadata.c.key.in_(list(pairs))))
    if pairs:
        rows = [{"volume_id": volume_id, "key": key, "value": value} for key, value in pairs.items()]
        await transaction.execute(metadata.insert().values(rows))


async def drop_metadata(transaction: Transaction, volume_id: str, key: str) -> bool:
    """Remove one pair; False where there is none."""
    return (
        await transaction.execute(metadata.delete().where(metadata.c.volume_id == volume_id, metadata.c.key == key)) > 0
    )
