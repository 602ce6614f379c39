"""A cloud of before RBAC policies is brought to the newest schema: who saw a network sees it still."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from boxship import migrations
from boxship.services.network.store import tables
from tests.services.network.world import World

BEFORE = "0008"


def _to(path: Path, revision: str) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()


async def test_flags_become_policies(tmp_path: Path) -> None:
    await migrations.upgrade(f"sqlite:///{tmp_path / 'boxship.db'}")
    world = World(tmp_path)
    network = await world.made("admin", "/networks", shared=True)
    await world.made("admin", "/subnetpools", name="pool", prefixes=["10.9.0.0/16"], shared=True)
    external = await world.made("admin", "/networks", **{"router:external": True})
    plain = await world.made("alice", "/networks")
    async with world.database.read() as transaction:
        said = {(row.object_id, row.action, row.target) for row in await transaction.rows(sa.select(tables.rbac))}
    await world.client.aclose()
    await world.database.close()
    _to(tmp_path / "boxship.db", BEFORE)
    await migrations.upgrade(f"sqlite:///{tmp_path / 'boxship.db'}")
    world = World(tmp_path)
    async with world.database.read() as transaction:
        again = {(row.object_id, row.action, row.target) for row in await transaction.rows(sa.select(tables.rbac))}
    assert again == said
    assert len(said) == 3
    listed = (await world.request("bob", "GET", "/networks?fields=id")).json()["networks"]
    assert {found["id"] for found in listed} == {network["id"], external["id"]}
    assert plain["id"] not in {found["id"] for found in listed}
    await world.client.aclose()
    await world.database.close()
