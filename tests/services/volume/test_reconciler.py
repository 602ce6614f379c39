"""The reconciler on a fake storage: every way there and back, failures, and death at every call."""

from __future__ import annotations

import pytest

from boxship.core.errors import Busy, Refused
from boxship.services.volume import errors, public
from boxship.services.volume.model import GIB
from tests.services.volume.world import HOLDER, OTHER, Killed, Mortal, World

MOST_CALLS = 40


async def test_from_creation_to_removal(world: World) -> None:
    id = await world.create(size=2)
    assert await world.status(id) == "creating"
    assert ("volume", id) in world.wakes
    await world.settle(id)
    sight = await world.storage.sight(id)
    assert sight is not None
    assert (sight.size, sight.path, await world.status(id)) == (2 * GIB, None, "available")

    await world.attach(id)
    assert (await world.status(id), (await world.mount(id)).path) == ("reserved", None)
    await world.settle(id)
    view = await world.mount(id)
    assert (view.status, view.path is not None) == ("in-use", True)
    assert HOLDER in world.wakes

    await world.detach(id)
    assert await world.status(id) == "detaching"
    assert (await world.mount(id)).path is None
    await world.settle(id)
    sight = await world.storage.sight(id)
    assert sight is not None
    assert (sight.path, await world.status(id)) == (None, "available")

    await world.delete(id)
    assert await world.status(id) == "deleting"
    await world.settle(id)
    assert (await world.storage.sight(id), await world.status(id)) == (None, "gone")


async def test_what_is_settled_is_not_due_and_costs_no_write(world: World) -> None:
    id = await world.create()
    assert list(await world.reconciler().due()) == [id]
    await world.settle(id)
    before = await world.volume(id)
    await world.settle(id)
    assert (list(await world.reconciler().due()), await world.volume(id)) == ([], before)


async def _walk(world: World, storage: Mortal) -> None:
    """A volume's whole life, given to a storage that kills."""
    id = await world.create()
    await world.settle(id, storage=storage)  # type: ignore[arg-type]  # answers to every verb
    await world.attach(id)
    await world.settle(id, storage=storage)  # type: ignore[arg-type]
    await world.detach(id)
    await world.settle(id, storage=storage)  # type: ignore[arg-type]
    await world.delete(id)
    await world.settle(id, storage=storage)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [False, True])
async def test_it_converges_after_death_at_every_call(world: World, after: bool) -> None:
    deaths = 0
    for call in range(1, MOST_CALLS):
        storage = Mortal(world.storage, call, after=after)
        try:
            await _walk(world, storage)
        except Killed:
            deaths += 1
        await world.settle()
        async with world.database.read() as transaction:
            mine = await public.mounts(transaction, await _ids(world))
        for view in mine:
            sight = await world.storage.sight(view.volume_id)
            assert sight is not None
            assert (view.status, view.path) == ("in-use" if sight.path else "available", sight.path)
            await world.detach(view.volume_id)
            await world.delete(view.volume_id)
        await world.settle()
        assert (await _ids(world), await world.storage.sights()) == ([], [])
        if not storage.died:
            break
    assert 10 <= deaths < MOST_CALLS - 1


async def _ids(world: World) -> list[str]:
    return sorted(await world.reconciler().all())


async def test_a_refusal_is_an_error_with_its_reason_until_the_wish_changes(world: World) -> None:
    world.storage.fail("create", Refused("The disk is full."))
    id = await world.create()
    await world.settle(id)
    assert (await world.status(id), (await world.mount(id)).reason) == ("error", "The disk is full.")
    assert list(await world.reconciler().due()) == []
    with pytest.raises(errors.VolumeUnusable, match="The disk is full"):
        await world.attach(id)
    await world.delete(id)
    await world.settle(id)
    assert await world.status(id) == "gone"


