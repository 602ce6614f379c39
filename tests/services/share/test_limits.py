"""What projects, types and users may have of shares, also when many ask at once, and what types say of their shares."""

from __future__ import annotations

import asyncio
import dataclasses

import msgspec
import pytest

from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.http.call import Query
from boxship.services.share import errors, public
from boxship.services.share.model import TYPE, Part, ShareType
from boxship.services.share.operations import quotas, snapshots, types
from tests.services.share.world import ADMIN, World, caller

ALICE, BOB = caller("alice"), caller("bob")
NOTHING = Query(())


def _limit(world: World, **most: int) -> None:
    limits = {f"quota_{name}": value for name, value in most.items()}
    world.settings = msgspec.structs.replace(world.settings, **limits)


async def test_quotas_count_shares_and_gigabytes(world: World) -> None:
    _limit(world, shares=2, share_gigabytes=5, per_share_gigabytes=4)
    with pytest.raises(core_errors.OverQuota, match="larger than maximum allowed limit 4"):
        await world.create(size=5)
    id = await world.made(size=3)
    with pytest.raises(core_errors.OverQuota, match="gigabytes quota"):
        await world.create(size=3)
    await world.made(size=1)
    with pytest.raises(core_errors.OverQuota, match="ShareLimitExceeded"):
        await world.create(size=1)
    with pytest.raises(core_errors.Forbidden, match="maximum allowed limit 4"):
        await world.extend(id, 5)
    await world.extend(id, 4)
    await world.create("bob")


async def test_quotas_count_snapshots(world: World) -> None:
    _limit(world, share_snapshots=2, share_snapshot_gigabytes=4)
    large, small = await world.made(size=3), await world.made(size=1)
    await world.snapshot(large)
    with pytest.raises(core_errors.OverQuota, match="snapshot exceeds allowed gigabytes"):
        await world.snapshot(large)
    await world.snapshot(small)
    with pytest.raises(core_errors.OverQuota, match="number of share snapshots"):
        await world.snapshot(small)


async def test_what_is_deleted_counts_until_it_is_gone(world: World) -> None:
    _limit(world, shares=1)
    await world.delete(await world.made())
    with pytest.raises(core_errors.OverQuota):
        await world.create()
    await world.settle()
    await world.create()


async def test_a_size_that_was_not_reached_is_given_back(world: World) -> None:
    _limit(world, share_gigabytes=3)
    id = await world.made()
    world.storage.fail("extend", core_errors.Refused("The disk is full."))
    await world.extend(id, 3)
    with pytest.raises(core_errors.OverQuota):
        await world.create()
    await world.settle()
    await world.create(size=2)


async def test_minus_one_is_no_limit(world: World) -> None:
    _limit(world, shares=-1, share_gigabytes=-1, per_share_gigabytes=-1)
    for _ in range(2):
        await world.create(size=2**31 - 1)


