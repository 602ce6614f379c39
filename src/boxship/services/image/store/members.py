"""Members of shared images in the database."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.image.model import Member
from boxship.services.image.store.tables import members


async def insert(transaction: Transaction, member: Member) -> None:
    """Store a new member."""
    await transaction.execute(members.insert().values(**msgspec.structs.asdict(member)))


async def get(transaction: Transaction, image_id: str, member_id: str) -> Member | None:
    """The membership of a project."""
    row = await transaction.row(
        sa.select(members).where(members.c.image_id == image_id, members.c.member_id == member_id)
    )
    return Member(*tuple(row)) if row else None


async def of(transaction: Transaction, image_id: str) -> list[Member]:
    """All members of an image, oldest first."""
    select = sa.select(members).where(members.c.image_id == image_id)
    rows = await transaction.rows(select.order_by(members.c.created_at, members.c.member_id))
    return [Member(*tuple(row)) for row in rows]


async def update(transaction: Transaction, member: Member) -> None:
    """Store the status of a membership."""
    await transaction.execute(
        members.update()
        .where(members.c.image_id == member.image_id, members.c.member_id == member.member_id)
        .values(status=member.status, updated_at=member.updated_at)
    )


async def delete(transaction: Transaction, image_id: str, member_id: str) -> bool:
    """Forget a member; False where there is none."""
    touched = await transaction.execute(
        members.delete().where(members.c.image_id == image_id, members.c.member_id == member_id)
    )
    return touched > 0
