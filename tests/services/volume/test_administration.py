"""Quotas by type, transfers and their quotas, placement by extra specs, messages that come once and end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import quote

import pytest

from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.http.call import Query
from boxship.services.volume import errors
from boxship.services.volume.model import Backend, VolumeType
from boxship.services.volume.operations import messages, placement, quotas, scheduling, transfers, volume_types
from boxship.services.volume.store import messages as message_store
from boxship.services.volume.store import transfers as transfer_store
from tests import cloud as clouds
from tests.services.volume.api import Api
from tests.services.volume.world import World, caller


@pytest.fixture
def api(cloud: clouds.Cloud) -> Api:
    return Api(cloud, "alice")


@pytest.mark.parametrize(
    ("specs", "met"),
    [
        ({}, True),
        ({"volume_backend_name": "file"}, True),
        ({"volume_backend_name": "ceph"}, False),
        ({"capabilities:volume_backend_name": "<or> ceph <or> file"}, True),
        ({"vendor_name": "<in> Source"}, True),
        ({"multiattach": "<is> True"}, True),
        ({"replication_enabled": "<is> True"}, False),
        ({"colour": "red"}, False),
        ({"RESKEY:availability_zones": "az1", "other:scope": "x"}, True),
    ],
)
def test_extra_specs_ask_for_capabilities(specs: dict[str, str], met: bool) -> None:
    assert scheduling.meets(Backend(), specs) is met


async def test_a_type_has_quotas_of_its_own(api: Api) -> None:
    admin = Api(api.cloud, "admin")
    await admin.ask("POST", "/types", {"volume_type": {"name": "gold"}})
    project = clouds.PROJECTS["alice"]
    await admin.ask("PUT", f"/os-quota-sets/{project}", {"quota_set": {"volumes_gold": 1, "gigabytes_gold": 3}})
    assert "gigabytes_gold" in await api.refused(
        "POST", "/volumes", 413, {"volume": {"size": 4, "volume_type": "gold"}}
    )
    await api.volume(volume_type="gold")
    refused = await api.refused("POST", "/volumes", 413, {"volume": {"size": 1, "volume_type": "gold"}})
    assert "volumes_gold" in refused
    plain = await api.volume()
    assert "volumes_gold" in await api.refused(
        "POST", f"/volumes/{plain}/action", 413, {"os-retype": {"new_type": "gold"}}
    )


async def test_types_are_filtered_by_extra_specs(api: Api) -> None:
    admin = Api(api.cloud, "admin")
    for name, specs in (("one", {"a": "b"}), ("two", {"a": 'b","c":"d'}), ("three", {"c": "d", "a": "b"})):
        await admin.ask("POST", "/types", {"volume_type": {"name": name, "extra_specs": specs}})
    for wanted, expected in (("{'a': 'b'}", {"one", "three"}), ("{'c': 'd'}", {"three"}), ("{'a': '%'}", set())):
        found = (await admin.ask("GET", f"/types?extra_specs={quote(wanted)}"))["volume_types"]
        assert {one["name"] for one in found} == expected


async def test_what_a_host_keeps_is_counted(api: Api) -> None:
    await api.snapshot(await api.volume(size=2))
    host = api.cloud.program.settings.host_name
    total, alice = (await Api(api.cloud, "admin").ask("GET", f"/os-hosts/{host}"))["host"]
    assert total["resource"] | {"project": clouds.PROJECTS["alice"]} == alice["resource"]
    assert (total["resource"]["snapshot_count"], total["resource"]["total_snapshot_gb"]) == ("1", "2")


async def test_a_limit_of_a_type_ends_with_its_name(world: World) -> None:
    async with world.database.write() as transaction:
        admin = caller("root", "admin")
        made = await volume_types.create_type(transaction, new_type("gold"))
        await quotas.set_project(transaction, world.settings, "alice", {"volumes_gold": 1})
        assert (await quotas.limits(transaction, world.settings, "alice"))["volumes_gold"] == 1
        await volume_types.update_type(transaction, admin, made.id, {"name": "silver"})
        limits = await quotas.limits(transaction, world.settings, "alice")
        assert "volumes_gold" not in limits and limits["volumes_silver"] == -1


def new_type(name: str) -> VolumeType:
    return VolumeType("", name, None, True, {}, clock.now())


async def test_the_key_of_a_transfer_is_not_kept(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    async with world.database.write() as transaction:
        offer = transfers.Offer(id, "gift", no_snapshots=False)
        made, key = await transfers.create_transfer(transaction, caller("alice"), offer)
        kept = await transfer_store.get(transaction, made.id)
    assert kept and key not in str(kept)
    with pytest.raises(errors.TransferNotFound):
        async with world.database.read() as transaction:
            await transfers.get_transfer(transaction, caller("bob"), made.id)


async def test_a_transfer_counts_against_the_takers_quota(api: Api) -> None:
    volume = await api.volume(size=3)
    offer = (await api.ask("POST", "/os-volume-transfer", {"transfer": {"volume_id": volume}}))["transfer"]
    admin, bob = Api(api.cloud, "admin"), Api(api.cloud, "bob")
    quota = f"/os-quota-sets/{clouds.PROJECTS['bob']}"
    await admin.ask("PUT", quota, {"quota_set": {"gigabytes": 2}})
    path, body = f"/os-volume-transfer/{offer['id']}/accept", {"accept": {"auth_key": offer["auth_key"]}}
    await bob.refused("POST", path, 413, body)
    await api.reaches("volumes", volume, "awaiting-transfer")
    await api.refused("DELETE", f"/volumes/{volume}", 400)
    await admin.ask("PUT", quota, {"quota_set": {"gigabytes": 3}})
    await bob.ask("POST", path, body)
    await bob.reaches("volumes", volume, "available")
    used = (await admin.ask("GET", f"{quota}?usage=true"))["quota_set"]
    assert (used["gigabytes"]["in_use"], used["volumes"]["in_use"]) == (3, 1)


async def test_one_of_many_takes_a_transfer(api: Api) -> None:
    volume = await api.volume()
    offer = (await api.ask("POST", "/os-volume-transfer", {"transfer": {"volume_id": volume}}))["transfer"]
    body = {"accept": {"auth_key": offer["auth_key"]}}
    url = "/volume/v3/{}/os-volume-transfer/{}/accept"
    answers = await asyncio.gather(
        *(
            api.cloud.request(user, "POST", url.format(clouds.PROJECTS[user], offer["id"]), json=body)
            for user in ("bob", "alice", "bob", "alice")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [202, 404, 404, 404]


async def test_snapshots_go_with_the_volume_unless_they_are_to_stay(api: Api) -> None:
    bob = Api(api.cloud, "bob")
    for stays in (False, True):
        volume = await api.volume()
        snapshot = await api.snapshot(volume)
        body = {"transfer": {"volume_id": volume, "no_snapshots": stays}}
        offer = (await api.ask("POST", "/volume-transfers", body))["transfer"]
        await bob.ask("POST", f"/volume-transfers/{offer['id']}/accept", {"accept": {"auth_key": offer["auth_key"]}})
        owner, other = (api, bob) if stays else (bob, api)
        await owner.reaches("snapshots", snapshot, "available")
        await other.refused("GET", f"/snapshots/{snapshot}", 404)


async def test_a_zone_that_no_host_is_in(world: World) -> None:
    async with world.database.read() as transaction:
        with pytest.raises(core_errors.BadRequest, match="is invalid; there is 'nova'"):
            await placement.choose(transaction, world.settings, {}, "mars")


async def test_messages_come_once_and_end(world: World) -> None:
    failure = messages.Failure(
        resource_id="v", action=messages.Action.EXTEND_VOLUME, detail=messages.Detail.UNKNOWN, reason="full"
    )
    alice = caller("alice")
    async with world.database.write() as transaction:
        await messages.write(transaction, "alice", failure)
        await messages.write(transaction, "alice", failure)
        (found,), _ = await messages.list_messages(transaction, "alice", Query(()))
        with pytest.raises(errors.MessageNotFound):
            await messages.get_message(transaction, caller("bob"), found.id)
        await message_store.delete(transaction, found.id)
        late = timedelta(days=31)
        old = message_store.Message(
            **{name: getattr(found, name) for name in found.__struct_fields__}
            | {"created_at": found.created_at - late, "expires_at": found.expires_at - late}
        )
        await message_store.insert(transaction, old)
        with pytest.raises(errors.MessageNotFound):
            await messages.get_message(transaction, alice, old.id)
        assert (await messages.list_messages(transaction, "alice", Query(())))[0] == []
