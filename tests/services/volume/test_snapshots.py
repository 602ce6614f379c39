"""Snapshots, clones, growing and going back: through the API of a cloud whose loop runs, on the fake storage."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.drivers.storage.interface import Kind, Source
from tests import cloud as clouds
from tests.services.volume.api import Api


@pytest.fixture
def api(cloud: clouds.Cloud) -> Api:
    """The volume API as alice sees it."""
    return Api(cloud, "alice")


async def test_a_snapshot_is_taken_shown_and_removed(api: Api) -> None:
    volume = await api.volume(size=2)
    made = (await api.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume, "name": "first"}}))["snapshot"]
    shown = await api.reaches("snapshots", made["id"], "available")
    assert (shown["volume_id"], shown["size"], shown["name"]) == (volume, 2, "first")
    assert shown["os-extended-snapshot-attributes:progress"] == "100%"
    assert [one.volume_id for one in await api.storage.snapshots()] == [volume]
    listed = (await api.ask("GET", f"/snapshots?volume_id={volume}"))["snapshots"]
    assert [one["id"] for one in listed] == [made["id"]]
    refused = await api.refused("DELETE", f"/volumes/{volume}", 400)
    assert "1 dependent snapshots" in refused
    await api.ask("DELETE", f"/snapshots/{made['id']}")
    await api.gone("snapshots", made["id"])
    await api.ask("DELETE", f"/volumes/{volume}")
    await api.gone("volumes", volume)
    assert await api.storage.snapshots() == []


async def test_a_volume_goes_with_its_snapshots_if_asked_to(api: Api) -> None:
    volume = await api.volume()
    for _ in range(2):
        await api.snapshot(volume)
    await api.ask("DELETE", f"/volumes/{volume}?cascade=true")
    await api.gone("volumes", volume)
    assert (await api.ask("GET", "/snapshots"))["snapshots"] == []


@pytest.mark.parametrize("kind", ["snapshot_id", "source_volid"])
async def test_a_volume_begins_with_what_its_source_holds(api: Api, kind: str) -> None:
    volume = await api.volume(size=2)
    await api.storage.fill(volume, 2 << 30, _bytes(b"content"))
    source = await api.snapshot(volume) if kind == "snapshot_id" else volume
    refused = await api.refused("POST", "/volumes", 400, {"volume": {"size": 1, kind: source}})
    assert "volume.size" in refused or "less than" in refused
    made = await api.volume(**{kind: source}, size=None)
    shown = (await api.ask("GET", f"/volumes/{made}"))["volume"]
    assert (shown["size"], shown[kind]) == (2, source)
    assert [data async for _, data in api.storage.read(Source(Kind.VOLUME, made))] == [b"content"]
    await api.ask("DELETE", f"/volumes/{volume}?cascade=true")
    await api.gone("volumes", volume)
    assert (await api.ask("GET", f"/volumes/{made}"))["volume"]["status"] == "available"


async def _bytes(data: bytes) -> Any:
    yield 0, data


async def test_a_volume_grows_and_stays_as_it_is_where_it_cannot(api: Api) -> None:
    volume = await api.volume()
    await api.ask("POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 3}})
    shown = await api.reaches("volumes", volume, "available")
    assert shown["size"] == 3
    sight = await api.storage.sight(volume)
    assert sight is not None
    assert sight.size == 3 << 30
    assert "greater" in await api.refused("POST", f"/volumes/{volume}/action", 400, {"os-extend": {"new_size": 3}})
    api.fail("extend", "The disk is full.")
    await api.ask("POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 4}})
    assert (await api.reaches("volumes", volume, "available", size=3))["size"] == 3
    messages = (await api.ask("GET", "/messages"))["messages"]
    assert [(one["resource_uuid"], one["event_id"]) for one in messages] == [(volume, "VOLUME_VOLUME_007_010")]


async def test_a_volume_goes_back_to_its_newest_snapshot(api: Api) -> None:
    volume = await api.volume()
    storage = api.storage
    await storage.fill(volume, 1 << 30, _bytes(b"before"))
    old = await api.snapshot(volume)
    new = await api.snapshot(volume)
    await storage.fill(volume, 1 << 30, _bytes(b"after"))
    path = f"/volumes/{volume}/action"
    assert "newest" in await api.refused("POST", path, 400, {"revert": {"snapshot_id": old}}, version="3.40")
    await api.ask("POST", path, {"revert": {"snapshot_id": new}}, version="3.40")
    await api.reaches("volumes", volume, "available")
    assert [data async for _, data in storage.read(Source(Kind.VOLUME, volume))] == [b"before"]
    await api.ask("DELETE", f"/snapshots/{new}")
    await api.gone("snapshots", new)


async def test_a_snapshot_that_cannot_be_taken_says_why_and_can_be_removed(api: Api) -> None:
    volume = await api.volume()
    api.fail("snapshot", "The disk is full.")
    made = (await api.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume}}))["snapshot"]["id"]
    await api.reaches("snapshots", made, "error")
    (message,) = (await api.ask("GET", "/messages"))["messages"]
    assert (message["resource_type"], message["resource_uuid"]) == ("VOLUME_SNAPSHOT", made)
    await api.ask("DELETE", f"/snapshots/{made}")
    await api.gone("snapshots", made)


async def test_snapshots_count_against_the_quota(api: Api) -> None:
    volume = await api.volume(size=10)
    body = {"snapshot": {"volume_id": volume}}
    await api.snapshot(volume)
    assert "gigabytes" in await api.refused("POST", "/snapshots", 413, body)


async def test_nobody_sees_or_uses_snapshots_of_others(api: Api) -> None:
    snapshot = await api.snapshot(await api.volume())
    other = Api(api.cloud, "bob")
    for method in ("GET", "DELETE"):
        await other.refused(method, f"/snapshots/{snapshot}", 404)
    await other.refused("PUT", f"/snapshots/{snapshot}", 404, {"snapshot": {"name": "mine"}})
    await other.refused("POST", "/volumes", 404, {"volume": {"snapshot_id": snapshot}})
    assert (await other.ask("GET", "/snapshots/detail"))["snapshots"] == []


async def test_metadata_of_snapshots(api: Api) -> None:
    snapshot = await api.snapshot(await api.volume())
    path = f"/snapshots/{snapshot}/metadata"
    assert (await api.ask("POST", path, {"metadata": {"a": "1", "b": "2"}}))["metadata"] == {"a": "1", "b": "2"}
    assert (await api.ask("PUT", path, {"metadata": {"b": "3"}}))["metadata"] == {"b": "3"}
    assert (await api.ask("PUT", f"{path}/c", {"meta": {"c": "4"}}))["meta"] == {"c": "4"}
    assert (await api.ask("GET", f"{path}/b"))["meta"] == {"b": "3"}
    await api.ask("DELETE", f"{path}/b")
    assert (await api.ask("GET", path))["metadata"] == {"c": "4"}
    await api.refused("GET", f"{path}/b", 404)
