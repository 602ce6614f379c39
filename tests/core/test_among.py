"""One of many texts as a single parameter, and connections that the server ended, on the databases there are."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from boxship.core import errors
from boxship.core.db import database as db
from boxship.core.db.among import among

_table = sa.Table("things", sa.MetaData(), sa.Column("id", sa.String(64), primary_key=True))
ODD = ["a", "b'c", 'd"e', "f,g", "{h}", "\\", "%", "ü"]


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[db.Database]:
    postgres = request.param == "postgresql"
    address = await request.getfixturevalue("server").database() if postgres else f"sqlite:///{tmp_path / 'db'}"
    made = db.connect(address, lambda _kind, _id: None)
    async with made.write() as transaction:
        await transaction.execute(sa.schema.CreateTable(_table))
        for id in ODD:
            await transaction.execute(_table.insert().values(id=id))
    yield made
    await made.close()


@pytest.mark.parametrize("wanted", [[], ["a"], ["nothing"], ODD[1:], [*ODD, *(str(at) for at in range(5000))]], ids=len)
async def test_what_is_among_texts_is_found(database: db.Database, wanted: list[str]) -> None:
    async with database.read() as transaction:
        rows = await transaction.rows(sa.select(_table.c.id).where(among(_table.c.id, wanted)))
    assert {row.id for row in rows} == set(wanted) & set(ODD)


async def test_a_negation_finds_the_others(database: db.Database) -> None:
    async with database.read() as transaction:
        rows = await transaction.rows(sa.select(_table.c.id).where(sa.not_(among(_table.c.id, ODD[1:]))))
    assert [row.id for row in rows] == ["a"]


async def test_a_connection_that_the_server_ended_is_not_given_out(url: str) -> None:
    made = db.connect(url, lambda _kind, _id: None)
    async with made.read() as transaction:
        before = await transaction.scalar(sa.text("SELECT pg_backend_pid()"))
    other = db.connect(url, lambda _kind, _id: None)
    async with other.write() as transaction:
        assert await transaction.scalar(sa.select(sa.func.pg_terminate_backend(before)))
    there = sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid").bindparams(pid=before)
    deadline = time.monotonic() + 20
    while True:
        async with other.read() as transaction:
            if not await transaction.scalar(there):
                break
        assert time.monotonic() < deadline, "the connection does not end"
    assert await _backend(made) != before
    await other.close()
    await made.close()


async def _backend(database: db.Database) -> int:
    """The process that serves a connection. Who asks while the end of one is on its way is told that the database is away."""
    deadline = time.monotonic() + 20
    while True:
        with suppress(errors.Unavailable):
            async with database.read() as transaction:
                return int(await transaction.scalar(sa.text("SELECT pg_backend_pid()")))
        assert time.monotonic() < deadline, "no other connection is opened"
