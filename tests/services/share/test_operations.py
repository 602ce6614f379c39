"""What callers can ask of shares, and what they cannot: tenants are hostile to each other."""

from __future__ import annotations

import functools

import pytest

from boxship.core import errors as core_errors
from boxship.core.http.call import Query
from boxship.services.share import errors, public
from boxship.services.share.operations import locations, messages, rules, shares, sizes, snapshots
from tests.services.share.world import ADMIN, FRIEND, HOLDER, World, caller

ALICE, BOB = caller("alice"), caller("bob")
NOBODY = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001"
NOTHING = Query(())


async def test_another_projects_share_does_not_exist(world: World) -> None:
    id = await world.made()
    rule, taken = await world.allow(id), await world.snapshot(id)
    await world.settle()
    before = await world.everything()
    for refused in (
        lambda it: shares.get_share(it, BOB, id),
        lambda it: shares.update_share(it, BOB, id, {"name": "mine"}),
        lambda it: shares.delete_share(it, BOB, id, force=True),
        lambda it: shares.get_metadata(it, BOB, id),
        lambda it: shares.set_metadata(it, BOB, id, {"a": "b"}, replace=True),
        lambda it: shares.delete_metadata(it, BOB, id, "a"),
        lambda it: sizes.extend(it, BOB, world.settings, id, 2),
        lambda it: sizes.shrink(it, BOB, id, 1),
        lambda it: sizes.revert(it, BOB, world.settings, id, taken),
        lambda it: rules.allow(it, BOB, id, rules.RuleWish(access_type="ip", access_to="10.0.0.9")),
        lambda it: rules.deny(it, BOB, id, rule),
        lambda it: rules.list_rules(it, BOB, id, NOTHING),
        lambda it: snapshots.create_snapshot(it, BOB, world.settings, snapshots.SnapshotWish(share_id=id)),
    ):
        with pytest.raises(errors.ShareNotFound):
            await world.act(refused)
    assert await world.everything() == before
    async with world.database.read() as transaction:
        assert await shares.list_shares(transaction, BOB, NOTHING) == ([], False)
        assert await shares.list_shares(transaction, BOB, Query((("all_tenants", "1"),))) == ([], False)
        assert await shares.list_shares(transaction, BOB, Query((("project_id", "alice"),))) == ([], False)
        assert await shares.count_shares(transaction, BOB, NOTHING) == 0
        assert [await public.find_share(transaction, BOB, name) for name in (id, "data")] == [None, None]
        assert (await shares.get_share(transaction, ADMIN, id)).id == id


async def test_a_public_share_is_seen_by_all_and_changed_by_none(world: World) -> None:
    id = await world.made(is_public=True)
    rule = await world.allow(id)
    await world.settle()
    async with world.database.read() as transaction:
        assert (await shares.get_share(transaction, BOB, id)).id == id
        assert (await shares.list_shares(transaction, BOB, NOTHING))[0] == []
        public_ones, _ = await shares.list_shares(transaction, BOB, Query((("is_public", "true"),)))
        assert [share.id for share in public_ones] == [id]
        with pytest.raises(errors.RuleNotFound):
            await rules.get_rule(transaction, BOB, rule)
        assert await public.find_share(transaction, BOB, id) is None
    for refused in (
        lambda it: shares.update_share(it, BOB, id, {"is_public": False}),
        lambda it: shares.delete_share(it, BOB, id),
        lambda it: shares.set_metadata(it, BOB, id, {"a": "b"}, replace=False),
        lambda it: sizes.extend(it, BOB, world.settings, id, 2),
        lambda it: rules.allow(it, BOB, id, rules.RuleWish(access_type="ip", access_to="10.0.0.9")),
        lambda it: rules.deny(it, BOB, id, rule),
        lambda it: rules.list_rules(it, BOB, id, NOTHING),
        lambda it: snapshots.create_snapshot(it, BOB, world.settings, snapshots.SnapshotWish(share_id=id)),
    ):
        with pytest.raises(core_errors.Forbidden, match="another project"):
            await world.act(refused)
    assert await world.rules(id) == {FRIEND: "active"}


