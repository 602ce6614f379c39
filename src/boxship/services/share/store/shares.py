"""Shares in the database. ``status`` is computed here with every write, from the columns it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core import clock, hosts
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.share import states
from boxship.services.share.model import Share
from boxship.services.share.store.tables import metadata, shares

COLUMNS: listing.Columns = {
    "id": shares.c.id,
    "name": shares.c.name,
    "display_name": shares.c.name,
    "description": shares.c.description,
    "display_description": shares.c.description,
    "status": shares.c.status,
    "size": shares.c.size,
    "share_proto": shares.c.share_proto,
    "share_type_id": shares.c.type_id,
    "share_type": shares.c.type_id,
    "volume_type_id": shares.c.type_id,
    "snapshot_id": shares.c.snapshot_id,
    "is_public": shares.c.is_public,
    "host": shares.c.host,
    "availability_zone": shares.c.availability_zone,
    "created_at": shares.c.created_at,
    "updated_at": shares.c.updated_at,
    "user_id": shares.c.user_id,
    "project_id": shares.c.project_id,
}
"""What lists sort and filter by."""


async def insert(transaction: Transaction, share: Share) -> Share:
    """Store a new share."""
    share = msgspec.structs.replace(share, status=states.shown(share))
    await transaction.execute(shares.insert().values(**msgspec.structs.asdict(share)))
    return share


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Share | None:
    """The share; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(shares).where(shares.c.id == id)
    row = await transaction.row(select.with_for_update() if lock else select)
    return Share(*tuple(row)) if row else None


async def of(transaction: Transaction, ids: Sequence[str]) -> list[Share]:
    """The shares with these ids that exist."""
    return [Share(*tuple(row)) for row in await transaction.rows(sa.select(shares).where(shares.c.id.in_(ids)))]


async def named(transaction: Transaction, project_id: str, name: str) -> list[Share]:
    """The project's shares of that name, two at most."""
    select = sa.select(shares).where(shares.c.project_id == project_id, shares.c.name == name)
    return [Share(*tuple(row)) for row in await transaction.rows(select.limit(2))]


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Share]:
    """One page of the shares that meet the conditions."""
    rows = await listing.fetch(transaction, sa.select(shares).where(*conditions), page, COLUMNS, key=shares.c.id)
    return [Share(*tuple(row)) for row in rows]


async def count(transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    """How many shares meet the conditions."""
    return int(await transaction.scalar(sa.select(sa.func.count()).select_from(shares).where(*conditions)))


def of_project(project_id: str, *, public: bool = False) -> sa.ColumnElement[bool]:
    """The condition that a share is this project's; with ``public`` or everybody's."""
    own = shares.c.project_id == project_id
    return sa.or_(own, shares.c.is_public) if public else own


def at_location(path: str) -> sa.ColumnElement[bool]:
    """The condition that a share is used at this path, by the network or on its host."""
    return sa.or_(shares.c.path == path, shares.c.location == path)


def among(ids: Sequence[str]) -> sa.ColumnElement[bool]:
    """The condition that a share has one of these ids."""
    return shares.c.id.in_(ids)


def has_metadata(key: str, value: str) -> sa.ColumnElement[bool]:
    """The condition that a share carries this pair."""
    return sa.exists().where(metadata.c.share_id == shares.c.id, metadata.c.key == key, metadata.c.value == value)


async def update(transaction: Transaction, share: Share, **changes: Any) -> Share | None:
    """Store the changed columns, where nobody changed the wish since ``share`` was read; None where somebody did."""
    changed = msgspec.structs.replace(share, updated_at=clock.now(), **changes)
    written = {**changes, "updated_at": changed.updated_at, "status": states.shown(changed)}
    here = sa.and_(shares.c.id == share.id, shares.c.generation == share.generation)
    touched = await transaction.execute(shares.update().where(here).values(**written))
    return msgspec.structs.replace(changed, status=written["status"]) if touched else None


async def delete(transaction: Transaction, share: Share) -> bool:
    """Forget the share, where nobody changed the wish since it was read."""
    here = sa.and_(shares.c.id == share.id, shares.c.generation == share.generation)
    return await transaction.execute(shares.delete().where(here)) > 0


async def recorded_in_use(transaction: Transaction, only: str | None) -> list[Share]:
    """The shares of this host (None: of all) whose row says that they are mounted, locked."""
    used = shares.c.path.is_not(None)
    select = sa.select(shares).where(used, *hosts.placed(shares.c.host, only)).with_for_update()
    return [Share(*tuple(row)) for row in await transaction.rows(select)]


async def made_from(transaction: Transaction, snapshot_id: str) -> list[str]:
    """The ids of the shares that began with this snapshot."""
    rows = await transaction.rows(sa.select(shares.c.id).where(shares.c.snapshot_id == snapshot_id))
    return [row.id for row in rows]


async def metadata_of(transaction: Transaction, share_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The metadata of several shares by share; shares without any are absent."""
    found: dict[str, dict[str, str]] = {}
    select = sa.select(metadata).where(metadata.c.share_id.in_(share_ids)).order_by(metadata.c.key)
    for row in await transaction.rows(select):
        found.setdefault(row.share_id, {})[row.key] = row.value
    return found


async def put_metadata(transaction: Transaction, share_id: str, pairs: dict[str, str], *, replace: bool) -> None:
    """Set the pairs; with ``replace`` they become all there is."""
    where = metadata.c.share_id == share_id
    await transaction.execute(metadata.delete().where(where if replace else where & metadata.c.key.in_(list(pairs))))
    if pairs:
        rows = [{"share_id": share_id, "key": key, "value": value} for key, value in pairs.items()]
        await transaction.execute(metadata.insert().values(rows))


async def drop_metadata(transaction: Transaction, share_id: str, key: str) -> bool:
    """Remove one pair; False where there is none."""
    here = sa.and_(metadata.c.share_id == share_id, metadata.c.key == key)
    return await transaction.execute(metadata.delete().where(here)) > 0
