"""Lists: limit, marker, sort keys and filters, parsed the way upstream's clients send them and served from an index.

Pages are by key (the row of ``marker`` and what comes after it), never by offset, so page 1,000 costs what page 1 costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from boxship.core import errors
from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http.call import Query

Columns = Mapping[str, sa.ColumnElement[Any]]
"""The fields of a resource that may be sorted or filtered by, with their columns."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: ``sorts`` are pairs of key and whether descending; ``reverse`` walks towards the start;
    ``offset`` rows are left out, for the APIs that have it."""

    limit: int | None
    marker: str | None
    sorts: tuple[tuple[str, bool], ...]
    reverse: bool = False
    offset: int = 0


def page(query: Query, columns: Columns, *, default_sort: str, descending: bool = False, most: int = 1000) -> Page:
    """Read ``limit``, ``marker``, ``sort_key``/``sort_dir`` (any number, or joined by commas), ``sort=key:dir`` and
    ``page_reverse``.

    A limit above ``most`` is cut to it. BadRequest: an unknown key, a direction that is neither asc nor desc, a bad limit.
    """
    limit = query.number("limit")
    sorts = _sorts(query, columns) or ((default_sort, descending),)
    return Page(
        limit=min(limit, most) if limit else most,
        marker=query.one("marker") or None,
        sorts=sorts,
        reverse=query.flag("page_reverse"),
    )


def _sorts(query: Query, columns: Columns) -> tuple[tuple[str, bool], ...]:
    keys = [key for value in query.all("sort_key") for key in value.split(",") if key]
    directions = [direction for value in query.all("sort_dir") for direction in value.split(",") if direction]
    pairs = [
        (key, directions[at] if at < len(directions) else (directions[-1] if directions else "asc"))
        for at, key in enumerate(keys)
    ]
    for entry in (part for value in query.all("sort") for part in value.split(",") if part):
        key, _, direction = entry.partition(":")
        pairs.append((key, direction or "asc"))
    for key, direction in pairs:
        if key not in columns:
            raise errors.BadRequest(
                f"{key!r} is not a field to sort by; these are: {', '.join(sorted(columns))}", field="sort_key"
            )
        if direction not in {"asc", "desc"}:
            raise errors.BadRequest(f"{direction!r} is neither asc nor desc", field="sort_dir")
    return tuple((key, direction == "desc") for key, direction in pairs)


def filters(query: Query, columns: Columns) -> list[sa.ColumnElement[bool]]:
    """One condition per field named in the query: equal, or one of several values. Booleans in any spelling.

    Names that are not in ``columns`` are left to the caller. BadRequest: not a value of the column's type.
    """
    conditions = []
    for name in dict.fromkeys(key for key, _ in query.pairs if key in columns):
        column = columns[name]
        values = [_typed(name, value, column) for value in query.all(name)]
        conditions.append(column == values[0] if len(values) == 1 else column.in_(values))
    return conditions


def _typed(name: str, value: str, column: sa.ColumnElement[Any]) -> object:
    if isinstance(column.type, sa.Boolean):
        return Query(((name, value),)).flag(name)
    if isinstance(column.type, sa.Integer):
        return Query(((name, value),)).number(name, least=-(2**31))
    if isinstance(column.type, types.Moment):
        return moment(name, value)
    return value


def moment(name: str, value: str) -> datetime:
    """A moment in ISO 8601, of the field ``name``; UTC where it names no zone. BadRequest: it is none."""
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.BadRequest(f"{value!r} is not a moment in ISO 8601", field=name) from error


async def fetch(
    transaction: Transaction, select: sa.Select[Any], page: Page, columns: Columns, *, key: sa.ColumnElement[str]
) -> Sequence[sa.Row[Any]]:
    """The rows of a page. ``key`` is the unique column (the id) that ends every order.

    BadRequest: the marker names no row of this list.
    """
    order = [(columns[name], descending != page.reverse) for name, descending in page.sorts]
    order.append((key, page.reverse))
    if page.marker is not None:
        marker = await transaction.row(
            select.with_only_columns(*[column for column, _ in order]).where(key == page.marker)
        )
        if marker is None:
            raise errors.BadRequest(f"{page.marker!r} is not in this list", field="marker")
        select = select.where(_after(order, marker))
    select = select.order_by(*[_ordered(column, descending) for column, descending in order])
    if page.limit is not None:
        select = select.limit(page.limit)
    if page.offset:
        select = select.offset(page.offset)
    rows = await transaction.rows(select)
    return rows[::-1] if page.reverse else rows


def _ordered(column: sa.ColumnElement[Any], descending: bool) -> sa.ColumnElement[Any]:
    ordered: sa.ColumnElement[Any] = sa.nulls_last(column.desc()) if descending else sa.nulls_first(column.asc())
    return ordered


def _after(order: Sequence[tuple[sa.ColumnElement[Any], bool]], marker: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Lexicographic: equal in the first n columns and beyond in the next. NULL counts as the smallest value."""
    alternatives = []
    for at, (column, descending) in enumerate(order):
        equal = [_equal(earlier, marker[place]) for place, (earlier, _) in enumerate(order[:at])]
        alternatives.append(sa.and_(*equal, _beyond(column, marker[at], descending)))
    return sa.or_(*alternatives)


def _equal(column: sa.ColumnElement[Any], value: object) -> sa.ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _beyond(column: sa.ColumnElement[Any], value: object, descending: bool) -> sa.ColumnElement[bool]:
    if value is None:
        return sa.false() if descending else column.is_not(None)
    edge = sa.literal(value, column.type)  # SQLAlchemy does not compare with a bare True
    if descending:
        smaller: sa.ColumnElement[bool] = sa.or_(column < edge, column.is_(None))
        return smaller
    greater: sa.ColumnElement[bool] = column > edge
    return greater


def next_marker(rows: Sequence[Any], page: Page) -> bool:
    """Whether another page may follow (the page came out full)."""
    return page.limit is not None and len(rows) >= page.limit
