"""The newest migration gives the tables that the services declare; an empty, a present and a newer database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from boxship import app, migrations
from boxship.core import errors
from boxship.core.db.types import metadata


async def test_the_newest_schema_is_what_the_services_declare(tmp_path: Path) -> None:
    assert app.__name__, "importing the program declares all tables"
    url = f"sqlite:///{tmp_path / 'boxship.db'}"
    await migrations.upgrade(url)
    with sa.create_engine(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


async def test_upgrading_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'boxship.db'}"
    await migrations.upgrade(url)
    before = (tmp_path / "boxship.db").read_bytes()
    await migrations.upgrade(url)
    assert (tmp_path / "boxship.db").read_bytes() == before


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'boxship.db'}"
    await migrations.upgrade(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.Conflict, match="9999 of a newer program"):
        await migrations.upgrade(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"


async def test_a_database_that_cannot_be_reached_is_said_so() -> None:
    with pytest.raises(errors.Unavailable, match="does not answer"):
        await migrations.upgrade("postgresql://nobody@127.0.0.1:1/none")


async def test_volumes_that_were_there_are_in_the_backend_that_there_was(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'boxship.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0015")
        connection.execute(
            sa.text("INSERT INTO volume_types VALUES ('t', 't', NULL, 1, '{}', '2026-01-02 03:04:05.000006')")
        )
        connection.execute(
            sa.text(
                "INSERT INTO volumes (id, project_id, user_id, size, type_id, availability_zone, multiattach, created_at, "
                "deleting, attached, condemned, generation, observed, made, status, host) "
                "VALUES ('v', 'p', 'u', 1, 't', 'nova', 0, '2026-01-02 03:04:05.000006', 0, 0, 0, 1, 1, 1, 'available', 'h')"
            )
        )
    await migrations.upgrade(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT id, backend FROM volumes")).all() == [("v", "file")]
