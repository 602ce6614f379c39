"""Backups: made, continued, restored and removed, through the API of a cloud whose loop runs, on the fake storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from boxship.drivers.storage.interface import Extent, Kind, Source
from boxship.services.volume import plan, public, states
from boxship.services.volume.model import Backup
from tests import cloud as clouds
from tests.services.volume.api import Api
from tests.services.volume.test_plan import NOW

GIB = 1 << 30
HOLDER = ("container", "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e00c1")


@pytest.fixture
def api(cloud: clouds.Cloud) -> Api:
    return Api(cloud, "alice")


async def _bytes(data: bytes) -> AsyncIterator[Extent]:
    yield 0, data


async def put(api: Api, volume: str, data: bytes) -> None:
    size = (await api.ask("GET", f"/volumes/{volume}"))["volume"]["size"]
    await api.storage.fill(volume, size * GIB, _bytes(data))


async def content(api: Api, volume: str) -> bytes:
    return b"".join([data async for _, data in api.storage.read(Source(Kind.VOLUME, volume))])


async def backup(api: Api, volume: str, **fields: Any) -> str:
    """A new backup that is whole."""
    made = (await api.ask("POST", "/backups", {"backup": {"volume_id": volume, **fields}}))["backup"]["id"]
    await api.reaches("backups", made, "available")
    await api.reaches("volumes", volume, "available")
    return str(made)


async def test_a_backup_outlives_its_volume_and_is_restored_to_a_new_one(api: Api) -> None:
    volume = await api.volume(size=2)
    await put(api, volume, b"precious")
    made = await backup(api, volume, name="nightly", metadata={"a": "1"})
    shown = (await api.ask("GET", f"/backups/{made}"))["backup"]
    assert (shown["size"], shown["object_count"], shown["is_incremental"]) == (2, 1, False)
    assert (shown["name"], shown["metadata"], shown["fail_reason"]) == ("nightly", {"a": "1"}, None)
    assert await api.storage.snapshots() == []
    await api.ask("DELETE", f"/volumes/{volume}")
    await api.gone("volumes", volume)
    restored = (await api.ask("POST", f"/backups/{made}/restore", {"restore": {"name": "again"}}))["restore"]
    assert restored["volume_name"] == "again"
    await api.reaches("backups", made, "available")
    again = await api.reaches("volumes", restored["volume_id"], "available")
    assert (again["size"], await content(api, again["id"])) == (2, b"precious")
    await api.ask("DELETE", f"/backups/{made}")
    await api.gone("backups", made)
    assert await api.cloud.program.drivers.backups.sights() == []


async def test_a_backup_is_restored_to_its_volume(api: Api) -> None:
    volume = await api.volume()
    await put(api, volume, b"before")
    made = await backup(api, volume)
    await put(api, volume, b"after")
    await api.ask("POST", f"/backups/{made}/restore", {"restore": {"volume_id": volume}})
    await api.reaches("volumes", volume, "available")
    assert await content(api, volume) == b"before"


async def test_incremental_backups_continue_the_last_and_go_first(api: Api) -> None:
    volume = await api.volume()
    body = {"backup": {"volume_id": volume, "incremental": True}}
    assert "continue" in await api.refused("POST", "/backups", 400, body)
    await put(api, volume, b"one")
    first = await backup(api, volume)
    await put(api, volume, b"two")
    second = await backup(api, volume, incremental=True)
    shown = {one["id"]: one for one in (await api.ask("GET", "/backups/detail"))["backups"]}
    assert (shown[second]["is_incremental"], shown[first]["has_dependent_backups"]) == (True, True)
    assert "continue it" in await api.refused("DELETE", f"/backups/{first}", 400)
    for one in (second, first):
        await api.ask("DELETE", f"/backups/{one}")
        await api.gone("backups", one)


async def test_a_volume_in_use_is_backed_up_by_force_and_used_on(api: Api) -> None:
    volume = await api.volume()
    await put(api, volume, b"busy")
    async with api.cloud.program.database.write() as transaction:
        await public.attach(transaction, api.cloud.program.settings, volume, public.AttachmentWish(HOLDER, "/data"))
    await api.reaches("volumes", volume, "in-use")
    assert "force" in await api.refused("POST", "/backups", 400, {"backup": {"volume_id": volume}})
    body = {"backup": {"volume_id": volume, "force": True}}
    made = (await api.ask("POST", "/backups", body))["backup"]["id"]
    await api.reaches("backups", made, "available")
    await api.reaches("volumes", volume, "in-use")
    async with api.cloud.program.database.write() as transaction:
        await public.detach(transaction, volume, HOLDER)


async def test_a_snapshot_is_backed_up(api: Api) -> None:
    volume = await api.volume()
    await put(api, volume, b"then")
    snapshot = await api.snapshot(volume)
    await put(api, volume, b"now")
    made = await backup(api, volume, snapshot_id=snapshot)
    assert (await api.ask("GET", f"/backups/{made}"))["backup"]["snapshot_id"] == snapshot
    await api.ask("POST", f"/backups/{made}/restore", {"restore": {"volume_id": volume}})
    await api.reaches("volumes", volume, "available")
    assert await content(api, volume) == b"then"
    await api.ask("DELETE", f"/snapshots/{snapshot}")
    await api.gone("snapshots", snapshot)


async def test_damage_ends_a_restoration_and_touches_nothing(api: Api) -> None:
    volume = await api.volume()
    await put(api, volume, b"before")
    made = await backup(api, volume)
    await put(api, volume, b"after")
    (chunk,) = api.cloud.program.settings.state_dir.glob("backups/*/chunks/*")
    chunk.write_bytes(b"rubbish")
    await api.ask("POST", f"/backups/{made}/restore", {"restore": {"volume_id": volume}})
    await api.reaches("volumes", volume, "available")
    assert await content(api, volume) == b"after"
    (message,) = (await api.ask("GET", "/messages"))["messages"]
    assert message["event_id"] == "VOLUME_VOLUME_BACKUP_015_026"


async def test_a_backup_that_cannot_be_made_says_why_and_frees_the_volume(api: Api) -> None:
    volume = await api.volume()
    api.fail("snapshot", "The disk is full.")
    made = (await api.ask("POST", "/backups", {"backup": {"volume_id": volume}}))["backup"]["id"]
    shown = await api.reaches("backups", made, "error")
    assert shown["fail_reason"] == "The disk is full."
    await api.reaches("volumes", volume, "available")
    await api.ask("DELETE", f"/backups/{made}")
    await api.gone("backups", made)


async def test_what_does_not_fit_is_refused(api: Api) -> None:
    large, small = await api.volume(size=2), await api.volume()
    made = await backup(api, large)
    body = {"restore": {"volume_id": small}}
    assert "less than the 2 GiB" in await api.refused("POST", f"/backups/{made}/restore", 400, body)
    snapshot = await api.snapshot(small)
    wrong = {"backup": {"volume_id": large, "snapshot_id": snapshot}}
    assert "another volume" in await api.refused("POST", "/backups", 400, wrong)


async def test_nobody_sees_or_restores_backups_of_others(api: Api) -> None:
    made = await backup(api, await api.volume())
    other = Api(api.cloud, "bob")
    for method, path in (("GET", ""), ("DELETE", "")):
        await other.refused(method, f"/backups/{made}{path}", 404)
    await other.refused("POST", f"/backups/{made}/restore", 404, {"restore": {}})
    await other.refused("PUT", f"/backups/{made}", 404, {"backup": {"name": "mine"}})
    assert (await other.ask("GET", "/backups/detail?with_count=true")) == {"backups": [], "count": 0}


def row(**values: Any) -> Backup:
    """A backup that was made."""
    defaults: dict[str, Any] = {"made": True, "observed": 1}
    return Backup("b", "v", None, None, "p", "u", 1, None, NOW, NOW, "h", None, None, {}, **(defaults | values))


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"made": False}, states.BackupState.CREATING),
        ({"made": False, "fault": "full"}, states.BackupState.ERROR),
        ({}, states.BackupState.AVAILABLE),
        ({"condemned": True}, states.BackupState.ERROR),
        ({"restore_asked": 1}, states.BackupState.RESTORING),
        ({"restore_asked": 1, "restored": 1}, states.BackupState.AVAILABLE),
        ({"deleting": True}, states.BackupState.DELETING),
        ({"deleting": True, "fault": "no"}, states.BackupState.ERROR_DELETING),
    ],
)
def test_the_state_of_a_backup_follows(values: dict[str, Any], state: states.BackupState) -> None:
    assert states.backup_shown(row(**values)) == state


def test_the_next_step_of_a_backup() -> None:
    there: Any = object()
    assert plan.next_backup_step(row(made=False), None) == plan.Step.CREATE
    assert plan.next_backup_step(row(made=False), there) == plan.Step.SETTLED
    assert plan.next_backup_step(row(), None) == plan.Step.LOST
    assert plan.next_backup_step(row(restore_asked=1), there) == plan.Step.RESTORE
    assert plan.next_backup_step(row(deleting=True), there) == plan.Step.REMOVE
    assert plan.next_backup_step(row(deleting=True), None) == plan.Step.FORGET