async def test_nobody_sees_or_uses_rules_and_snapshots_of_others(world: World) -> None:
    id = await world.made()
    rule, taken = await world.allow(id), await world.snapshot(id)
    await world.settle()
    for refused in (
        lambda it: rules.get_rule(it, BOB, rule),
        lambda it: rules.set_metadata(it, BOB, rule, {"a": "b"}),
        lambda it: rules.delete_metadata(it, BOB, rule, "a"),
    ):
        with pytest.raises(errors.RuleNotFound):
            await world.act(refused)
    for unseen in (
        lambda it: snapshots.get_snapshot(it, BOB, taken),
        lambda it: snapshots.update_snapshot(it, BOB, taken, {"name": "mine"}),
        lambda it: snapshots.delete_snapshot(it, BOB, taken),
        lambda it: snapshots.reset_status(it, BOB, taken, "error"),
    ):
        with pytest.raises(errors.SnapshotNotFound):
            await world.act(unseen)
    with pytest.raises(errors.SnapshotNotFound):
        await world.create(BOB, snapshot_id=taken)
    own = await world.made(BOB)
    with pytest.raises(errors.RuleNotFound):
        await world.deny(own, rule, BOB)
    with pytest.raises(core_errors.BadRequest, match="could not be found"):
        await world.revert(own, taken, BOB)
    async with world.database.read() as transaction:
        assert await snapshots.list_snapshots(transaction, BOB, Query((("share_id", id),))) == ([], False)
    assert (await world.rules(id), await world.status(taken)) == ({FRIEND: "active"}, "available")


async def test_messages_are_for_their_project(world: World) -> None:
    world.storage.fail("create", core_errors.Refused("The disk is full."))
    await world.create()
    await world.settle()
    async with world.database.read() as transaction:
        (message,), _ = await messages.list_messages(transaction, ALICE, NOTHING)
        assert await messages.list_messages(transaction, BOB, NOTHING) == ([], False)
        with pytest.raises(errors.MessageNotFound):
            await messages.get_message(transaction, BOB, message.id)
    with pytest.raises(errors.MessageNotFound):
        await world.act(lambda it: messages.delete_message(it, BOB, message.id))
    await world.act(lambda it: messages.delete_message(it, ALICE, message.id))
    assert await world.told() == []


@pytest.mark.parametrize(
    "wish",
    [
        {"access_to": "10.0.0.1/33"},
        {"access_to": "10.0.0.1/8"},
        {"access_to": "host.example"},
        {"access_to": "*"},
        {"access_to": ""},
        {"access_to": "10.0.0.1; }"},
        {"access_to": "10.0.0.1\n"},
        {"access_to": "fe80::1%eth0 }"},
        {"access_type": "user", "access_to": "alice"},
        {"access_type": "password"},
        {"access_level": "root"},
    ],
)
async def test_a_rule_is_for_an_address_and_nothing_else(world: World, wish: dict[str, str]) -> None:
    id = await world.made()
    with pytest.raises(core_errors.BadRequest):
        await world.allow(id, wish.pop("access_to", FRIEND), **wish)
    assert await world.rule_rows(id) == []


async def test_version_6_is_for_clients_that_know_it(world: World) -> None:
    id = await world.made()
    wish = rules.RuleWish(access_type="ip", access_to="fd00::/64")
    with pytest.raises(core_errors.BadRequest, match="fd00"):
        await world.act(lambda it: rules.allow(it, ALICE, id, wish, ipv6=False))
    await world.allow(id, "fd00::/64")
    await world.settle()
    assert await world.exported(id) == [("fd00::/64", True)]


@pytest.mark.parametrize(("first", "second"), [("10.0.0.1", "10.0.0.1"), ("10.0.0.1", "10.0.0.1/32")])
async def test_an_address_has_one_rule(world: World, first: str, second: str) -> None:
    id = await world.made()
    await world.allow(id, first)
    with pytest.raises(errors.RuleExists):
        await world.allow(id, second, access_level="ro")
    rows = await world.rule_rows(id)
    await world.deny(id, rows[0].id)
    with pytest.raises(errors.RuleExists):
        await world.allow(id, second)
    await world.settle()
    await world.allow(id, second)


