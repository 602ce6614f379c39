"""What is done to shares that are there, on fakes: other sizes, ways back, copies; and what is left when it is refused."""

from __future__ import annotations

import pytest

from boxship.core.errors import Busy, Refused
from boxship.services.share import errors
from boxship.services.share.model import GIB
from tests.services.share.world import FRIEND, World


async def test_a_share_grows_and_shrinks_while_it_is_served(world: World) -> None:
    id = await world.made()
    await world.allow(id)
    await world.settle()
    for act, size, state in ((world.extend, 3, "extending"), (world.shrink, 1, "shrinking")):
        await act(id, size)
        assert await world.status(id) == state
        await world.settle()
        sight = await world.storage.sight(id)
        assert sight is not None
        assert (sight.size, sight.path is not None) == (size * GIB, True)
        assert (await world.status(id), await world.exported(id)) == ("available", [(FRIEND, True)])


async def test_a_used_share_grows_at_once_and_shrinks_when_it_is_free(world: World) -> None:
    id = await world.made()
    await world.attach(id)
    world.storage.hold(id)
    await world.extend(id, 2)
    await world.settle()
    assert (await world.status(id), (await world.share(id)).made_size) == ("available", 2)
    await world.shrink(id, 1)
    with pytest.raises(Busy):
        await world.settle()
    assert (await world.status(id), list(await world.reconciler.due())) == ("shrinking", [id])
    world.storage.release(id)
    await world.settle()
    assert (await world.status(id), (await world.share(id)).made_size) == ("available", 1)


async def test_a_share_that_cannot_grow_has_its_old_size_and_works_on(world: World) -> None:
    id = await world.made()
    await world.allow(id)
    world.storage.fail("extend", Refused("The disk is full."))
    await world.extend(id, 5)
    await world.settle()
    assert (await world.status(id), (await world.share(id)).size) == ("extending_error", 1)
    assert await world.told() == [(id, "extend", "The disk is full.")]
    assert (await world.exported(id), (await world.mount(id)).path is not None) == ([(FRIEND, True)], True)
    await world.allow(id, "10.0.0.2")
    await world.settle()
    assert set((await world.rules(id)).values()) == {"active"}
    with pytest.raises(errors.InvalidShare, match="extending_error"):
        await world.extend(id, 5)
    await world.delete(id)
    await world.settle()
    assert await world.status(id) == "gone"


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("It holds more than fits in 1073741824 bytes; remove files first.", "shrinking_possible_data_loss_error"),
        ("The disk is full.", "shrinking_error"),
    ],
)
async def test_a_share_that_cannot_shrink_keeps_its_size_and_its_data(world: World, reason: str, state: str) -> None:
    id = await world.made(size=2)
    await world.allow(id)
    (world.data(id) / "page").write_text("still here")
    world.storage.fail("shrink", Refused(reason))
    await world.shrink(id, 1)
    await world.settle()
    assert (await world.status(id), (await world.share(id)).size) == (state, 2)
    assert await world.told() == [(id, "shrink", reason)]
    path = (await world.share(id)).path
    assert (path is not None, await world.exported(id)) == (True, [(FRIEND, True)])
    assert (world.data(id) / "page").read_text() == "still here"


async def test_data_that_does_not_fit_is_not_cut(world: World) -> None:
    id = await world.made(size=2)
    with (world.data(id) / "large").open("wb") as file:
        file.truncate(GIB + 1)
    await world.shrink(id, 1)
    await world.settle()
    assert await world.status(id) == "shrinking_possible_data_loss_error"
    assert (world.data(id) / "large").stat().st_size == GIB + 1
    (world.data(id) / "large").unlink()
    await world.shrink(id, 1)
    await world.settle()
    assert (await world.status(id), (await world.share(id)).size) == ("available", 1)


