"""Lists: whatever is sorted by and however large the pages are, walking them shows every row once, in order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from boxship.core import errors
from boxship.core.db import types
from boxship.core.db.database import Database, PostgresDatabase, SqliteDatabase
from boxship.core.http import listing
from boxship.core.http.call import Query
from tests import postgres

_metadata = sa.MetaData()
_things = sa.Table(
    "things",
    _metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(20)),
    sa.Column("size", sa.Integer),
    sa.Column("shared", sa.Boolean),
    sa.Column("created_at", types.Moment),
)
COLUMNS = {column.name: column for column in _things.columns}


def _rows(count: int) -> list[dict[str, Any]]:
    """Rows with many equal values and many that are missing."""
    chance = random.Random(7)  # noqa: S311 (the same rows each time)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        {
            "id": f"{at * 7919 % 1000:03}",
            "name": chance.choice([None, "a", "b", "B", "\u00e9", ""]),
            "size": chance.choice([None, -1, 0, 1, 2]),
            "shared": chance.choice([None, True, False]),
            "created_at": chance.choice([None, start, start + timedelta(microseconds=1), start + timedelta(days=1)]),
        }
        for at in range(count)
    ]


ROWS = _rows(60)


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def database(
    request: pytest.FixtureRequest, server: postgres.Postgres, tmp_path: Path
) -> AsyncIterator[Database]:
    """A database with the rows."""
    made: SqliteDatabase | PostgresDatabase
    made = SqliteDatabase(tmp_path / "db") if request.param == "sqlite" else PostgresDatabase(await server.database())
    async with made.write() as transaction:
        await transaction.execute(sa.schema.CreateTable(_things))
        for row in ROWS:
            await transaction.execute(_things.insert().values(row))
    yield made
    await made.close()


async def walk(database: Database, query: str) -> list[str]:
    """The ids of all pages, one after the other, in the direction of the query."""
    seen: list[str] = []
    marker, reverse = "", "page_reverse=true" in query.lower()
    for _ in range(len(ROWS) + 1):
        page = listing.page(Query.parse(f"{query}&marker={marker}".encode()), COLUMNS, default_sort="name")
        async with database.read() as transaction:
            rows = await listing.fetch(transaction, sa.select(_things), page, COLUMNS, key=_things.c.id)
        assert len(rows) <= (page.limit or len(ROWS))
        ids = [row.id for row in rows]
        seen = ids + seen if reverse else seen + ids
        if not listing.next_marker(rows, page):
            return seen
        marker = ids[0] if reverse else ids[-1]
    raise AssertionError("the pages do not end")


def _orders(count: int) -> Sequence[str]:
    """Random orders with random limits, in both spellings."""
    chance = random.Random(11)  # noqa: S311 (the same orders each time)
    queries = []
    for _ in range(count):
        keys = chance.sample(sorted(COLUMNS), chance.randint(1, 3))
        directions = [chance.choice(["asc", "desc"]) for _ in keys]
        pairs = list(zip(keys, directions, strict=True))
        separate = "&".join(f"sort_key={key}&sort_dir={direction}" for key, direction in pairs)
        joined = "sort=" + ",".join(f"{key}:{direction}" for key, direction in pairs)
        queries.append(f"{chance.choice([separate, joined])}&limit={chance.choice([1, 2, 3, 7, 59, 60, 61])}")
    return queries


async def test_every_row_is_shown_once_in_every_order_and_size_of_page(database: Database) -> None:
    for query in ["limit=1", *(f"sort_key={name}&limit=7" for name in COLUMNS), *_orders(25)]:
        forwards = await walk(database, query)
        assert sorted(forwards) == sorted(row["id"] for row in ROWS), query
        assert forwards == await walk(database, query.partition("&limit")[0] if "sort" in query else ""), query
        assert await walk(database, f"{query}&page_reverse=True") == forwards, query


async def test_null_is_the_smallest_value(database: Database) -> None:
    values = {row["id"]: row["size"] for row in ROWS}
    ascending = [values[id] for id in await walk(database, "sort_key=size")]
    assert ascending == sorted(ascending, key=lambda size: -10 if size is None else size)
    descending = [values[id] for id in await walk(database, "sort_key=size&sort_dir=desc")]
    assert descending == ascending[::-1]


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("name=a", "name", ["a"]),
        ("name=a&name=b", "name", ["a", "b"]),
        ("shared=True", "shared", [True]),
        ("shared=0", "shared", [False]),
        ("size=-1&size=2", "size", [-1, 2]),
        ("created_at=2026-01-02T00:00:00Z", "created_at", [datetime(2026, 1, 2, tzinfo=UTC)]),
        ("created_at=2026-01-02T01:00:00%2B01:00", "created_at", [datetime(2026, 1, 2, tzinfo=UTC)]),
        ("unknown=1", "id", [row["id"] for row in ROWS]),
    ],
)
async def test_filters(database: Database, query: str, name: str, value: list[Any]) -> None:
    conditions = listing.filters(Query.parse(query.encode()), COLUMNS)
    async with database.read() as transaction:
        rows = await transaction.rows(sa.select(_things).where(*conditions))
    assert sorted(row.id for row in rows) == sorted(row["id"] for row in ROWS if row[name] in value)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("sort_key=password", "sort_key"),
        ("sort_key=name&sort_dir=up", "sort_dir"),
        ("sort=name:up", "sort_dir"),
        ("sort=:desc", "sort_key"),
        ("page_reverse=perhaps", "page_reverse"),
    ],
)
def test_a_bad_order_is_refused(query: str, field: str) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        listing.page(Query.parse(query.encode()), COLUMNS, default_sort="name")
    assert caught.value.field == field


@pytest.mark.parametrize("query", ["shared=perhaps", "size=x", "size=99999999999", "created_at=yesterday"])
def test_a_bad_filter_is_refused(query: str) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        listing.filters(Query.parse(query.encode()), COLUMNS)
    assert caught.value.field == query.partition("=")[0]


@pytest.mark.parametrize(("query", "limit"), [("", 1000), ("limit=0", 1000), ("limit=5", 5), ("limit=5000", 1000)])
def test_limits(query: str, limit: int) -> None:
    assert listing.page(Query.parse(query.encode()), COLUMNS, default_sort="name").limit == limit


async def test_a_marker_that_is_not_in_the_list_is_refused(database: Database) -> None:
    page = listing.page(Query.parse(b"marker=nothing"), COLUMNS, default_sort="name")
    async with database.read() as transaction:
        with pytest.raises(errors.BadRequest, match="marker: 'nothing' is not in this list"):
            await listing.fetch(transaction, sa.select(_things), page, COLUMNS, key=_things.c.id)
