"""Transactions, on SQLite or PostgreSQL, with wake-ups that leave only after the commit.

One request or one step of a reconciler is one transaction; nobody commits by hand, and the world is never called
inside one. SQLite runs on the event loop's thread (its queries are memory work of microseconds; a thread hop costs
more) while each commit, which waits for the disk, goes to a thread. One writer at a time takes the write lock at its
start, so that what it read stays true until it commits. See docs/decisions/0002-database.md.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.base import Executable

from boxship.core import errors
from boxship.core.db import postgres


class Transaction(Protocol):
    """What a request or a step does with the database, all of it or nothing."""

    async def execute(self, statement: Executable) -> int:
        """Run a change; the number of rows it touched."""
        ...

    async def rows(self, statement: Executable) -> Sequence[sa.Row[Any]]: ...

    async def row(self, statement: Executable) -> sa.Row[Any] | None:
        """The first row, or None."""
        ...

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        ...

    async def serialise(self, key: str) -> None:
        """Wait for every other transaction that serialises on this key (quota checks, allocations) to end."""
        ...

    def wake(self, kind: str, id: str) -> None:
        """Tell the reconciler of ``kind`` after the commit; nothing is told after a rollback."""
        ...


class Database(Protocol):
    """Where transactions begin."""

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """A consistent view; changes are refused."""
        ...

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """A change: committed (on disk) when the block ends well, undone when it raises."""
        ...

    async def ping(self) -> None:
        """Unavailable where the database does not answer."""
        ...

    async def close(self) -> None: ...


Wake = Callable[[str, str], None]


CHANNEL = "boxship_wakes"
"""Where programs tell each other what they changed."""
_TOLD_AT_ONCE = 40
_PATIENCE = 30.0
"""Seconds that a statement may take; it waits for others' locks for less."""
_ALIVE = 10.0
"""Seconds between two looks whether the database still talks to who listens."""


