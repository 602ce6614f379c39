"""The reconcilers on fakes: every way there and back, every failure with its reason, and death at every call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from boxship.core.errors import Busy, Refused
from boxship.drivers.shares.interface import Export
from boxship.services.share import errors
from boxship.services.share.model import GIB
from tests.services.share.world import ADDRESS, ADMIN, FRIEND, HOLDER, Death, Killed, World

MOST_CALLS = 40
STRANGER = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001"


async def test_from_creation_to_removal(world: World) -> None:
    id = await world.create(size=2)
    assert (await world.status(id), ("share", id) in world.wakes) == ("creating", True)
    await world.settle()
    sight, share = await world.storage.sight(id), await world.share(id)
    assert sight is not None
    assert (sight.size, share.status, share.made_size) == (2 * GIB, "available", 2)
    assert (share.path, share.location) == (str(sight.path), f"{ADDRESS}:/{id}")
    assert await world.exported(id) is None

    await world.delete(id)
    assert (await world.status(id), (await world.mount(id)).path) == ("deleting", None)
    await world.settle()
    assert (await world.storage.sights(), await world.status(id)) == ([], "gone")


async def test_rules_are_what_is_served(world: World) -> None:
    id = await world.made()
    rule = await world.allow(id)
    assert await world.rules(id) == {FRIEND: "queued_to_apply"}
    await world.settle()
    assert (await world.rules(id), await world.exported(id)) == ({FRIEND: "active"}, [(FRIEND, True)])
    other = await world.allow(id, "10.1.0.0/16", access_level="ro")
    await world.settle()
    assert await world.exported(id) == [(FRIEND, True), ("10.1.0.0/16", False)]

    await world.deny(id, rule)
    assert (await world.rules(id))[FRIEND] == "queued_to_deny"
    await world.settle()
    assert (await world.rules(id), await world.exported(id)) == ({"10.1.0.0/16": "active"}, [("10.1.0.0/16", False)])
    await world.deny(id, other)
    await world.settle()
    assert (await world.rules(id), await world.exported(id), await world.status(id)) == ({}, None, "available")


async def test_a_share_goes_with_its_rules(world: World) -> None:
    id = await world.made()
    await world.allow(id)
    await world.settle()
    await world.delete(id)
    await world.settle()
    assert (await world.status(id), await world.exports.sights(), await world.rule_rows(id)) == ("gone", [], [])


async def test_a_host_that_serves_nothing_has_rules_all_the_same(world: World) -> None:
    world.exports._address = ""
    id = await world.made()
    await world.allow(id)
    await world.settle()
    assert (await world.rules(id), await world.exported(id)) == ({FRIEND: "active"}, None)
    assert (await world.share(id)).location is None


async def test_what_is_settled_is_not_due_and_costs_no_write(world: World) -> None:
    id = await world.made()
    await world.allow(id)
    await world.settle()
    before = await world.share(id), await world.rule_rows(id)
    await world.reconciler.reconcile(id)
    assert list(await world.reconciler.due()) == []
    assert (await world.share(id), await world.rule_rows(id)) == before


async def _creates(world: World, id: str) -> None:
    await world.create()


async def _opens(world: World, id: str) -> None:
    await world.allow(id, "10.0.0.2", access_level="ro")


async def _closes(world: World, id: str) -> None:
    await world.deny(id, (await world.rule_rows(id))[0].id)


async def _extends(world: World, id: str) -> None:
    await world.extend(id, 3)


async def _shrinks(world: World, id: str) -> None:
    await world.shrink(id, 1)


async def _takes(world: World, id: str) -> None:
    await world.snapshot(id)


async def _reverts(world: World, id: str) -> None:
    await world.revert(id, await _taken(world))


async def _copies(world: World, id: str) -> None:
    await world.create(snapshot_id=await _taken(world), size=3)


async def _forgets(world: World, id: str) -> None:
    await world.delete_snapshot(await _taken(world))


async def _deletes(world: World, id: str) -> None:
    await world.delete(id, ADMIN, force=True)


async def _taken(world: World) -> str:
    """The snapshot of the share."""
    _, (snapshot,) = await world.everything()
    return str(snapshot.id)


ACTS = (_creates, _opens, _closes, _extends, _shrinks, _takes, _reverts, _copies, _forgets, _deletes)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("act", ACTS)
async def test_it_converges_after_death_at_every_call(
    world: World, act: Callable[[World, str], Awaitable[None]], after: bool
) -> None:
    deaths = 0
    for call in range(1, MOST_CALLS):
        id = await world.made(size=2)
        await world.allow(id)
        await world.snapshot(id)
        await world.settle()
        await act(world, id)
        death = Death(call, after=after)
        try:
            await world.settle(death)
        except Killed:
            deaths += 1
        await world.reconciler.all()
        await world.settle()
        await _is_as_wished(world)
        for share in (await world.everything())[0]:
            await world.delete(share.id, ADMIN, force=True)
        await world.settle()
        assert await world.everything() == ([], [])
        assert [await world.storage.sights(), await world.storage.snapshots(), await world.exports.sights()] == [[]] * 3
        if not death.died:
            break
    assert 3 <= deaths < MOST_CALLS - 1


async def _is_as_wished(world: World) -> None:
    shares, snapshots = await world.everything()
    for share in shares:
        sight = await world.storage.sight(share.id)
        assert sight is not None
        assert (share.status, sight.size, share.path) == ("available", share.size * GIB, str(sight.path))
        rules = await world.rules(share.id)
        assert set(rules.values()) <= {"active"}
        assert [address for address, _ in await world.exported(share.id) or []] == list(rules)
    for snapshot in snapshots:
        assert snapshot.status == "available"
        assert await world.storage.snapshot_sight(snapshot.id) is not None


async def test_a_refused_creation_is_an_error_with_its_reason(world: World) -> None:
    world.storage.fail("create", Refused("The disk is full."))
    id = await world.create()
    await world.settle()
    assert (await world.status(id), (await world.mount(id)).reason) == ("error", "The disk is full.")
    assert await world.told() == [(id, "create", "The disk is full.")]
    assert list(await world.reconciler.due()) == []
    with pytest.raises(errors.InvalidShare, match="is error"):
        await world.allow(id)
    await world.delete(id)
    await world.settle()
    assert await world.status(id) == "gone"


async def test_a_refused_removal_is_tried_again_when_asked_again(world: World) -> None:
    id = await world.made()
    await world.delete(id)
    world.storage.fail("remove", Refused("Not now, not ever."))
    await world.settle()
    assert await world.status(id) == "error_deleting"
    assert await world.told() == [(id, "delete", "Not now, not ever.")]
    await world.delete(id)
    assert await world.status(id) == "deleting"
    await world.settle()
    assert await world.status(id) == "gone"


async def test_rules_that_cannot_be_served_are_in_error_and_the_share_is_not(world: World) -> None:
    id = await world.made()
    await world.allow(id)
    await world.settle()
    world.exports.failures.append(Refused("The port is taken."))
    await world.allow(id, "10.0.0.2")
    await world.settle()
    assert await world.rules(id) == {FRIEND: "active", "10.0.0.2": "error"}
    assert (await world.status(id), await world.exported(id)) == ("available", [(FRIEND, True)])
    assert await world.told() == [(id, "update access rules", "The port is taken.")]
    await world.allow(id, "10.0.0.3")
    await world.settle()
    assert set((await world.rules(id)).values()) == {"active"}


async def test_rules_in_error_can_be_taken_away(world: World) -> None:
    id = await world.made()
    world.exports.broken = Refused("The program is missing.")
    rule = await world.allow(id)
    await world.settle()
    assert await world.rules(id) == {FRIEND: "error"}
    await world.deny(id, rule)
    await world.settle()
    assert (await world.rules(id), await world.status(id)) == ({}, "available")


async def test_an_old_fault_does_not_come_back_with_a_refused_rule(world: World) -> None:
    id = await world.made()
    await world.storage.unmount(id)
    world.storage.fail("mount", Refused("No ext4 file system."))
    await world.reset(id)
    await world.settle()
    assert await world.status(id) == "error"
    await world.reset(id)
    world.exports.broken = Refused("The program is missing.")
    await world.allow(id)
    await world.settle()
    assert (await world.status(id), await world.rules(id)) == ("available", {FRIEND: "error"})


async def test_lost_data_is_never_replaced_by_an_empty_share(world: World) -> None:
    id = await world.made()
    await world.storage.unmount(id)
    await world.storage.remove(id)
    await world.allow(id)
    await world.settle()
    assert await world.storage.sight(id) is None
    assert "not in the storage" in str((await world.told())[0])
    await world.delete(id)
    await world.settle()
    assert await world.status(id) == "gone"


async def test_a_lost_snapshot_is_an_error_and_can_be_removed(world: World) -> None:
    id = await world.made()
    taken = await world.snapshot(id)
    await world.settle()
    await world.storage.remove_snapshot(taken)
    await world.reconcilers()[1].reconcile(STRANGER)
    with pytest.raises(Refused, match="not in the storage"):
        await world.reconcilers()[1].reconcile(taken)
    await world.reconcilers()[1].give_up(taken, "lost")
    assert await world.status(taken) == "error"
    await world.delete_snapshot(taken)
    await world.settle()
    assert await world.status(taken) == "gone"


async def test_a_snapshot_that_cannot_be_taken_says_why(world: World) -> None:
    id = await world.made()
    world.storage.fail("snapshot", Refused("The disk is full."))
    taken = await world.snapshot(id)
    await world.settle()
    assert (await world.status(taken), await world.told()) == ("error", [(taken, "create", "The disk is full.")])
    with pytest.raises(errors.ShareInUse, match="1 dependent"):
        await world.delete(id)
    await world.delete_snapshot(taken)
    await world.settle()
    await world.delete(id)
    await world.settle()
    assert await world.everything() == ([], [])


async def test_it_is_removed_by_force_only_after_its_snapshots(world: World) -> None:
    id = await world.made()
    taken = await world.snapshot(id)
    await world.settle()
    await world.delete(id, ADMIN, force=True)
    await world.reconciler.reconcile(id)
    assert (await world.status(id), await world.storage.sight(id) is not None) == ("deleting", True)
    await world.settle()
    assert [await world.status(one) for one in (id, taken)] == ["gone", "gone"]


async def test_busy_is_left_to_the_loop_and_changes_nothing(world: World) -> None:
    id = await world.made()
    world.storage.hold(id)
    await world.delete(id)
    with pytest.raises(Busy):
        await world.settle()
    assert (await world.status(id), list(await world.reconciler.due())) == ("deleting", [id])
    world.storage.release(id)
    await world.settle()
    assert await world.status(id) == "gone"


async def test_a_busy_server_is_waited_for(world: World) -> None:
    id = await world.made()
    world.exports.failures.append(Busy("The server does not answer."))
    await world.allow(id)
    with pytest.raises(Busy):
        await world.settle()
    assert await world.rules(id) == {FRIEND: "queued_to_apply"}
    await world.settle()
    assert (await world.rules(id), await world.exported(id)) == ({FRIEND: "active"}, [(FRIEND, True)])


async def test_the_wish_that_changed_during_a_step_is_not_overwritten(world: World) -> None:
    id = await world.made()
    put, denied = world.exports.put, False

    async def denying(export: Export) -> None:
        nonlocal denied
        await put(export)
        if not denied:
            denied = True
            await world.deny(id, (await world.rule_rows(id))[0].id)

    world.exports.put = denying  # type: ignore[method-assign]  # the user changes their mind meanwhile
    await world.allow(id)
    await world.reconciler.reconcile(id)
    await world.settle()
    assert (await world.rules(id), await world.exported(id)) == ({}, None)


async def test_after_a_reboot_nobody_is_told_a_stale_path_and_it_is_mounted_again(world: World) -> None:
    id = await world.made()
    await world.attach(id)
    await world.storage.unmount(id)
    reconciler = world.reconciler
    assert list(await reconciler.all()) == [id]
    assert (await world.mount(id)).path is None
    world.wakes.clear()
    await reconciler.reconcile(id)
    assert ((await world.mount(id)).path is not None, HOLDER in world.wakes) == (True, True)


async def test_the_scan_at_the_start_works_without_a_sight(world: World) -> None:
    id = await world.create()
    world.storage.fail("sights", Busy("The disk is away."))
    assert list(await world.reconciler.all()) == [id]


async def test_a_sweep_unmounts_strangers_and_serves_them_to_nobody(world: World) -> None:
    known = await world.made()
    await world.allow(known)
    await world.settle()
    await world.storage.create(STRANGER, GIB)
    stranger = await world.storage.mount(STRANGER)
    served = await world.exports.sight(known)
    assert (served is not None, stranger.path is not None) == (True, True)
    assert served is not None
    assert stranger.path is not None
    await world.exports.put(Export(STRANGER, stranger.path, served.access))
    reconciler = world.reconciler
    await reconciler.sweep()
    await reconciler.sweep()
    mounted = {sight.id: sight.path is not None for sight in await world.storage.sights()}
    assert mounted == {known: True, STRANGER: False}
    assert await world.exports.sights() == [served]
