"""Quotas: what counts when, of whom and of which type, and that no way around them is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests import cloud as clouds
from tests.services.share.api import Api, wish

TOO_MUCH = "It holds more than fits"
LONG = "x" * 600


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with clouds.running(tmp_path / "state", quota_share_gigabytes=10) as cloud:
        yield Api(cloud)


async def test_a_share_that_will_not_shrink_counts_all_the_while(api: Api) -> None:
    share = await api.share(10)
    api.fail("shrink", TOO_MUCH)
    await api.ask("POST", f"/shares/{share}/action", {"shrink": {"new_size": 1}})
    await api.refused("POST", "/shares", 413, wish(9))
    await api.reaches("shares", share, status="shrinking_possible_data_loss_error", size=10)
    assert await api.quota("gigabytes") == (10, 10)


async def test_a_share_that_has_shrunk_gives_room_back(api: Api) -> None:
    share = await api.share(10)
    await api.ask("POST", f"/shares/{share}/action", {"shrink": {"new_size": 1}})
    await api.reaches("shares", share, status="available", size=1)
    await api.share(9)
    assert await api.quota("gigabytes") == (10, 10)


async def test_a_share_goes_back_to_a_larger_size_within_the_quota_only(api: Api) -> None:
    share = await api.share(10)
    snapshot = await api.snapshot(share)
    await api.ask("POST", f"/shares/{share}/action", {"shrink": {"new_size": 1}})
    await api.reaches("shares", share, status="available", size=1)
    other = await api.share(9)
    revert = {"revert": {"snapshot_id": snapshot}}
    assert "9 more than the 10 of 10" in await api.refused("POST", f"/shares/{share}/action", 413, revert)
    await api.ask("DELETE", f"/shares/{other}")

    async def free() -> bool:
        return await api.quota("gigabytes") == (10, 1)

    await api.cloud.until(free, "the other share is gone")
    await api.ask("POST", f"/shares/{share}/action", revert)
    await api.reaches("shares", share, status="available", size=10)


async def test_snapshots_count_apart(api: Api) -> None:
    admin = api.of("admin")
    await admin.ask("PUT", f"/quota-sets/{api.project}", {"quota_set": {"snapshots": 2, "snapshot_gigabytes": 3}})
    share = await api.share(2)
    await api.snapshot(share)
    assert await api.quota("snapshot_gigabytes") == (3, 2)
    body = {"snapshot": {"share_id": share}}
    assert "gigabytes" in await api.refused("POST", "/snapshots", 413, body)


async def test_a_type_has_a_quota_within_a_project(api: Api) -> None:
    admin = api.of("admin")
    gold = await admin.type("gold")
    where = f"/quota-sets/{api.project}?share_type=gold"
    await admin.ask("PUT", where, {"quota_set": {"gigabytes": 2}})
    assert "2" in await api.refused("POST", "/shares", 413, wish(3, share_type="gold"))
    share = await api.share(2, share_type=gold)
    await api.refused("POST", f"/shares/{share}/action", 403, {"extend": {"new_size": 3}})
    await api.share(3)
    assert (await api.quota("gigabytes", "?share_type=gold"), await api.quota("gigabytes")) == ((2, 2), (10, 5))
    await admin.ask("DELETE", where)
    assert await api.quota("gigabytes", "?share_type=gold") == (10, 2)


async def test_a_user_has_a_quota_within_a_project(api: Api) -> None:
    admin = api.of("admin")
    where = f"/quota-sets/{api.project}?user_id=alice-id"
    await admin.ask("PUT", where, {"quota_set": {"shares": 1}})
    await api.share()
    await api.refused("POST", "/shares", 413, wish())
    assert (await api.quota("shares", "?user_id=alice-id"), await api.quota("shares")) == ((1, 1), (50, 1))
    assert await api.quota("shares", "?user_id=somebody") == (50, 0)


async def test_a_part_has_no_more_than_its_project_unless_forced(api: Api) -> None:
    admin = api.of("admin")
    where = f"/quota-sets/{api.project}?user_id=alice-id"
    for limit in (11, -1):
        said = await admin.refused("PUT", where, 400, {"quota_set": {"gigabytes": limit}})
        assert said == "quota_set.gigabytes: Quota limit must be less than 10."
    await admin.ask("PUT", where, {"quota_set": {"gigabytes": 11, "force": True}})
    assert (await api.quota("gigabytes", "?user_id=alice-id"))[0] == 11
    await api.refused("POST", "/shares", 413, wish(11))  # the project's holds all the same


async def test_less_than_is_used_is_for_those_who_insist(api: Api) -> None:
    admin = api.of("admin")
    await api.share(2)
    where = f"/quota-sets/{api.project}"
    assert "smaller than already used" in await admin.refused("PUT", where, 400, {"quota_set": {"gigabytes": 1}})
    await admin.ask("PUT", where, {"quota_set": {"gigabytes": 1, "force": "true"}})
    assert await api.quota("gigabytes") == (1, 2)


async def test_a_single_share_has_a_largest_size(api: Api) -> None:
    await api.of("admin").ask("PUT", "/quota-class-sets/default", {"quota_class_set": {"per_share_gigabytes": 3}})
    share = await api.share(3)
    await api.refused("POST", "/shares", 413, wish(4))
    assert "4" in await api.refused("POST", f"/shares/{share}/action", 403, {"extend": {"new_size": 4}})


REFUSED = [
    (f"/quota-sets/{LONG}", {"quota_set": {"shares": 1}}, "project_id"),
    (f"/quota-sets/p?user_id={LONG}", {"quota_set": {"shares": 1}}, "user_id"),
    (f"/quota-class-sets/{LONG}", {"quota_class_set": {"shares": 1}}, "quota_class_set"),
    ("/quota-sets/p", {"quota_set": {}}, "quota_set"),
    ("/quota-sets/p", {"quota_set": {"shares": True}}, "quota_set.shares"),
    ("/quota-sets/p", {"quota_set": {"shares": -2}}, "quota_set.shares"),
    ("/quota-sets/p", {"quota_set": {"shares": 2**31}}, "quota_set.shares"),
    ("/quota-sets/p?user_id=u&share_type=default", {"quota_set": {"shares": 1}}, "user_id"),
    ("/quota-sets/p?share_type=default", {"quota_set": {"share_networks": 1}}, "quota_set.share_networks"),
]


async def test_what_is_no_quota_is_refused_by_its_name(api: Api) -> None:
    for path, body, field in REFUSED:
        assert field in await api.of("admin").refused("PUT", path, 400, body)
