"""Transactions: all or nothing, one writer, wake-ups after the commit only, and errors that say what is the matter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from boxship.core import errors
from boxship.core.db import database as databases
from boxship.core.db import holds
from boxship.core.db.database import Database, PostgresDatabase, SqliteDatabase
from tests import postgres

_metadata = sa.MetaData()
_things = sa.Table("things", _metadata, sa.Column("id", sa.String(36), primary_key=True), sa.Column("size", sa.Integer))
_parts = sa.Table(
    "parts", _metadata, sa.Column("thing_id", sa.String(36), sa.ForeignKey("things.id"), primary_key=True)
)

Wakes = list[tuple[str, str]]


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def database(
    request: pytest.FixtureRequest, server: postgres.Postgres, tmp_path: Path, woken: Wakes
) -> AsyncIterator[Database]:
    """An empty database of each kind with two tables."""

    def wake(kind: str, id: str) -> None:
        woken.append((kind, id))

    made: SqliteDatabase | PostgresDatabase
    sqlite = request.param == "sqlite"
    made = SqliteDatabase(tmp_path / "db", wake) if sqlite else PostgresDatabase(await server.database(), wake)
    async with made.write() as transaction:
        for table in (_things, _parts):
            await transaction.execute(sa.schema.CreateTable(table))
    yield made
    await made.close()


async def ids(database: Database) -> list[str]:
    """The ids of all things."""
    async with database.read() as transaction:
        return [row.id for row in await transaction.rows(sa.select(_things).order_by(_things.c.id))]


async def test_a_block_that_ends_well_is_committed(database: Database) -> None:
    async with database.write() as transaction:
        assert await transaction.execute(_things.insert().values(id="a", size=1)) == 1
        assert await transaction.execute(_things.update().values(size=2)) == 1
        assert await transaction.scalar(sa.select(_things.c.size)) == 2
    assert await ids(database) == ["a"]


@pytest.mark.parametrize("failure", [ValueError("x"), errors.Conflict("x"), asyncio.CancelledError()])
async def test_a_block_that_raises_is_undone_and_wakes_nobody(
    database: Database, woken: Wakes, failure: BaseException
) -> None:
    with pytest.raises(type(failure)):
        async with database.write() as transaction:
            await transaction.execute(_things.insert().values(id="a"))
            transaction.wake("thing", "a")
            raise failure
    assert await ids(database) == []
    assert woken == []
    async with database.write() as transaction:
        await transaction.execute(_things.insert().values(id="b"))
    assert await ids(database) == ["b"], "the next one is not hindered"


async def test_wake_ups_leave_after_the_commit_each_once_in_order(database: Database, woken: Wakes) -> None:
    async with database.write() as transaction:
        for id in ("b", "a", "b"):
            transaction.wake("thing", id)
        await asyncio.sleep(0)
        assert woken == []
    assert woken == [("thing", "b"), ("thing", "a")]


async def test_whoever_is_woken_sees_what_was_written(tmp_path: Path) -> None:
    seen: list[asyncio.Task[list[str]]] = []

    def wake(_kind: str, _id: str) -> None:
        seen.append(asyncio.ensure_future(ids(made)))

    made = SqliteDatabase(tmp_path / "db", wake)
    async with made.write() as transaction:
        await transaction.execute(sa.schema.CreateTable(_things))
        await transaction.execute(_things.insert().values(id="a"))
        transaction.wake("thing", "a")
    assert await seen[0] == ["a"]
    await made.close()


async def test_a_reader_sees_nothing_of_a_transaction_under_way(database: Database) -> None:
    async with database.write() as transaction:
        await transaction.execute(_things.insert().values(id="a"))
        assert await ids(database) == []
    assert await ids(database) == ["a"]


async def test_a_reader_sees_one_moment(database: Database) -> None:
    async with database.read() as reader:
        count = sa.select(sa.func.count()).select_from(_things)
        assert await reader.scalar(count) == 0
        async with database.write() as transaction:
            await transaction.execute(_things.insert().values(id="a"))
        assert await reader.scalar(count) == 0


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises((sa.exc.DBAPIError, errors.Unavailable)):
        async with database.read() as transaction:
            await transaction.execute(_things.insert().values(id="a"))
    assert await ids(database) == []


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with database.write() as transaction:
            await transaction.execute(_parts.insert().values(thing_id="none"))


async def test_what_is_serialised_on_one_key_does_not_overlap(database: Database) -> None:
    async def add(id: str) -> bool:
        async with database.write() as transaction:
            await transaction.serialise("quota")
            if (await transaction.scalar(sa.select(sa.func.count()).select_from(_things)) or 0) >= 3:
                return False
            await asyncio.sleep(0)
            await transaction.execute(_things.insert().values(id=id))
            return True

    taken = await asyncio.gather(*(add(str(at)) for at in range(12)))
    assert sum(taken) == 3
    assert len(await ids(database)) == 3


async def test_writers_of_sqlite_wait_for_each_other(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "db")
    inside, most = 0, 0

    async def write() -> None:
        nonlocal inside, most
        async with database.write() as transaction:
            inside, most = inside + 1, max(most, inside + 1)
            await transaction.scalar(sa.text("SELECT 1"))
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(write() for _ in range(10)))
    assert most == 1
    await database.close()


async def test_a_request_that_is_cancelled_while_it_commits_is_committed_and_wakes(
    tmp_path: Path, woken: Wakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SqliteDatabase(tmp_path / "db", lambda kind, id: woken.append((kind, id)))
    async with database.write() as transaction:
        await transaction.execute(sa.schema.CreateTable(_things))
    committing, go_on = asyncio.Event(), asyncio.Event()
    to_thread = asyncio.to_thread

    async def slow(work: Any) -> Any:
        committing.set()
        await go_on.wait()
        return await to_thread(work)

    monkeypatch.setattr(asyncio, "to_thread", slow)

    async def request() -> None:
        async with database.write() as transaction:
            await transaction.execute(_things.insert().values(id="a"))
            transaction.wake("thing", "a")

    task = asyncio.ensure_future(request())
    await committing.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ids(database) == ["a"]
    assert woken == [("thing", "a")]
    await database.close()


async def test_a_full_disk_is_said_so_and_changes_nothing(tmp_path: Path, woken: Wakes) -> None:
    database = SqliteDatabase(tmp_path / "db", lambda kind, id: woken.append((kind, id)))
    async with database.write() as transaction:
        await transaction.execute(sa.schema.CreateTable(_things))
    with pytest.raises(errors.Unavailable, match="disk that holds the database is full"):
        async with database.write() as transaction:
            pages = await transaction.scalar(sa.text("PRAGMA page_count"))
            await transaction.scalar(sa.text(f"PRAGMA max_page_count = {pages}"))
            transaction.wake("thing", "0")
            for at in range(1000):
                await transaction.execute(_things.insert().values(id=f"{at:036}"))
    assert await ids(database) == []
    assert woken == []
    await database.close()


async def test_a_database_that_is_away_is_said_so() -> None:
    database = PostgresDatabase("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(errors.Unavailable):
        await database.ping()
    with pytest.raises(errors.Unavailable):
        async with database.write() as transaction:
            await transaction.scalar(sa.text("SELECT 1"))
    with pytest.raises(errors.Unavailable):
        async with database.read() as transaction:
            await transaction.scalar(sa.text("SELECT 1"))
    await database.close()


async def test_a_commit_whose_end_nobody_saw_is_not_called_undone(server: postgres.Postgres, woken: Wakes) -> None:
    """The connection ends while the commit is under way: whether it was made cannot be told, and is not."""
    database = PostgresDatabase(await server.database(), lambda kind, id: woken.append((kind, id)))
    async with database.write() as transaction:
        for statement in (
            "CREATE TABLE things (id int)",
            "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'",
            "CREATE CONSTRAINT TRIGGER away AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION away()",
        ):
            await transaction.execute(sa.text(statement))
    with pytest.raises(errors.Unavailable) as failure:
        async with database.write() as transaction:
            await transaction.execute(sa.text("INSERT INTO things VALUES (1)"))
            transaction.wake("thing", "1")
    assert "before you repeat it" in failure.value.sentence
    assert "nothing was changed" not in failure.value.sentence
    assert not woken
    await database.close()


async def test_who_is_silent_in_a_transaction_holds_nobody_up(
    server: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a host that lost its power: its locks are let go, and where it lives after all it is told."""
    monkeypatch.setattr("boxship.core.db.postgres.SILENCE", 0.2)
    silent = PostgresDatabase(await server.database())
    with pytest.raises(errors.Unavailable):
        async with silent.write() as transaction:
            await transaction.serialise("placement")
            async with silent.write() as other:
                await other.serialise("placement")
            await transaction.scalar(sa.text("SELECT 1"))
    await silent.ping()
    await silent.close()


