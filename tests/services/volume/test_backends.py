"""Several backends: types choose one, what is made of a volume stays in its backend or is copied to the other, lists tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from boxship.config import BackendKind, VolumeBackend
from boxship.core.errors import Busy
from boxship.drivers.storage.backends import StorageBackends
from boxship.drivers.storage.fake import FakeStorage
from boxship.drivers.storage.interface import Extent, Kind, Source, Storage
from tests import cloud as clouds
from tests.services.volume.api import Api
from tests.services.volume.world import World

GIB = 1 << 30
BACKENDS = (
    VolumeBackend(name="file", kind=BackendKind.FILE),
    VolumeBackend(name="fast", kind=BackendKind.FILE, directory="/srv/fast"),
)


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with clouds.running(tmp_path / "state", volume_backends=BACKENDS, host="here") as cloud:
        yield Api(cloud, "alice")


def admin(api: Api) -> Api:
    return Api(api.cloud, "admin")


async def typed(api: Api, name: str, **specs: str) -> str:
    """A new type with these extra specs; its name."""
    await admin(api).ask("POST", "/types", {"volume_type": {"name": name, "extra_specs": specs}})
    return name


async def extents(storage: Storage, source: Source) -> list[Extent]:
    return [extent async for extent in storage.read(source)]


async def once(*found: Extent) -> AsyncIterator[Extent]:
    for extent in found:
        yield extent


def storage(api: Api, name: str) -> Storage:
    return api.cloud.program.drivers.storage.of(name)


async def host_of(api: Api, volume: str) -> str:
    found = await admin(api).ask("GET", f"/volumes/{volume}")
    return str(found["volume"]["os-vol-host-attr:host"])


async def test_a_type_chooses_the_backend(api: Api) -> None:
    fast = await api.volume(volume_type=await typed(api, "fast", volume_backend_name="fast"))
    plain = await api.volume()
    assert await host_of(api, fast) == "here@fast#fast"
    assert await host_of(api, plain) == "here@file#file"
    assert [sight.id for sight in await storage(api, "fast").sights()] == [fast]
    assert [sight.id for sight in await storage(api, "file").sights()] == [plain]
    await api.ask("DELETE", f"/volumes/{fast}")
    await api.gone("volumes", fast)
    assert await storage(api, "fast").sights() == []


async def test_no_backend_has_the_name(api: Api) -> None:
    wish = {"volume": {"size": 1, "volume_type": await typed(api, "wrong", volume_backend_name="nowhere")}}
    made = (await api.ask("POST", "/volumes", wish))["volume"]
    assert made["status"] == "error"
    (message,) = (await api.ask("GET", f"/messages?resource_uuid={made['id']}"))["messages"]
    assert message["user_message"].startswith("schedule allocate volume:No valid backend was found")
    await api.ask("DELETE", f"/volumes/{made['id']}")
    await api.gone("volumes", made["id"])


async def test_snapshots_and_copies_stay_in_the_backend(api: Api) -> None:
    volume = await api.volume(volume_type=await typed(api, "fast", volume_backend_name="fast"))
    await storage(api, "fast").fill(volume, GIB, once((0, b"kept")))
    snapshot = await api.snapshot(volume)
    copies = [await api.volume(source_volid=volume), await api.volume(snapshot_id=snapshot)]
    assert [sight.id for sight in await storage(api, "fast").snapshots()] == [snapshot]
    for copy in copies:
        assert await host_of(api, copy) == "here@fast#fast"
        assert await extents(storage(api, "fast"), Source(Kind.VOLUME, copy)) == [(0, b"kept")]
    assert await storage(api, "file").sights() == []
    await storage(api, "fast").fill(volume, GIB, once((0, b"lost")))
    await api.ask("POST", f"/volumes/{volume}/action", {"revert": {"snapshot_id": snapshot}})
    await api.reaches("volumes", volume, "available")
    assert await extents(storage(api, "fast"), Source(Kind.VOLUME, volume)) == [(0, b"kept")]


@pytest.mark.parametrize("of", ["source_volid", "snapshot_id"])
async def test_a_copy_of_another_type_goes_to_the_other_backend(api: Api, of: str) -> None:
    source = await api.volume()
    await storage(api, "file").fill(source, GIB, once((4096, b"copied")))
    origin = source if of == "source_volid" else await api.snapshot(source)
    fast = await typed(api, "fast", volume_backend_name="fast")
    copy = await api.volume(**{of: origin, "size": 2, "volume_type": fast})
    assert await host_of(api, copy) == "here@fast#fast"
    (data,) = await extents(storage(api, "fast"), Source(Kind.VOLUME, copy))
    assert data == (0, bytes(4096) + b"copied")
    taken = [sight.id for sight in await storage(api, "file").snapshots()]
    assert taken == ([] if of == "source_volid" else [origin]), "what was taken for the copy is gone"


async def test_a_copy_that_is_cut_off_leaves_nothing_in_the_other_backend(api: Api) -> None:
    source = await api.volume()
    fake = storage(api, "fast")
    assert isinstance(fake, FakeStorage)
    fake.fail("fill", Busy("not now"))
    fast = await typed(api, "fast", volume_backend_name="fast")
    await api.volume(source_volid=source, volume_type=fast)
    assert await storage(api, "file").snapshots() == []


async def test_backups_and_images_of_another_backend(api: Api) -> None:
    fast = await typed(api, "fast", volume_backend_name="fast")
    volume = await api.volume(volume_type=fast)
    await storage(api, "fast").fill(volume, GIB, once((0, b"saved")))
    backup = (await api.ask("POST", "/backups", {"backup": {"volume_id": volume}}))["backup"]["id"]
    await api.reaches("backups", backup, "available")
    assert await storage(api, "fast").snapshots() == []
    plain = await api.volume()
    await api.ask("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": plain}})
    await api.reaches("backups", backup, "available")
    await api.reaches("volumes", plain, "available")
    assert await extents(storage(api, "file"), Source(Kind.VOLUME, plain)) == [(0, b"saved")]
    body = {"os-volume_upload_image": {"image_name": "made", "disk_format": "raw", "container_format": "bare"}}
    image = (await api.ask("POST", f"/volumes/{volume}/action", body))["os-volume_upload_image"]["image_id"]
    await api.reaches("volumes", volume, "available")
    copy = await api.volume(imageRef=image, volume_type=fast)
    assert (await extents(storage(api, "fast"), Source(Kind.VOLUME, copy)))[0][1].startswith(b"saved")


async def test_a_type_of_another_backend_is_not_given_to_a_volume(api: Api) -> None:
    volume, fast = await api.volume(), await typed(api, "fast", volume_backend_name="fast")
    body = {"os-retype": {"new_type": fast, "migration_policy": "never"}}
    assert "another backend" in await api.refused("POST", f"/volumes/{volume}/action", 400, body)


async def test_services_and_pools_tell_of_each_backend(api: Api) -> None:
    asked = admin(api)
    found = (await asked.ask("GET", "/os-services?binary=cinder-volume"))["services"]
    assert [one["host"] for one in found] == ["here@file", "here@fast"]
    pools = (await asked.ask("GET", "/scheduler-stats/get_pools?detail=true"))["pools"]
    named = {pool["name"]: pool["capabilities"] for pool in pools}
    assert set(named) == {"here@file#file", "here@fast#fast"}
    assert named["here@fast#fast"]["volume_backend_name"] == "fast"
    fast = await typed(api, "fast", volume_backend_name="fast")
    shown = (await asked.ask("GET", f"/scheduler-stats/get_pools?volume_type={fast}"))["pools"]
    assert [pool["name"] for pool in shown] == ["here@fast#fast"]
    shown = await asked.ask("GET", "/capabilities/here@fast")
    assert shown["volume_backend_name"] == "fast"


async def test_what_is_kept_is_told_of_a_host_and_of_a_backend(api: Api) -> None:
    fast = await typed(api, "fast", volume_backend_name="fast")
    await api.volume()
    await api.snapshot(await api.volume(volume_type=fast, size=3))
    for name, counts in (("here", ("2", "4", "1")), ("here@fast", ("1", "3", "1")), ("here@file", ("1", "1", "0"))):
        (total, *_) = (await admin(api).ask("GET", f"/os-hosts/{name}"))["host"]
        told = total["resource"]
        assert (told["volume_count"], told["total_volume_gb"], told["snapshot_count"]) == counts


async def test_a_backend_that_is_disabled_takes_nothing_new(api: Api) -> None:
    body = {"binary": "cinder-volume", "host": "here@file"}
    await admin(api).ask("PUT", "/os-services/disable", body)
    assert await host_of(api, await api.volume()) == "here@fast#fast"
    await admin(api).ask("PUT", "/os-services/enable", body)
    assert await host_of(api, await api.volume()) == "here@file#file"


async def test_a_backend_that_is_taken_out_of_the_settings_is_waited_for(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    reconciler: Any = world.reconciler()
    reconciler._storages = StorageBackends({"other": world.storage})
    with pytest.raises(Busy, match="no volume backend file"):
        await reconciler.reconcile(id)
    await world.settle(id)
    assert await world.status(id) == "available"