async def test_a_share_goes_back_to_its_snapshot_and_its_size(world: World) -> None:
    id = await world.made()
    await world.allow(id)
    (world.data(id) / "page").write_text("before")
    taken = await world.snapshot(id)
    await world.settle()
    (world.data(id) / "page").write_text("after")
    await world.extend(id, 2)
    await world.settle()
    await world.revert(id, taken)
    assert await world.status(id) == "reverting"
    await world.settle()
    assert ((world.data(id) / "page").read_text(), (await world.share(id)).made_size) == ("before", 1)
    assert (await world.status(id), await world.exported(id)) == ("available", [(FRIEND, True)])
    await world.delete_snapshot(taken)
    await world.settle()
    assert await world.status(taken) == "gone"


async def test_a_share_that_cannot_go_back_is_as_it_was(world: World) -> None:
    id = await world.made()
    taken = await world.snapshot(id)
    await world.settle()
    await world.extend(id, 2)
    await world.settle()
    (world.data(id) / "page").write_text("after")
    world.storage.fail("revert", Refused("The disk is full."))
    await world.revert(id, taken)
    await world.settle()
    share, sight = await world.share(id), await world.storage.sight(id)
    assert sight is not None
    assert (share.status, share.size, sight.size, sight.path is not None) == ("reverting_error", 2, 2 * GIB, True)
    assert (world.data(id) / "page").read_text() == "after"
    assert await world.told() == [(id, "revert to snapshot", "The disk is full.")]
    await world.delete_snapshot(taken)
    await world.settle()
    assert await world.status(taken) == "gone"


async def test_a_size_that_was_reached_is_kept_when_it_cannot_be_served(world: World) -> None:
    id = await world.made()
    await world.allow(id)
    await world.settle()
    world.exports.broken = Refused("The port is taken.")
    await world.extend(id, 3)
    await world.settle()
    sight, share = await world.storage.sight(id), await world.share(id)
    assert sight is not None
    assert (sight.size, share.size, share.made_size) == (3 * GIB, 3, 3)
    assert (share.status, share.fault) == ("error", "The port is taken.")


async def test_a_share_begins_with_what_its_snapshot_holds(world: World) -> None:
    id = await world.made()
    (world.data(id) / "page").write_text("content")
    taken = await world.snapshot(id)
    await world.settle()
    copy = await world.create(snapshot_id=taken, size=2)
    assert await world.status(copy) == "creating_from_snapshot"
    await world.delete_snapshot(taken)
    await world.reconcilers()[1].reconcile(taken)
    assert await world.storage.snapshot_sight(taken) is not None
    await world.settle()
    assert ((world.data(copy) / "page").read_text(), await world.status(copy)) == ("content", "available")
    await world.settle()
    assert await world.status(taken) == "gone"


async def test_a_share_whose_snapshot_is_lost_says_so(world: World) -> None:
    id = await world.made()
    taken = await world.snapshot(id)
    await world.settle()
    await world.storage.remove_snapshot(taken)
    copy = await world.create(snapshot_id=taken)
    await world.settle()
    assert (await world.status(copy), (await world.share(copy)).fault) == (
        "error",
        "The snapshot that it was to be made from is gone.",
    )
    await world.delete(copy)
    await world.delete_snapshot(taken)
    await world.settle()
    assert [await world.status(one) for one in (copy, taken, id)] == ["gone", "gone", "available"]


async def test_nobody_is_told_of_a_change_before_it_is_mounted_again(world: World) -> None:
    id = await world.made()
    for act, size, state in ((world.extend, 2, "extending"), (world.shrink, 1, "shrinking")):
        world.storage.fail("mount", Busy("The device is not there yet."))
        await act(id, size)
        with pytest.raises(Busy):
            await world.settle()
        assert await world.status(id) == state
        await world.settle()
        assert (await world.status(id), (await world.share(id)).made_size) == ("available", size)
    taken = await world.snapshot(id)
    await world.settle()
    world.storage.fail("mount", Busy("The device is not there yet."))
    await world.revert(id, taken)
    with pytest.raises(Busy):
        await world.settle()
    assert await world.status(id) == "reverting"
    await world.settle()
    assert await world.status(id) == "available"
