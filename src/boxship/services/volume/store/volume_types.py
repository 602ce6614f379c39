"""Volume types in the database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.volume.model import VolumeType
from boxship.services.volume.store.tables import type_access, volume_types, volumes

COLUMNS: listing.Columns = {
    "id": volume_types.c.id,
    "name": volume_types.c.name,
    "created_at": volume_types.c.created_at,
}
"""What lists sort by."""

PUBLIC = volume_types.c.is_public.is_(True)
PRIVATE = volume_types.c.is_public.is_(False)


async def insert(transaction: Transaction, volume_type: VolumeType) -> None:
    """Store a new type."""
    await transaction.execute(volume_types.insert().values(**msgspec.structs.asdict(volume_type)))


async def get(transaction: Transaction, id: str) -> VolumeType | None:
    """The type with this id."""
    row = await transaction.row(sa.select(volume_types).where(volume_types.c.id == id))
    return VolumeType(*tuple(row)) if row else None


async def named(transaction: Transaction, name: str) -> VolumeType | None:
    """The type of this name."""
    row = await transaction.row(sa.select(volume_types).where(volume_types.c.name == name))
    return VolumeType(*tuple(row)) if row else None


async def names(transaction: Transaction) -> list[str]:
    """The names of all types."""
    rows = await transaction.rows(sa.select(volume_types.c.name).order_by(volume_types.c.name))
    return [row.name for row in rows]


def has_spec(key: str, value: str) -> sa.ColumnElement[bool]:
    """The condition that a type has this extra spec; quotes within values are escaped in JSON, so no value looks like a pair."""
    pair = msgspec.json.encode({key: value}).decode()[1:-1]
    found: sa.ColumnElement[bool] = sa.type_coerce(volume_types.c.extra_specs, sa.Text).contains(pair, autoescape=True)
    return found


def seen_by(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a type is public or the project has access."""
    given = sa.exists().where(type_access.c.type_id == volume_types.c.id, type_access.c.project_id == project_id)
    return sa.or_(PUBLIC, given)


async def projects(transaction: Transaction, id: str) -> list[str]:
    """Which projects have access to a private type."""
    select = sa.select(type_access.c.project_id).where(type_access.c.type_id == id)
    return [row.project_id for row in await transaction.rows(select.order_by(type_access.c.project_id))]


async def give(transaction: Transaction, id: str, project_id: str) -> None:
    """Give a project access."""
    await transaction.execute(type_access.insert().values(type_id=id, project_id=project_id))


async def take(transaction: Transaction, id: str, project_id: str) -> bool:
    """Take a project's access away; False where it has none."""
    here = sa.and_(type_access.c.type_id == id, type_access.c.project_id == project_id)
    return await transaction.execute(type_access.delete().where(here)) > 0


async def of(transaction: Transaction, ids: Sequence[str]) -> dict[str, VolumeType]:
    """Several types by id."""
    rows = await transaction.rows(sa.select(volume_types).where(volume_types.c.id.in_(ids)))
    return {row.id: VolumeType(*tuple(row)) for row in rows}


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[VolumeType]:
    """One page of the types that meet the conditions."""
    select = sa.select(volume_types).where(*conditions)
    rows = await listing.fetch(transaction, select, page, COLUMNS, key=volume_types.c.id)
    return [VolumeType(*tuple(row)) for row in rows]


async def update(transaction: Transaction, volume_type: VolumeType) -> None:
    """Store all that may change of a type."""
    await transaction.execute(
        volume_types.update()
        .where(volume_types.c.id == volume_type.id)
        .values(
            name=volume_type.name,
            description=volume_type.description,
            is_public=volume_type.is_public,
            extra_specs=volume_type.extra_specs,
        )
    )


async def delete(transaction: Transaction, id: str) -> None:
    """Forget the type."""
    await transaction.execute(volume_types.delete().where(volume_types.c.id == id))


async def is_used(transaction: Transaction, id: str) -> bool:
    """Whether volumes of the type exist."""
    return await transaction.scalar(sa.select(volumes.c.id).where(volumes.c.type_id == id).limit(1)) is not None
