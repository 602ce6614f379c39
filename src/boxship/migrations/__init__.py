"""The schema of the database through time (Alembic). ``up`` and ``boxship migrate`` bring it to the newest version.

A version file is never changed once it has landed. tests/core/test_migrations.py compares the newest schema with the
tables that the services declare.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from boxship.core import errors
from boxship.core.db import postgres

HEAD = "0020"
"""The newest version."""


async def upgrade(url: str) -> None:
    """Bring the database to the newest schema; nothing happens where it is.

    Conflict: the database is of a newer program. Unavailable: it does not answer.
    """
    try:
        if url.startswith("sqlite"):
            await asyncio.to_thread(_upgrade_sqlite, url)
        else:
            await _upgrade_postgres(url)
    except (sa.exc.OperationalError, sa.exc.InterfaceError, OSError) as error:
        raise errors.Unavailable("The database does not answer; is its URL right?", detail=str(error)) from error


def _upgrade_sqlite(url: str) -> None:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            _upgrade(connection)
    finally:
        engine.dispose()


async def _upgrade_postgres(url: str) -> None:
    engine = postgres.engine(url)
    try:
        async with engine.begin() as connection:
            # Programs on several hosts may start at once; one of them migrates, the others wait and find it done.
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(7309)"))
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    present = _revision(connection)
    if present == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise errors.Conflict(
            f"The database has version {present} of a newer program; use that program, or another database.",
            detail=str(error),
        ) from error


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found