async def test_a_deadlock_ends_with_one_of_the_two_told_to_try_again(server: postgres.Postgres) -> None:
    database = PostgresDatabase(await server.database())
    meeting = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> str:
        try:
            async with database.write() as transaction:
                await transaction.serialise(first)
                await meeting.wait()
                await transaction.serialise(second)
        except errors.Unavailable:
            return "try again"
        return "done"

    assert sorted(await asyncio.gather(lock("a", "b"), lock("b", "a"))) == ["done", "try again"]
    await database.close()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:////tmp/none/db", SqliteDatabase),
        ("postgresql://u@127.0.0.1/n", PostgresDatabase),
        ("postgres://u@127.0.0.1/n", PostgresDatabase),
    ],
)
async def test_urls(url: str, kind: type) -> None:
    database = databases.connect(url, lambda _kind, _id: None)
    assert isinstance(database, kind)
    await database.close()


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(errors.BadRequest, match="mysql"):
        databases.connect("mysql://x", lambda _kind, _id: None)


async def test_holds_are_repeatable_and_their_end_wakes_what_was_held(sqlite: SqliteDatabase, woken: Wakes) -> None:
    volume, one, two = ("volume", "v"), ("container", "c1"), ("container", "c2")
    async with sqlite.write() as transaction:
        for holder in (one, one, two):
            await holds.hold(transaction, volume, holder)
        assert sorted(await holds.holders(transaction, volume)) == [one, two]
        await holds.wake_holders(transaction, volume)
    assert sorted(woken) == [one, two]
    woken.clear()
    async with sqlite.write() as transaction:
        await holds.release(transaction, volume, one)
        await holds.release(transaction, volume, one)
        assert await holds.holders(transaction, volume) == [two]
        assert woken == []
    assert woken == [volume]