@pytest.mark.parametrize(("quota", "size"), [({"shares": 3}, 1), ({"share_gigabytes": 7}, 2)])
async def test_requests_at_once_do_not_pass_a_limit_together(world: World, quota: dict[str, int], size: int) -> None:
    _limit(world, **quota)
    done = await asyncio.gather(*(world.create(size=size) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(one, str) for one in done) == 3
    assert all(isinstance(one, str | core_errors.OverQuota) for one in done)
    assert len((await world.everything())[0]) == 3


async def test_extensions_at_once_do_not_pass_a_limit_together(world: World) -> None:
    _limit(world, share_gigabytes=6)
    ids = [await world.made() for _ in range(4)]
    done = await asyncio.gather(*(world.extend(id, 3) for id in ids), return_exceptions=True)
    assert sum(one is None for one in done) == 1
    assert sum(share.size for share in (await world.everything())[0]) == 6


async def test_snapshots_at_once_do_not_pass_a_limit_together(world: World) -> None:
    _limit(world, share_snapshots=2)
    id = await world.made()
    done = await asyncio.gather(*(world.snapshot(id) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, str) for one in done) == len((await world.everything())[1]) == 2


async def test_one_of_two_changes_at_once_is_told_to_try_again_or_waits(world: World) -> None:
    id = await world.made(size=2)
    done = await asyncio.gather(world.extend(id, 3), world.shrink(id, 1), world.delete(id), return_exceptions=True)
    assert sum(one is None for one in done) == 1
    await world.settle()
    assert await world.status(id) in {"available", "gone"}


async def _put(world: World, part: Part | None, *, force: bool = False, **most: int) -> None:
    whose = quotas.Whose("alice", part)
    await world.act(lambda it: quotas.put(it, world.settings, whose, most, force=force))


async def test_a_type_and_a_user_have_limits_of_their_own(world: World) -> None:
    gold = await _type(world, "gold")
    await _put(world, Part(TYPE, gold), shares=1, gigabytes=3)
    await _put(world, quotas.of_user(ALICE.user_id), gigabytes=4)
    with pytest.raises(core_errors.OverQuota, match="of 3 in use"):
        await world.create(share_type="gold", size=4)
    await world.create(share_type="gold", size=2)
    with pytest.raises(core_errors.OverQuota, match=r"allowed \(1\)"):
        await world.create(share_type="gold", size=1)
    with pytest.raises(core_errors.OverQuota, match="2 of 4 in use"):
        await world.create(size=3)
    await world.create("bob", share_type="gold", size=4)
    await world.create(dataclasses.replace(ALICE, user_id="carol-id"), size=3)


async def test_limits_are_not_less_than_what_is_used_unless_forced(world: World) -> None:
    await world.create(size=3)
    with pytest.raises(core_errors.BadRequest, match="already used"):
        await _put(world, None, gigabytes=2)
    await _put(world, None, gigabytes=2, force=True)
    with pytest.raises(core_errors.OverQuota):
        await world.create()
    with pytest.raises(core_errors.BadRequest, match="less than 2"):
        await _put(world, quotas.of_user(ALICE.user_id), gigabytes=3)
    await world.act(lambda it: quotas.reset(it, quotas.Whose("alice")))
    await world.create()


async def _type(world: World, name: str, specs: dict[str, str] | None = None, *, is_public: bool = True) -> str:
    """The id of a new type."""
    extra = {types.DHSS: "False"} | (specs or {})
    wish = ShareType("", name, None, is_public, extra, clock.now())
    made: ShareType = await world.act(lambda it: types.create_type(it, wish))
    return made.id


async def test_a_private_type_is_for_those_who_have_it(world: World) -> None:
    secret = await _type(world, "secret", is_public=False)
    for name in ("secret", secret):
        with pytest.raises(errors.ShareTypeNotFound):
            await world.create(share_type=name)
    await world.act(lambda it: types.add_access(it, ADMIN, secret, "alice"))
    id = await world.create(share_type="secret")
    async with world.database.read() as transaction:
        seen = {user: await types.list_types(transaction, caller(user), NOTHING) for user in ("alice", "bob")}
        with pytest.raises(errors.ShareTypeNotFound):
            await types.get_type(transaction, BOB, secret)
    assert {user: sorted(one.name for one in found) for user, found in seen.items()} == {
        "alice": ["default", "secret"],
        "bob": ["default"],
    }
    await world.act(lambda it: types.remove_access(it, ADMIN, secret, "alice"))
    with pytest.raises(errors.ShareTypeNotFound):
        await world.create(share_type="secret")
    await world.settle()
    assert await world.status(id) == "available"
    with pytest.raises(core_errors.BadRequest, match="in use"):
        await world.act(lambda it: types.delete_type(it, ADMIN, secret))


async def test_a_type_limits_the_sizes_of_its_shares(world: World) -> None:
    own = {f"provisioning:{name}_share_size": most for name, most in (("min", "2"), ("max", "4"), ("max_extend", "6"))}
    await _type(world, "sized", own)
    for size in (1, 5):
        with pytest.raises(core_errors.BadRequest, match=f"{size}GiB"):
            await world.create(share_type="sized", size=size)
    id = await world.made(share_type="sized", size=3)
    with pytest.raises(core_errors.BadRequest, match="1GiB"):
        await world.shrink(id, 1)
    with pytest.raises(core_errors.BadRequest, match="larger than 4GiB"):
        await world.extend(id, 5)
    with pytest.raises(core_errors.BadRequest, match="larger than 6GiB"):
        await world.extend(id, 7, ADMIN)
    await world.extend(id, 6, ADMIN)


async def test_what_a_type_does_not_offer_is_refused(world: World) -> None:
    await _type(world, "plain")
    plain = await world.made(share_type="plain")
    with pytest.raises(snapshots.Unsupported):
        await world.snapshot(plain)
    await _type(world, "taken", {"snapshot_support": "True"})
    parent = await world.made(share_type="taken")
    taken = await world.snapshot(parent)
    await world.settle()
    with pytest.raises(core_errors.BadRequest, match="capability"):
        await world.create(snapshot_id=taken)
    with pytest.raises(core_errors.BadRequest, match="capability"):
        await world.revert(parent, taken)


async def test_a_share_that_no_backend_can_keep_says_so(world: World) -> None:
    await _type(world, "ceph", {"share_backend_name": "ceph"})
    id = await world.create(share_type="ceph")
    await world.settle()
    assert (await world.status(id), [act for _, act, _ in await world.told()]) == ("error", ["allocate host"])
    assert await world.storage.sights() == []
    await world.delete(id)
    await world.settle()
    assert await world.status(id) == "gone"


async def test_the_default_type_is_made_once_and_stays(world: World) -> None:
    await world.act(public.bootstrap)
    async with world.database.read() as transaction:
        (default,) = await types.list_types(transaction, ADMIN, NOTHING)
    with pytest.raises(core_errors.BadRequest, match="stays"):
        await world.act(lambda it: types.delete_type(it, ADMIN, default.id))


@pytest.mark.parametrize(
    "specs",
    [
        {"driver_handles_share_servers": "perhaps"},
        {"snapshot_support": "2"},
        {"provisioning:min_share_size": "-1"},
        {"provisioning:min_share_size": "1e9"},
        {"provisioning:max_share_size": "9" * 400},
        {"provisioning:min_share_size": "3", "provisioning:max_share_size": "2"},
    ],
)
async def test_extra_specs_that_mean_nothing_are_refused(world: World, specs: dict[str, str]) -> None:
    with pytest.raises(core_errors.BadRequest, match="extra_spec"):
        await _type(world, "odd", specs)
