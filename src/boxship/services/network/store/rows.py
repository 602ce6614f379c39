"""What is the same for every table of this service: a row by id, a new row, a change, a wish, what was observed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from boxship.core import clock, hosts
from boxship.core.db.database import Transaction
from boxship.core.http import listing

Shape = TypeVar("Shape", bound=msgspec.Struct)


def built(shape: type[Shape], row: Sequence[Any]) -> Shape:
    """A row of a table as its Struct; columns and fields have the same order."""
    return shape(*row)


async def get(transaction: Transaction, table: sa.Table, shape: type[Shape], id: str) -> Shape | None:
    """The row with this id."""
    row = await transaction.row(sa.select(table).where(table.c.id == id))
    return None if row is None else built(shape, row)


async def revision(transaction: Transaction, table: sa.Table, id: str) -> int | None:
    """The revision of the row with this id, which stays until the transaction ends."""
    select = sa.select(table.c.revision_number).where(table.c.id == id).with_for_update()
    found: int | None = await transaction.scalar(select)
    return found


async def project(transaction: Transaction, table: sa.Table, id: str) -> str:
    """The project of the row with this id; empty where it is gone."""
    found = await transaction.scalar(sa.select(table.c.project_id).where(table.c.id == id))
    return str(found or "")


async def find(
    transaction: Transaction, table: sa.Table, shape: type[Shape], *conditions: sa.ColumnElement[bool]
) -> list[Shape]:
    """The rows that meet all conditions."""
    return [built(shape, row) for row in await transaction.rows(sa.select(table).where(*conditions))]


async def page(
    transaction: Transaction,
    source: tuple[sa.Table, type[Shape], listing.Columns],
    part: listing.Page,
    conditions: Sequence[sa.ColumnElement[bool]],
) -> list[Shape]:
    """A page of the rows that meet all conditions."""
    table, shape, columns = source
    select = sa.select(table).where(*conditions)
    return [built(shape, row) for row in await listing.fetch(transaction, select, part, columns, key=table.c.id)]


async def called(
    transaction: Transaction, table: sa.Table, name_or_id: str, *conditions: sa.ColumnElement[bool]
) -> list[str]:
    """The id itself, or else the ids of what has the name (two are enough to know that it is not unique)."""
    for column in (table.c.id, table.c.name):
        select = sa.select(table.c.id).where(column == name_or_id, *conditions).limit(2)
        found = [row.id for row in await transaction.rows(select)]
        if found:
            return found
    return []


async def generation(transaction: Transaction, table: sa.Table, id: str) -> int | None:
    """The count of wishes on a row; None: it is gone."""
    found: int | None = await transaction.scalar(sa.select(table.c.generation).where(table.c.id == id))
    return found


async def insert(transaction: Transaction, table: sa.Table, *rows: msgspec.Struct) -> None:
    """New rows; a statement each, because one for several would be compiled anew each time."""
    for row in rows:
        await transaction.execute(table.insert().values(msgspec.structs.asdict(row)))


async def change(transaction: Transaction, table: sa.Table, id: str, **values: Any) -> None:
    """Set these columns of a row; none is no change."""
    if not values:
        return
    await transaction.execute(table.update().where(table.c.id == id).values(**values))


async def revise(transaction: Transaction, table: sa.Table, id: str, **values: Any) -> None:
    """Set these columns of a row, if any, and count the change; one of what belongs to it counts, too: of a network its
    subnets, of a group its rules, of a router its legs."""
    revised = {"updated_at": clock.now(), "revision_number": table.c.revision_number + 1}
    await transaction.execute(table.update().where(table.c.id == id).values(**values, **revised))


async def wish(transaction: Transaction, table: sa.Table, ids: Iterable[str], kind: str) -> None:
    """Count a wish on these rows and tell their reconciler: the world has to follow once more."""
    wanted = sorted(set(ids))
    if not wanted:
        return
    await transaction.execute(table.update().where(table.c.id.in_(wanted)).values(generation=table.c.generation + 1))
    for id in wanted:
        transaction.wake(kind, id)


async def delete(transaction: Transaction, table: sa.Table, id: str) -> None:
    """Remove the row."""
    await transaction.execute(table.delete().where(table.c.id == id))


async def ids(transaction: Transaction, table: sa.Table) -> list[str]:
    """Every id."""
    return [row.id for row in await transaction.rows(sa.select(table.c.id))]


async def behind(transaction: Transaction, table: sa.Table, only: str | None) -> list[str]:
    """The ids of rows whose wish is not met, from the index of just these; what is on another host than ``only`` is not in
    it."""
    here = hosts.placed(table.c.host, only) if "host" in table.c else []
    select = sa.select(table.c.id).where(table.c.observed != table.c.generation, *here)
    return [row.id for row in await transaction.rows(select)]


async def failed(transaction: Transaction, table: sa.Table) -> list[str]:
    """The ids of rows whose wish was given up, with a reason."""
    return [row.id for row in await transaction.rows(sa.select(table.c.id).where(table.c.reason.is_not(None)))]


async def observe(transaction: Transaction, table: sa.Table, id: str, generation: int, **seen: Any) -> bool:
    """Record what became real of the wish ``generation``; False where the wish has changed since or the row is gone."""
    touched = await transaction.execute(
        table.update().where(table.c.id == id, table.c.generation == generation).values(observed=generation, **seen)
    )
    return touched == 1


async def count(transaction: Transaction, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """How many rows meet all conditions."""
    return int(await transaction.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0)


async def exists(transaction: Transaction, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> bool:
    """Whether a row meets all conditions."""
    return await transaction.row(sa.select(sa.literal(1)).select_from(table).where(*conditions).limit(1)) is not None


def grouped(rows: Iterable[Sequence[Any]]) -> dict[str, tuple[str, ...]]:
    """Rows of (owner, value) as the values of each owner, in order."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1])
    return {owner: tuple(values) for owner, values in found.items()}


def differing(before: msgspec.Struct, after: msgspec.Struct) -> dict[str, object]:
    """The columns in which two rows differ, with the values of the second."""
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    return {name: value for name, value in new.items() if value != old[name]}
