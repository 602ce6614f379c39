"""Volumes from images and images from volumes: on the fake storage, whose bytes are those that were filled in."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from boxship.drivers.storage.interface import Kind, Source
from tests import cloud as clouds
from tests.services.volume.api import Api

GIB = 1 << 30


@pytest.fixture
def api(cloud: clouds.Cloud) -> Api:
    return Api(cloud, "alice")


async def image(api: Api, data: bytes, **fields: Any) -> str:
    """A new image with these bytes."""
    body = {"name": "disk", "disk_format": "raw", "container_format": "bare", **fields}
    made = (await api.cloud.request("alice", "POST", "/image/v2/images", json=body)).json()["id"]
    headers = {"Content-Type": "application/octet-stream"}
    path = f"/image/v2/images/{made}/file"
    assert (await api.cloud.request("alice", "PUT", path, content=data, headers=headers)).status_code == 204
    return str(made)


async def content(api: Api, volume: str) -> bytes:
    found = bytearray()
    async for at, data in api.storage.read(Source(Kind.VOLUME, volume)):
        found.extend(bytes(at - len(found)) + data)
    return bytes(found)


async def test_a_volume_is_made_from_an_image(api: Api) -> None:
    data = b"boot" + bytes(1 << 20) + b"rest"
    source = await image(api, data, os_distro="busybox", min_disk=1)
    volume = await api.volume(imageRef=source)
    assert await content(api, volume) == data
    shown = (await api.ask("GET", f"/volumes/{volume}"))["volume"]
    assert shown["bootable"] == "true"
    said = shown["volume_image_metadata"]
    assert (said["image_id"], said["os_distro"], said["size"]) == (source, "busybox", str(len(data)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"disk_format": "qcow2"}, "qcow2"),
        ({"min_disk": 5}, "less than the 5 GiB"),
    ],
)
async def test_an_image_that_does_not_fit_is_refused(api: Api, fields: dict[str, Any], said: str) -> None:
    source = await image(api, b"data", **fields)
    body = {"volume": {"size": 1, "imageRef": source}}
    assert said in await api.refused("POST", "/volumes", 400, body)


async def test_an_image_nobody_sees_is_refused(api: Api) -> None:
    source = await image(api, b"secret", visibility="private")
    other = Api(api.cloud, "bob")
    said = await other.refused("POST", "/volumes", 400, {"volume": {"size": 1, "imageRef": source}})
    assert "image identifier" in said


async def _bytes(data: bytes) -> AsyncIterator[tuple[int, bytes]]:
    yield 0, data


async def test_an_image_is_made_of_a_volume_whether_it_is_used_or_not(api: Api) -> None:
    volume = await api.volume()
    await api.storage.fill(volume, GIB, _bytes(b"content"))
    made = await _uploaded(api, volume)
    assert made["size"] == GIB
    assert made["os_hash_value"] == hashlib.sha512(b"content" + bytes(GIB - 7)).hexdigest()
    assert (await api.reaches("volumes", volume, "available"))["status"] == "available"
    assert await api.storage.snapshots() == []


async def _uploaded(api: Api, volume: str, **fields: Any) -> dict[str, Any]:
    body = {"os-volume_upload_image": {"image_name": "copy", **fields}}
    asked = (await api.ask("POST", f"/volumes/{volume}/action", body))["os-volume_upload_image"]
    assert asked["status"] == "uploading"

    async def active() -> dict[str, Any] | None:
        found = (await api.cloud.request("alice", "GET", f"/image/v2/images/{asked['image_id']}")).json()
        return found if found["status"] == "active" else None

    shown: dict[str, Any] = await api.cloud.until(active, "the image has its bytes", 30)
    return shown


async def test_an_upload_that_fails_leaves_no_image_and_the_volume_as_it_was(api: Api) -> None:
    volume = await api.volume()
    api.fail("read", "The disk is broken.")
    body = {"os-volume_upload_image": {"image_name": "copy"}}
    asked = (await api.ask("POST", f"/volumes/{volume}/action", body))["os-volume_upload_image"]
    await api.reaches("volumes", volume, "available")
    assert (await api.cloud.request("alice", "GET", f"/image/v2/images/{asked['image_id']}")).status_code == 404
    (message,) = (await api.ask("GET", "/messages"))["messages"]
    assert message["event_id"] == "VOLUME_VOLUME_003_004"


@pytest.mark.parametrize("fields", [{"disk_format": "qcow2"}, {"container_format": "ova"}, {"image_name": ""}])
async def test_what_no_image_can_be_is_refused(api: Api, fields: dict[str, Any]) -> None:
    volume = await api.volume()
    body = {"os-volume_upload_image": {"image_name": "copy", **fields}}
    assert next(iter(fields)) in await api.refused("POST", f"/volumes/{volume}/action", 400, body)