class _Wakes:
    """Wake-ups collected in a transaction, in order, each once."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, str], None] = {}

    def wake(self, kind: str, id: str) -> None:
        self._pending[(kind, id)] = None

    def leave(self, wake: Wake) -> None:
        for kind, id in self._pending:
            wake(kind, id)

    def told(self, sender: str) -> list[str]:
        """The wake-ups as messages of less than 8,000 bytes, the most that NOTIFY takes."""
        pending = list(self._pending)
        parts = [pending[start : start + _TOLD_AT_ONCE] for start in range(0, len(pending), _TOLD_AT_ONCE)]
        return [json.dumps([sender, part], separators=(",", ":")) for part in parts]


class _SqliteTransaction(_Wakes):
    def __init__(self, connection: sa.Connection) -> None:
        super().__init__()
        self._connection = connection

    async def execute(self, statement: Executable) -> int:
        return self._connection.execute(statement).rowcount

    async def rows(self, statement: Executable) -> Sequence[sa.Row[Any]]:
        return self._connection.execute(statement).fetchall()

    async def row(self, statement: Executable) -> sa.Row[Any] | None:
        return self._connection.execute(statement).first()

    async def scalar(self, statement: Executable) -> Any:
        return self._connection.execute(statement).scalar()

    async def serialise(self, key: str) -> None:
        """Nothing to do: there is one writer at a time."""


class SqliteDatabase:
    """SQLite in WAL mode: many readers, one writer, a commit is on disk before it is acknowledged."""

    def __init__(self, path: Path, wake: Wake = lambda _kind, _id: None) -> None:
        self._wake = wake
        self._writing = asyncio.Lock()
        self._writer = _sqlite_engine(path, begin="BEGIN IMMEDIATE", pool_size=1)
        self._reader = _sqlite_engine(path, begin="BEGIN", pool_size=8)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        with self._reader.connect() as connection:
            yield _SqliteTransaction(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        async with self._writing:
            with self._writer.connect() as connection:
                transaction = _SqliteTransaction(connection)
                try:
                    yield transaction
                    await self._commit(connection, transaction)
                except sa.exc.OperationalError as error:
                    raise _unavailable(error) from error

    async def _commit(self, connection: sa.Connection, transaction: _SqliteTransaction) -> None:
        """Commit and wake, even where the request that waits for it is cancelled: half a commit is not a state."""
        commit = asyncio.ensure_future(asyncio.to_thread(connection.commit))
        cancelled: asyncio.CancelledError | None = None
        while not commit.done():
            try:
                await asyncio.wait([commit])
            except asyncio.CancelledError as error:
                cancelled = error
        commit.result()
        transaction.leave(self._wake)
        if cancelled:
            raise cancelled

    async def ping(self) -> None:
        async with self.read() as transaction:
            await transaction.scalar(sa.text("SELECT 1"))

    async def close(self) -> None:
        async with self._writing:
            self._writer.dispose()
            self._reader.dispose()


def _sqlite_engine(path: Path, *, begin: str, pool_size: int) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        poolclass=sa.pool.QueuePool,
        pool_size=pool_size,
        max_overflow=0 if pool_size == 1 else -1,
        hide_parameters=True,  # errors are logged, and passwords' hashes are parameters
        connect_args={"check_same_thread": False, "timeout": 10, "isolation_level": None},
    )

    def connected(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-8000"):
            connection.execute(f"PRAGMA {pragma}")
        if begin == "BEGIN":
            connection.execute("PRAGMA query_only=ON")

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _unavailable(error: sa.exc.OperationalError) -> errors.Unavailable:
    reason = str(error.orig)
    if "full" in reason:
        return errors.Unavailable("The disk that holds the database is full; nothing was changed.", detail=reason)
    return errors.Unavailable("The database cannot be written now; nothing was changed.", detail=reason)


@contextmanager
def _answering() -> Iterator[None]:
    """Unavailable where PostgreSQL is away, or ended the transaction for the sake of another one (a deadlock). The client's own
    InternalClientError, which SQLAlchemy passes on as it is, comes of a connection whose end is under way."""
    from asyncpg import InternalClientError

    away = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, InternalClientError, OSError)
    try:
        yield
    except away as error:
        raise errors.Unavailable("The database does not answer; nothing was changed.", detail=str(error)) from error
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated and getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN:
            raise
        raise errors.Unavailable("The database is busy; nothing was changed.", detail=str(error)) from error


def _undecided(error: errors.Unavailable) -> errors.Unavailable:
    """What is said where PostgreSQL went away in the middle of a commit: whether it was made nobody knows until it is back.
    Where it says itself that it did not commit, that counts."""
    if getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) in _UNDONE:
        return error
    sentence = (
        "The database went away before it told whether this was stored. Look at what there is before you repeat it."
    )
    return errors.Unavailable(sentence, detail=error.detail)


@contextmanager
def _listening() -> Iterator[None]:
    """Busy where PostgreSQL is away."""
    import asyncpg

    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise errors.Busy("The database does not answer.", detail=str(error)) from error


_TRY_AGAIN = {"25P03", "40001", "40P01", "53300", "55P03", "57P01", "57P03"}
"""Idle in a transaction, serialisation failure, deadlock, too many connections, a lock that was waited for in vain, shut down,
not up yet (PostgreSQL documentation, appendix A)."""


_UNDONE = {"40001", "40P01"}
"""The first two: a commit that fails with these was not made."""


def _check_open(connection: Any, record: Any, _proxy: Any) -> None:
    """Give out no connection that the server ended. Its end is known without asking, unless the network swallowed it: so
    one that was not used for long is asked. DisconnectionError: the pool opens another one."""
    from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi

    now = time.monotonic()
    rested = now - record.info.get("used", now)
    record.info["used"] = now
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError
    if rested > _ALIVE:
        try:
            connection.ping()
        except (AsyncAdapt_asyncpg_dbapi.Error, OSError) as error:
            raise sa.exc.DisconnectionError from error


class _PostgresTransaction(_Wakes):
    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection = connection
        self._serialised: set[str] = set()

    async def execute(self, statement: Executable) -> int:
        result = await self._connection.execute(statement)
        return int(result.rowcount)

    async def rows(self, statement: Executable) -> Sequence[sa.Row[Any]]:
        rows: Sequence[sa.Row[Any]] = (await self._connection.execute(statement)).fetchall()
        return rows

    async def row(self, statement: Executable) -> sa.Row[Any] | None:
        row: sa.Row[Any] | None = (await self._connection.execute(statement)).first()
        return row

    async def scalar(self, statement: Executable) -> Any:
        return (await self._connection.execute(statement)).scalar()

    async def serialise(self, key: str) -> None:
        if key in self._serialised:
            return
        self._serialised.add(key)
        await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))


class PostgresDatabase:
    """PostgreSQL through asyncpg; ``url`` is ``postgresql://user:password@host/name``. Wake-ups go to all programs that
    listen on the database, with the commit (NOTIFY)."""

    def __init__(self, url: str, wake: Wake = lambda _kind, _id: None) -> None:
        self._wake = wake
        self._sender = uuid.uuid4().hex
        self._url = postgres.libpq(url)
        self._engine = postgres.engine(url, patience=_PATIENCE, pool_size=10, max_overflow=10)
        sa.event.listen(self._engine.sync_engine, "checkout", _check_open)
        self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        with _answering():
            async with self._reader.connect() as connection:
                yield _PostgresTransaction(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        committing = False
        try:
            with _answering():
                async with self._engine.connect() as connection, connection.begin() as begun:
                    transaction = _PostgresTransaction(connection)
                    yield transaction
                    for message in transaction.told(self._sender):
                        await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, message)))
                    committing = True
                    await begun.commit()
        except errors.Unavailable as error:
            raise (_undecided(error) if committing else error) from error.__cause__
        transaction.leave(self._wake)

    async def listen(self, wake: Wake, began: Callable[[], None]) -> None:
        """Pass on what other programs wake, as long as the database talks; ``began`` is called when that begins, as before
        that everything may have been missed. Busy: it does not talk (any more)."""
        import asyncpg

        ended = asyncio.Event()
        with _listening():
            connection = await asyncpg.connect(self._url, timeout=_ALIVE, server_settings=postgres.session())
        try:
            with _listening():
                connection.add_termination_listener(lambda _connection: ended.set())
                await connection.add_listener(CHANNEL, lambda *said: self._heard(said[3], wake))
                began()
                while not ended.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(ended.wait(), _ALIVE)
                    await connection.fetchval("SELECT 1", timeout=_ALIVE)
        finally:
            connection.terminate()

    def _heard(self, message: str, wake: Wake) -> None:
        sender, pairs = json.loads(message)
        if sender != self._sender:
            for kind, id in pairs:
                wake(kind, id)

    async def ping(self) -> None:
        async with self.read() as transaction:
            await transaction.scalar(sa.text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()


def connect(url: str, wake: Wake) -> SqliteDatabase | PostgresDatabase:
    """The database at ``sqlite:///PATH`` or ``postgresql://...``. BadRequest: another scheme."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return SqliteDatabase(Path(rest.removeprefix("/") if rest.startswith("//") else rest), wake)
    if scheme.split("+")[0] in {"postgresql", "postgres"}:
        return PostgresDatabase(url.replace("postgres://", "postgresql://", 1), wake)
    raise errors.BadRequest(
        f"{scheme!r} is not a database that Boxship knows; use sqlite:/// or postgresql://", field="database"
    )
