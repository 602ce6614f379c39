"""Share types in the database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.share.model import ShareType
from boxship.services.share.store.tables import share_types, shares, type_access

PUBLIC = share_types.c.is_public.is_(True)
PRIVATE = share_types.c.is_public.is_(False)


async def insert(transaction: Transaction, share_type: ShareType) -> None:
    """Store a new type."""
    await transaction.execute(share_types.insert().values(**msgspec.structs.asdict(share_type)))


async def get(transaction: Transaction, id: str) -> ShareType | None:
    """The type with this id."""
    return await _one(transaction, share_types.c.id == id)


async def named(transaction: Transaction, name: str) -> ShareType | None:
    """The type of this name."""
    return await _one(transaction, share_types.c.name == name)


async def _one(transaction: Transaction, here: sa.ColumnElement[bool]) -> ShareType | None:
    row = await transaction.row(sa.select(share_types).where(here))
    return ShareType(*tuple(row)) if row else None


async def keep(transaction: Transaction, id: str) -> bool:
    """Let nobody remove the type until the transaction ends; False where it is gone."""
    select = sa.select(share_types.c.id).where(share_types.c.id == id)
    return await transaction.scalar(select.with_for_update(read=True, key_share=True)) is not None


async def lock(transaction: Transaction, id: str) -> None:
    """Wait for those who keep the type, and let nobody else until the transaction ends."""
    await transaction.scalar(sa.select(share_types.c.id).where(share_types.c.id == id).with_for_update())


async def of(transaction: Transaction, ids: Sequence[str]) -> dict[str, ShareType]:
    """Several types by id."""
    rows = await transaction.rows(sa.select(share_types).where(share_types.c.id.in_(ids)))
    return {row.id: ShareType(*tuple(row)) for row in rows}


async def all_of(transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]]) -> list[ShareType]:
    """The types that meet the conditions, newest first."""
    select = sa.select(share_types).where(*conditions).order_by(share_types.c.created_at.desc(), share_types.c.id)
    return [ShareType(*tuple(row)) for row in await transaction.rows(select)]


def seen_by(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a type is public or the project has access."""
    given = sa.exists().where(type_access.c.type_id == share_types.c.id, type_access.c.project_id == project_id)
    return sa.or_(PUBLIC, given)


async def update(transaction: Transaction, share_type: ShareType) -> None:
    """Store all that may change of a type."""
    values = msgspec.structs.asdict(share_type)
    await transaction.execute(share_types.update().where(share_types.c.id == share_type.id).values(**values))


async def delete(transaction: Transaction, id: str) -> None:
    """Forget the type."""
    await transaction.execute(share_types.delete().where(share_types.c.id == id))


async def is_used(transaction: Transaction, id: str) -> bool:
    """Whether shares of the type exist."""
    return await transaction.scalar(sa.select(shares.c.id).where(shares.c.type_id == id).limit(1)) is not None


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