async def test_rules_wait_for_the_share(world: World) -> None:
    id = await world.create()
    with pytest.raises(errors.InvalidShare, match="it is creating"):
        await world.allow(id)
    await world.settle()
    rule = await world.allow(id)
    await world.deny(id, rule)
    await world.deny(id, rule)
    await world.settle()
    with pytest.raises(errors.RuleNotFound):
        await world.deny(id, rule)


async def test_metadata_is_added_replaced_and_removed(world: World) -> None:
    id = await world.made(metadata={"a": "1"})
    rule = await world.allow(id, metadata={"x": "1"})
    both = {"a": "1", "b": "2"}
    assert await world.act(lambda it: shares.set_metadata(it, ALICE, id, {"b": "2"}, replace=False)) == both
    assert await world.act(lambda it: shares.set_metadata(it, ALICE, id, {"a": "3"}, replace=True)) == {"a": "3"}
    await world.act(lambda it: shares.delete_metadata(it, ALICE, id, "a"))
    with pytest.raises(errors.MetadataNotFound):
        await world.act(lambda it: shares.delete_metadata(it, ALICE, id, "a"))
    assert await world.act(lambda it: rules.set_metadata(it, ALICE, rule, {"y": "2"})) == {"x": "1", "y": "2"}
    await world.act(lambda it: rules.delete_metadata(it, ALICE, rule, "x"))
    with pytest.raises(errors.MetadataNotFound):
        await world.act(lambda it: rules.delete_metadata(it, ALICE, rule, "x"))
    async with world.database.read() as transaction:
        for text, count in (("{'y': '2'}", 1), ("{'y': '3'}", 0)):
            found = await rules.list_rules(transaction, ALICE, id, Query((("metadata", text),)))
            assert len(found) == count


@pytest.mark.parametrize("text", ["{", "[]", "{'a': 1}", "__import__('os')", "(" * 5000, "{'a': '" + "b" * 9000 + "'}"])
@pytest.mark.parametrize("name", ["metadata", "extra_specs"])
async def test_a_hostile_filter_is_a_bad_request(world: World, name: str, text: str) -> None:
    async with world.database.read() as transaction:
        with pytest.raises(core_errors.BadRequest, match=name):
            await shares.list_shares(transaction, ALICE, Query(((name, text),)))


@pytest.mark.parametrize("name", ["host", "share_server_id"])
async def test_only_admins_filter_by_where_shares_are(world: World, name: str) -> None:
    async with world.database.read() as transaction:
        with pytest.raises(core_errors.Forbidden):
            await shares.list_shares(transaction, ALICE, Query(((name, "x"),)))
        await shares.list_shares(transaction, ADMIN, Query(((name, "x"),)))


async def test_what_is_unknown_is_refused_before_anything_is_written(world: World) -> None:
    for wish in ({"share_type": "gold"}, {"snapshot_id": NOBODY}, {"availability_zone": "mars"}):
        with pytest.raises(core_errors.NotFound):
            await world.create(**wish)
    with pytest.raises(core_errors.BadRequest, match="CIFS"):
        await world.create(share_proto="CIFS")
    assert await world.everything() == ([], [])


async def test_locations_are_known_by_ids_that_lead_back(world: World) -> None:
    share = await world.share(await world.made())
    network, local = locations.of(share)
    assert (network.path, network.preferred) == (share.location, True)
    assert (local.path, local.preferred) == (share.path, False)
    for location in (network, local):
        assert locations.one_of(share, location.id) == location
        assert share.id in locations.shares_of(location.id)
    for id in (share.id, "x", ""):
        with pytest.raises(errors.LocationNotFound):
            locations.one_of(share, id)


async def test_sizes_go_the_way_that_their_name_says(world: World) -> None:
    id = await world.made(size=2)
    for act, size in ((world.extend, 2), (world.extend, 1), (world.shrink, 2), (world.shrink, 3), (world.shrink, 0)):
        with pytest.raises(core_errors.BadRequest, match="new_size"):
            await act(id, size)
    await world.extend(id, 3)
    for act, size in ((world.extend, 4), (world.shrink, 1)):
        with pytest.raises(errors.InvalidShare, match="extending"):
            await act(id, size)


