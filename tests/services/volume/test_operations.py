"""What callers and other services can ask of volumes."""

from __future__ import annotations

import pytest

from boxship.core import errors as core_errors
from boxship.core.db import holds
from boxship.core.http.call import Query
from boxship.services.volume import errors, public
from boxship.services.volume.operations import actions, volume_types, volumes
from tests.services.volume.world import HOLDER, OTHER, World, caller


async def test_quotas_count_volumes_and_gigabytes(world: World) -> None:
    world.settings = type(world.settings)(quota_volumes=2, quota_gigabytes=5)
    await world.create(size=3)
    with pytest.raises(errors.VolumeSizeExceedsAvailableQuota, match="Requested volume"):
        await world.create(size=3)
    await world.create(size=2)
    with pytest.raises(errors.NumberExceeded):
        await world.create(size=1)
    await world.create(project_id="bob")


async def test_minus_one_is_no_limit(world: World) -> None:
    world.settings = type(world.settings)(quota_volumes=-1, quota_gigabytes=-1)
    await world.create(size=2**31 - 1)
    await world.create(size=2**31 - 1)


async def test_another_projects_volume_does_not_exist(world: World) -> None:
    id = await world.create()
    async with world.database.read() as transaction:
        with pytest.raises(errors.VolumeNotFound):
            await volumes.get_volume(transaction, caller("bob"), id)
        assert (await volumes.get_volume(transaction, caller("root", "admin"), id)).id == id
        assert await public.find_volume(transaction, caller("bob"), id) is None
        assert await public.find_volume(transaction, caller("bob"), "data") is None
    with pytest.raises(errors.VolumeNotFound):
        await world.delete(id, "bob")


async def test_find_by_id_then_by_name(world: World) -> None:
    first, second = await world.create(name="one"), await world.create(name="two")
    await world.create(name="two")
    async with world.database.read() as transaction:
        for name in (first, "one"):
            found = await public.find_volume(transaction, caller("alice"), name)
            assert found == public.VolumeView(first, "one", 1, "creating", False, world.settings.host_name)
        assert (await public.find_volume(transaction, caller("alice"), second)) is not None
        with pytest.raises(errors.SeveralVolumes):
            await public.find_volume(transaction, caller("alice"), "two")
        for name in ("", "three", "../one", "one%"):
            assert await public.find_volume(transaction, caller("alice"), name) is None


async def test_one_holder_at_a_time_unless_multiattach(world: World) -> None:
    id = await world.create()
    await world.attach(id)
    await world.attach(id)
    with pytest.raises(errors.VolumeInUse):
        await world.attach(id, OTHER)
    both = await world.create(multiattach=True)
    await world.attach(both)
    await world.attach(both, OTHER)
    async with world.database.read() as transaction:
        assert await holds.holders(transaction, ("volume", both)) == [HOLDER, OTHER]
    await world.detach(both)
    volume = await world.volume(both)
    assert volume is not None
    assert volume.attached


async def test_detaching_what_was_never_attached_is_fine(world: World) -> None:
    id = await world.create()
    before = await world.volume(id)
    await world.detach(id)
    await world.detach("00000000-0000-0000-0000-000000000000")
    assert await world.volume(id) == before


async def test_an_attached_volume_is_not_deleted(world: World) -> None:
    id = await world.create()
    await world.attach(id)
    with pytest.raises(errors.VolumeAttached):
        await world.delete(id)
    await world.detach(id)
    await world.delete(id)
    with pytest.raises(errors.VolumeUnusable):
        await world.attach(id)


async def test_deleting_twice_is_one_wish(world: World) -> None:
    id = await world.create()
    await world.delete(id)
    before = await world.volume(id)
    await world.delete(id)
    assert await world.volume(id) == before


async def test_the_door_deletes_for_the_holder_and_again(world: World) -> None:
    id = await world.create()
    await world.attach(id)
    for _ in range(2):
        async with world.database.write() as transaction:
            await public.delete_volume(transaction, id, HOLDER)
    assert await world.status(id) == "deleting"
    await world.settle(id)
    async with world.database.write() as transaction:
        await public.delete_volume(transaction, id, HOLDER)
    assert (await world.mount(id)).status == "deleted"


async def test_mounts_come_in_the_order_asked_for(world: World) -> None:
    ids = [await world.create(name=str(number)) for number in range(4)]
    async with world.database.read() as transaction:
        assert [view.volume_id for view in await public.mounts(transaction, ids[::-1])] == ids[::-1]
        assert await public.mounts(transaction, []) == []


async def test_a_reset_declares_broken_and_finds_the_state_anew(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    admin = caller("root", "admin")
    for wanted in ("error", "in-use", "available", "maintenance", "available"):
        async with world.database.write() as transaction:
            await actions.reset_status(transaction, admin, id, wanted)
        await world.settle(id)
        assert await world.status(id) == wanted
    with pytest.raises(core_errors.BadRequest, match="none of"):
        async with world.database.write() as transaction:
            await actions.reset_status(transaction, admin, id, "deleting")


async def test_metadata_is_added_replaced_and_removed(world: World) -> None:
    id = await world.create(metadata={"a": "1"})
    alice = caller("alice")
    async with world.database.write() as transaction:
        both = {"a": "1", "b": "2"}
        assert await volumes.set_metadata(transaction, alice, id, {"b": "2"}, replace=False) == both
        assert await volumes.set_metadata(transaction, alice, id, {"a": "3"}, replace=True) == {"a": "3"}
        await volumes.delete_metadata(transaction, alice, id, "a")
        with pytest.raises(errors.MetadataNotFound):
            await volumes.delete_metadata(transaction, alice, id, "a")
        with pytest.raises(errors.VolumeNotFound):
            await volumes.set_metadata(transaction, caller("bob"), id, {"x": "y"}, replace=False)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{'a': 1}", "__import__('os')", "{'a': 'b'}.keys()", "(" * 5000, "{'a': '" + "b" * 9000 + "'}"]
)
async def test_a_hostile_metadata_filter_is_a_bad_request(world: World, text: str) -> None:
    async with world.database.read() as transaction:
        with pytest.raises(core_errors.BadRequest, match="metadata"):
            await volumes.list_volumes(transaction, caller("alice"), "alice", Query((("metadata", text),)))


async def test_unknown_types_and_zones_are_refused_before_anything_is_written(world: World) -> None:
    with pytest.raises(errors.UnknownVolumeType):
        await world.create(volume_type="gold")
    with pytest.raises(core_errors.BadRequest, match="availability_zone"):
        await world.create(availability_zone="mars")
    assert await world.reconciler().all() == []


async def test_the_default_type_is_made_once_and_stays(world: World) -> None:
    admin = caller("root", "admin")
    async with world.database.write() as transaction:
        await public.bootstrap(transaction)
        types, more = await volume_types.list_types(transaction, admin, Query(()))
        assert ([one.name for one in types], more) == (["__DEFAULT__"], False)
        with pytest.raises(errors.VolumeTypeDefault):
            await volume_types.delete_type(transaction, admin, types[0].id)


async def test_a_multiattach_type_makes_volumes_for_several(world: World) -> None:
    async with world.database.write() as transaction:
        default = await volume_types.get_type(transaction, caller("root", "admin"), "default")
        await volume_types.set_specs(transaction, caller("root", "admin"), default.id, {"multiattach": "<is> True"})
    volume = await world.volume(await world.create())
    assert volume is not None
    assert volume.multiattach
