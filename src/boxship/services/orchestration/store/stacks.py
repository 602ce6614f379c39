"""Stacks and the templates they are made from, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.orchestration.model import Kind, Raw, Stack, Status
from boxship.services.orchestration.store.tables import raws, stacks

COLUMNS: listing.Columns = {
    "id": stacks.c.id,
    "name": stacks.c.name,
    "stack_name": stacks.c.name,
    "action": stacks.c.action,
    "status": stacks.c.status,
    "tenant": stacks.c.project_id,
    "username": stacks.c.user_name,
    "owner_id": stacks.c.owner_id,
    "created_at": stacks.c.created_at,
    "creation_time": stacks.c.created_at,
    "updated_at": stacks.c.updated_at,
    "updated_time": stacks.c.updated_at,
}
"""What lists sort and filter by."""


async def insert(transaction: Transaction, stack: Stack) -> None:
    """Store a new stack and wake who makes it real."""
    await transaction.execute(stacks.insert().values(**msgspec.structs.asdict(stack)))
    transaction.wake(Kind.STACK, stack.id)


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Stack | None:
    """The stack, also one that was deleted; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(stacks).where(stacks.c.id == id)
    row = await transaction.row(select.with_for_update() if lock else select)
    return _stack(row) if row else None


async def named(transaction: Transaction, project_id: str, name: str) -> Stack | None:
    """The stack of this name in the project that is nobody's child and was not deleted."""
    here = sa.and_(stacks.c.project_id == project_id, stacks.c.name == name)
    top = sa.and_(stacks.c.owner_id.is_(None), stacks.c.deleted_at.is_(None))
    row = await transaction.row(sa.select(stacks).where(here, top))
    return _stack(row) if row else None


async def children(transaction: Transaction, owner_id: str) -> list[Stack]:
    """The stacks nested in this one, not deeper."""
    rows = await transaction.rows(sa.select(stacks).where(stacks.c.owner_id == owner_id, stacks.c.deleted_at.is_(None)))
    return [_stack(row) for row in rows]


async def family(transaction: Transaction, root_id: str) -> list[Stack]:
    """The stack and all that are nested in it, at any depth."""
    rows = await transaction.rows(sa.select(stacks).where(stacks.c.root_id == root_id, stacks.c.deleted_at.is_(None)))
    return [_stack(row) for row in rows]


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a stack is this project's."""
    return stacks.c.project_id == project_id


def top() -> sa.ColumnElement[bool]:
    """The condition that a stack is not nested."""
    return stacks.c.owner_id.is_(None)


def there() -> sa.ColumnElement[bool]:
    """The condition that a stack was not deleted."""
    return stacks.c.deleted_at.is_(None)


def tagged(tag: str) -> sa.ColumnElement[bool]:
    """The condition that a stack has this tag."""
    return sa.cast(stacks.c.tags, sa.Text).contains(msgspec.json.encode(tag).decode(), autoescape=True)


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Stack]:
    """One page of the stacks that meet the conditions."""
    rows = await listing.fetch(transaction, sa.select(stacks).where(*conditions), page, COLUMNS, key=stacks.c.id)
    return [_stack(row) for row in rows]


async def count(transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    """How many stacks meet the conditions."""
    return int(await transaction.scalar(sa.select(sa.func.count()).select_from(stacks).where(*conditions)))


async def update(transaction: Transaction, stack: Stack, **changes: Any) -> Stack | None:
    """Store the changed columns where nobody changed the wish since ``stack`` was read; None where somebody did."""
    here = sa.and_(stacks.c.id == stack.id, stacks.c.generation == stack.generation)
    if not await transaction.execute(stacks.update().where(here).values(**changes)):
        return None
    transaction.wake(Kind.STACK, stack.id)
    if stack.owner_id:
        transaction.wake(Kind.STACK, stack.owner_id)
    return msgspec.structs.replace(stack, **changes)


async def delete(transaction: Transaction, stack: Stack) -> None:
    """Forget the stack with its resources, events and snapshots."""
    await transaction.execute(stacks.delete().where(stacks.c.id == stack.id))
    await drop_raws(transaction, [stack.raw_id, *([stack.former_raw_id] if stack.former_raw_id else [])])
    if stack.owner_id:
        transaction.wake(Kind.STACK, stack.owner_id)


async def ids(transaction: Transaction, *, everything: bool) -> list[str]:
    """The stacks on which something is to be done; with ``everything`` all that are there."""
    there = stacks.c.deleted_at.is_(None) if everything else stacks.c.status == Status.IN_PROGRESS
    return [row.id for row in await transaction.rows(sa.select(stacks.c.id).where(there))]


async def project(transaction: Transaction, id: str) -> str:
    """Whose a stack is; empty where there is none."""
    return str(await transaction.scalar(sa.select(stacks.c.project_id).where(stacks.c.id == id)) or "")


async def expired(transaction: Transaction, before: Any) -> list[Stack]:
    """The stacks that were deleted before that moment."""
    rows = await transaction.rows(sa.select(stacks).where(stacks.c.deleted_at < before).limit(200))
    return [_stack(row) for row in rows]


async def insert_raw(transaction: Transaction, raw: Raw) -> None:
    """Store a template with its environment and files."""
    await transaction.execute(raws.insert().values(**msgspec.structs.asdict(raw)))


async def raw(transaction: Transaction, id: str) -> Raw:
    """A stored template."""
    row = await transaction.row(sa.select(raws).where(raws.c.id == id))
    assert row is not None, "a stack's template is there as long as the stack"
    return Raw(*tuple(row))


async def drop_raws(transaction: Transaction, ids: Sequence[str]) -> None:
    """Forget templates that nobody refers to any more."""
    used = sa.exists().where(sa.or_(stacks.c.raw_id == raws.c.id, stacks.c.former_raw_id == raws.c.id))
    await transaction.execute(raws.delete().where(raws.c.id.in_(ids), ~used))


def _stack(row: sa.Row[Any]) -> Stack:
    return Stack(*tuple(row))


async def descriptions(transaction: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """What several stored templates say of themselves."""
    rows = await transaction.rows(sa.select(raws.c.id, raws.c.template).where(raws.c.id.in_(ids)))
    return {row.id: str(row.template.get("description") or row.template.get("Description") or "") for row in rows}
