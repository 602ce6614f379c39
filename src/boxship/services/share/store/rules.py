"""Access rules in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.services.share.model import Rule
from boxship.services.share.store.tables import rule_metadata, rules


async def insert(transaction: Transaction, rule: Rule) -> None:
    """Store a new rule."""
    await transaction.execute(rules.insert().values(**msgspec.structs.asdict(rule)))


async def get(transaction: Transaction, id: str) -> Rule | None:
    """The rule."""
    row = await transaction.row(sa.select(rules).where(rules.c.id == id))
    return Rule(*tuple(row)) if row else None


async def of(transaction: Transaction, share_ids: Sequence[str]) -> dict[str, list[Rule]]:
    """The rules of several shares by share, oldest first; shares without any are absent."""
    found: dict[str, list[Rule]] = {}
    select = sa.select(rules).where(rules.c.share_id.in_(share_ids)).order_by(rules.c.created_at, rules.c.id)
    for row in await transaction.rows(select):
        found.setdefault(row.share_id, []).append(Rule(*tuple(row)))
    return found


async def update(transaction: Transaction, ids: Sequence[str], **changes: Any) -> None:
    """Change these rules."""
    await transaction.execute(rules.update().where(rules.c.id.in_(ids)).values(updated_at=clock.now(), **changes))


async def delete(transaction: Transaction, ids: Sequence[str]) -> None:
    """Forget these rules."""
    await transaction.execute(rules.delete().where(rules.c.id.in_(ids)))


async def metadata_of(transaction: Transaction, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The metadata of several rules by rule; those without any are absent."""
    found: dict[str, dict[str, str]] = {}
    select = sa.select(rule_metadata).where(rule_metadata.c.rule_id.in_(ids)).order_by(rule_metadata.c.key)
    for row in await transaction.rows(select):
        found.setdefault(row.rule_id, {})[row.key] = row.value
    return found


async def put_metadata(transaction: Transaction, id: str, pairs: dict[str, str]) -> None:
    """Set these pairs."""
    here = sa.and_(rule_metadata.c.rule_id == id, rule_metadata.c.key.in_(list(pairs)))
    await transaction.execute(rule_metadata.delete().where(here))
    if pairs:
        rows = [{"rule_id": id, "key": key, "value": value} for key, value in pairs.items()]
        await transaction.execute(rule_metadata.insert().values(rows))


async def drop_metadata(transaction: Transaction, id: str, key: str) -> bool:
    """Remove one pair; False where there is none."""
    here = sa.and_(rule_metadata.c.rule_id == id, rule_metadata.c.key == key)
    return await transaction.execute(rule_metadata.delete().where(here)) > 0