async def test_a_refused_removal_is_tried_again_when_asked_again(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    await world.delete(id)
    world.storage.fail("remove", Refused("Not now, not ever."))
    await world.settle(id)
    assert await world.status(id) == "error_deleting"
    await world.delete(id)
    assert await world.status(id) == "deleting"
    await world.settle(id)
    assert await world.status(id) == "gone"


async def test_a_refused_mount_is_told_to_the_holder(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    await world.attach(id)
    world.wakes.clear()
    world.storage.fail("mount", Refused("No ext4 file system."))
    await world.settle(id)
    assert (await world.mount(id)).reason == "No ext4 file system."
    assert HOLDER in world.wakes
    await world.detach(id)
    await world.settle(id)
    assert await world.status(id) == "available"


async def test_busy_is_left_to_the_loop_and_changes_nothing(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    await world.attach(id)
    await world.settle(id)
    await world.detach(id)
    world.storage.hold(id)
    with pytest.raises(Busy):
        await world.settle(id)
    assert await world.status(id) == "detaching"
    assert list(await world.reconciler().due()) == [id]
    world.storage.release(id)
    await world.settle(id)
    assert await world.status(id) == "available"


async def test_lost_data_is_never_replaced_by_an_empty_volume(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    await world.storage.remove(id)
    await world.attach(id)
    await world.settle(id)
    assert await world.storage.sight(id) is None
    assert "not in the storage" in ((await world.mount(id)).reason or "")
    await world.detach(id)
    await world.delete(id)
    await world.settle(id)
    assert await world.status(id) == "gone"


async def test_after_a_reboot_nobody_is_told_a_stale_path_and_it_is_mounted_again(world: World) -> None:
    id = await world.create()
    await world.attach(id)
    await world.settle(id)
    await world.storage.unmount(id)
    reconciler = world.reconciler()
    assert list(await reconciler.all()) == [id]
    assert ((await world.mount(id)).path, await world.status(id)) == (None, "reserved")
    world.wakes.clear()
    await world.settle(id)
    assert (await world.mount(id)).path is not None
    assert HOLDER in world.wakes


async def test_the_scan_at_the_start_works_without_a_sight(world: World) -> None:
    id = await world.create()
    world.storage.fail("sights", Busy("The disk is away."))
    assert list(await world.reconciler().all()) == [id]


async def test_data_outlives_holders(world: World) -> None:
    id = await world.create()
    await world.attach(id)
    await world.settle(id)
    path = (await world.mount(id)).path
    assert path is not None
    (path / "page").write_text("still here")
    await world.detach(id)
    await world.settle(id)
    await world.attach(id, OTHER)
    await world.settle(id)
    path = (await world.mount(id)).path
    assert path is not None
    assert (path / "page").read_text() == "still here"


async def test_it_is_removed_only_when_nobody_holds_it(world: World) -> None:
    id = await world.create(multiattach=True)
    await world.attach(id, HOLDER)
    await world.attach(id, OTHER)
    await world.settle(id)
    async with world.database.write() as transaction:
        await public.delete_volume(transaction, id, HOLDER)
    await world.settle(id)
    view = await world.mount(id)
    assert (view.status, view.path is not None) == ("deleting", True)
    await world.detach(id, OTHER)
    assert ("volume", id) in world.wakes
    await world.settle(id)
    assert await world.status(id) == "gone"


async def test_the_wish_that_changed_during_a_step_is_not_overwritten(world: World) -> None:
    id = await world.create()
    await world.settle(id)
    await world.attach(id)
    inner, mount = world.reconciler(), world.storage.mount

    async def detaching(volume_id: str) -> object:
        sight = await mount(volume_id)
        await world.detach(volume_id)
        return sight

    world.storage.mount = detaching  # type: ignore[method-assign,assignment]  # the user changes their mind meanwhile
    await inner.reconcile(id)
    assert await world.status(id) == "available"
    sight = await world.storage.sight(id)
    assert sight is not None
    assert sight.path is None


async def test_a_sweep_unmounts_strangers_and_keeps_their_bytes(world: World) -> None:
    known, stranger = await world.create(), "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001"
    await world.attach(known)
    await world.settle(known)
    await world.storage.create(stranger, GIB)
    await world.storage.mount(stranger)
    reconciler = world.reconciler()
    await reconciler.sweep()
    await reconciler.sweep()
    assert {sight.id: sight.path is not None for sight in await world.storage.sights()} == {
        known: True,
        stranger: False,
    }