async def test_a_share_goes_back_to_its_newest_snapshot_only(world: World) -> None:
    id = await world.made()
    old, new = await world.snapshot(id), await world.snapshot(id)
    with pytest.raises(core_errors.Conflict, match="creating"):
        await world.revert(id, new)
    await world.settle()
    with pytest.raises(core_errors.Conflict, match="not the most recent"):
        await world.revert(id, old)
    other = await world.made()
    with pytest.raises(core_errors.BadRequest, match="not associated"):
        await world.revert(other, new)
    await world.allow(id)
    with pytest.raises(core_errors.Conflict, match="rules"):
        await world.revert(id, new)
    await world.settle()
    await world.revert(id, new)
    with pytest.raises(core_errors.Conflict, match="reverting"):
        await world.revert(id, new)


async def test_a_share_from_a_snapshot_is_not_smaller(world: World) -> None:
    taken = await world.snapshot(await world.made(size=2))
    with pytest.raises(core_errors.BadRequest, match="must be available"):
        await world.create(snapshot_id=taken, size=2)
    await world.settle()
    with pytest.raises(core_errors.BadRequest, match="less than 2"):
        await world.create(snapshot_id=taken, size=1)


async def test_what_is_used_is_not_deleted(world: World) -> None:
    id = await world.create()
    with pytest.raises(errors.ShareInUse, match="creating"):
        await world.delete(id)
    await world.settle()
    taken = await world.snapshot(id)
    with pytest.raises(errors.InvalidSnapshot, match="creating"):
        await world.delete_snapshot(taken)
    with pytest.raises(errors.ShareInUse, match="1 dependent"):
        await world.delete(id)
    await world.settle()
    await world.delete_snapshot(taken)
    await world.settle()
    await world.attach(id)
    for force in (False, True):
        with pytest.raises(errors.ShareInUse, match="mounted in containers"):
            await world.delete(id, ADMIN, force=force)
    await world.detach(id)
    await world.delete(id)
    with pytest.raises(errors.InvalidShare, match="deleting"):
        await world.attach(id)


async def test_deleting_twice_is_one_wish(world: World) -> None:
    id = await world.made()
    taken = await world.snapshot(id)
    await world.settle()
    for act, one in ((world.delete_snapshot, taken), (world.delete, id)):
        await act(one)
        before = await world.everything()
        await act(one)
        assert await world.everything() == before
        await world.settle()
    assert await world.everything() == ([], [])


async def test_holding_what_is_gone_and_letting_go_of_it(world: World) -> None:
    with pytest.raises(errors.ShareNotFound):
        await world.attach(NOBODY)
    await world.detach(NOBODY)
    assert await world.mount(NOBODY) == public.MountView(
        NOBODY, None, "deleted", f"Share {NOBODY} does not exist any more."
    )


async def test_find_by_id_then_by_name(world: World) -> None:
    first = await world.made(name="one")
    await world.create(name="two")
    await world.create(name="two")
    async with world.database.read() as transaction:
        for name in (first, "one"):
            found = await public.find_share(transaction, ALICE, name)
            assert found is not None
            assert (found.id, found.status) == (first, "available")
        with pytest.raises(errors.SeveralShares):
            await public.find_share(transaction, ALICE, "two")
        for name in ("", "three", "../one", "one%"):
            assert await public.find_share(transaction, ALICE, name) is None


async def test_a_reset_declares_and_finds_the_state_anew(world: World) -> None:
    id = await world.made()
    taken = await world.snapshot(id)
    await world.settle()
    for wanted in ("error", "extending_error", "migrating", "available"):
        await world.act(functools.partial(sizes.reset_status, caller=ADMIN, id=id, status=wanted))
        await world.settle()
        assert await world.status(id) == wanted
    for wanted in ("error", "restoring", "available"):
        await world.act(functools.partial(snapshots.reset_status, caller=ADMIN, id=taken, status=wanted))
        await world.settle()
        assert await world.status(taken) == wanted


async def test_a_holder_is_woken_when_the_share_changes(world: World) -> None:
    id = await world.create()
    await world.attach(id)
    world.wakes.clear()
    await world.settle()
    assert HOLDER in world.wakes
    assert (await world.mount(id)).path is not None
