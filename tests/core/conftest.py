"""Fixtures of the tests of the core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import SqliteDatabase
from tests import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Postgres]:
    """A private PostgreSQL server."""
    with postgres.running() as running:
        yield running


@pytest_asyncio.fixture
async def url(server: postgres.Postgres) -> str:
    """The URL of an empty database on it."""
    return await server.database()


@pytest_asyncio.fixture
async def woken() -> list[tuple[str, str]]:
    """The wake-ups that left the database."""
    return []


@pytest_asyncio.fixture
async def sqlite(tmp_path: Path, woken: list[tuple[str, str]]) -> AsyncIterator[SqliteDatabase]:
    """An SQLite database with all tables."""
    path = tmp_path / "boxship.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    types.metadata.create_all(engine)
    engine.dispose()
    database = SqliteDatabase(path, lambda kind, id: woken.append((kind, id)))
    yield database
    await database.close()
