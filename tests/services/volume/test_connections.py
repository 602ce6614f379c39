"""Attachments of clients outside, and what they may not do to what services of the program hold."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from boxship.core.errors import Refused
from boxship.drivers.storage.fake import FakeStorage
from boxship.services.volume import errors, public
from boxship.services.volume.api import attachments as handlers
from boxship.services.volume.operations import actions, connections
from tests import cloud as clouds
from tests.services.volume.api import Api
from tests.services.volume.world import HOLDER, World, caller


@pytest.fixture
def api(cloud: clouds.Cloud) -> Api:
    return Api(cloud, "alice")


def connector(api: Api, **more: Any) -> dict[str, Any]:
    return {"host": api.cloud.program.settings.host_name, **more}


async def attach(api: Api, volume: str, **fields: Any) -> dict[str, Any]:
    body = {"attachment": {"volume_uuid": volume, **fields}}
    return dict((await api.ask("POST", "/attachments", body))["attachment"])


async def test_the_device_comes_with_the_answer_and_goes_with_the_attachment(api: Api) -> None:
    volume = await api.volume()
    made = await attach(api, volume, connector=connector(api), mode="ro")
    sight = await storage_of(api).sight(volume)
    assert sight and sight.device and sight.path is None
    assert made["connection_info"]["device_path"] == str(sight.device)
    assert (made["status"], made["attach_mode"]) == ("attaching", "ro")
    await api.ask("POST", f"/attachments/{made['id']}/action", {"os-complete": {}})
    await api.reaches("volumes", volume, "in-use")
    await api.ask("DELETE", f"/attachments/{made['id']}")
    await api.reaches("volumes", volume, "available", attachments=[])
    sight = await storage_of(api).sight(volume)
    assert sight and sight.device is None


def storage_of(api: Api) -> FakeStorage:
    found = api.cloud.program.drivers.storage.of("file")
    assert isinstance(found, FakeStorage)
    return found


async def test_an_answer_does_not_wait_for_a_device_that_is_refused(api: Api) -> None:
    volume = await api.volume()
    storage_of(api).fail("attach", Refused("No loop device is left."))
    async with asyncio.timeout(handlers.PATIENCE):
        made = await attach(api, volume, connector=connector(api))
    assert made["connection_info"] == {}
    shown = (await api.ask("GET", "/messages"))["messages"]
    assert [one["user_message"] for one in shown] == ["attach volume:No loop device is left."]


async def test_one_of_many_gets_a_volume(api: Api) -> None:
    volume = await api.volume()
    body = {"attachment": {"volume_uuid": volume}}
    headers = {"OpenStack-API-Version": "volume 3.44"}
    url = f"/volume/v3/{clouds.PROJECTS['alice']}/attachments"
    answers = await asyncio.gather(
        *(api.cloud.request("alice", "POST", url, json=body, headers=headers) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


async def test_several_may_have_a_volume_of_such_a_type(api: Api) -> None:
    specs = {"multiattach": "<is> True"}
    body = {"volume_type": {"name": "shared", "extra_specs": specs}}
    await Api(api.cloud, "admin").ask("POST", "/types", body)
    volume = await api.volume(volume_type="shared")
    made = [await attach(api, volume, connector=connector(api))]
    await api.ask("POST", f"/attachments/{made[0]['id']}/action", {"os-complete": {}})
    made.append(await attach(api, volume, connector=connector(api)))
    assert made[0]["connection_info"]["device_path"] == made[1]["connection_info"]["device_path"]
    rest = await api.ask("DELETE", f"/attachments/{made[0]['id']}")
    assert [one["id"] for one in rest["attachments"]] == [made[1]["id"]]
    await api.reaches("volumes", volume, "attaching")


async def test_what_a_container_holds_is_not_detached_by_users(world: World) -> None:
    id = await world.create()
    await world.attach(id, HOLDER)
    await world.settle(id)
    admin = caller("root", "admin")
    async with world.database.read() as transaction:
        (held,) = await connections_of(transaction, id)
    for attempt in (
        lambda transaction: connections.delete_attachment(transaction, admin, held),
        lambda transaction: actions.detach(transaction, admin, id, None),
        lambda transaction: actions.force_detach(transaction, admin, id, held),
        lambda transaction: actions.force_delete(transaction, admin, id),
    ):
        with pytest.raises(errors.AttachmentHeld, match="held by container c1"):
            async with world.database.write() as transaction:
                await attempt(transaction)
    assert await world.status(id) == "in-use"


async def connections_of(transaction: Any, volume: str) -> list[str]:
    from boxship.services.volume.store import attachments as store

    return [one.id for one in (await store.of(transaction, [volume])).get(volume, [])]


async def test_a_reserved_volume_is_no_containers(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    async with world.database.write() as transaction:
        await connections.create_attachment(
            transaction, caller("alice"), world.settings, connections.ConnectionWish(volume_id=id)
        )
    with pytest.raises(errors.VolumeInUse):
        await world.attach(id, HOLDER)


async def test_a_volume_for_reading_only_is_held_for_reading_only(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    async with world.database.write() as transaction:
        await actions.set_read_only(transaction, caller("alice"), id, read_only=True)
    with pytest.raises(errors.VolumeUnusable, match="for reading only"):
        await world.attach(id, HOLDER)
    async with world.database.write() as transaction:
        await public.attach(transaction, world.settings, id, public.AttachmentWish(HOLDER, "/data", read_only=True))
    await world.settle(id)
    assert await world.status(id) == "in-use"


async def test_force_deletion_forgets_clients_outside(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    wish = connections.ConnectionWish(volume_id=id, connector={"host": world.settings.host_name})
    async with world.database.write() as transaction:
        await connections.create_attachment(transaction, caller("alice"), world.settings, wish)
    await world.settle(id)
    async with world.database.write() as transaction:
        await actions.force_delete(transaction, caller("root", "admin"), id)
    await world.settle(id)
    assert await world.status(id) == "gone"
