"""Quotas of single projects: who sets them, what they do, what is refused."""

from __future__ import annotations

import asyncio

import pytest

from tests.services.network.world import PROJECTS, World

ALICE = PROJECTS["alice"]


async def _set(world: World, **limits: object) -> dict[str, object]:
    answer = await world.request("admin", "PUT", f"/quotas/{ALICE}", {"quota": limits})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()["quota"]
    return found


async def _own(world: World) -> list[str]:
    """The projects with limits of their own."""
    listed = (await world.request("admin", "GET", "/quotas")).json()["quotas"]
    return [found["project_id"] for found in listed]


async def test_a_limit_of_its_own_binds_one_project_only(world: World) -> None:
    shown = await _set(world, network="1", port=-1)
    assert (shown["network"], shown["port"], shown["subnet"]) == (1, -1, world.settings.quota_subnets)
    await world.net()
    await world.refused("alice", "POST /networks", {"network": {}}, (409, "OverQuota"))
    for _ in range(2):
        await world.made("bob", "/networks")
    await _set(world, network=2)
    await world.made("alice", "/networks")


async def test_no_limit_and_none_at_all(world: World) -> None:
    await _set(world, router=0, network=-1)
    await world.refused("alice", "POST /routers", {"router": {}}, (409, "OverQuota"))
    for _ in range(3):
        await world.made("alice", "/networks")


async def test_bulk_creation_is_all_or_nothing(world: World) -> None:
    await _set(world, network=2)
    await world.refused("alice", "POST /networks", {"networks": [{}, {}, {}]}, (409, "OverQuota"))
    assert (await world.shown("alice", f"/quotas/{ALICE}/details"))["network"]["used"] == 0


async def test_many_at_once_do_not_pass_the_limit(world: World) -> None:
    await _set(world, network=3)
    answers = await asyncio.gather(*(world.request("alice", "POST", "/networks", {"network": {}}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5


async def test_details_count_what_there_is(world: World) -> None:
    await _set(world, port=7)
    network_id, _ = await world.net()
    await world.made("alice", "/ports", network_id=network_id)
    details = await world.shown("reader", f"/quotas/{ALICE}/details")
    assert details["port"] == {"limit": 7, "used": 2, "reserved": 0}, "the name service has a port, too"
    assert {name: details[name]["used"] for name in ("network", "subnet", "security_group", "security_group_rule")} == {
        "network": 1,
        "subnet": 1,
        "security_group": 1,
        "security_group_rule": 4,
    }


async def test_a_limit_below_the_use_needs_force(world: World) -> None:
    await world.net()
    for asked in ({"network": 0}, {"network": 0, "check_limit": True}, {"network": 0, "force": False}):
        body = {"quota": {**asked, "port": 3}}
        sentence = await world.refused("admin", f"PUT /quotas/{ALICE}", body, (400, "QuotaBelowUse"))
        assert "network" in sentence
    assert (await world.shown("admin", f"/quotas/{ALICE}"))["port"] == world.settings.quota_ports, "nothing was set"
    assert (await _set(world, network=0, force=True))["network"] == 0
    await world.refused("alice", "POST /networks", {"network": {}}, (409, "OverQuota"))


async def test_deleting_brings_the_default_back(world: World) -> None:
    await _set(world, network=0)
    assert await _own(world) == [ALICE]
    assert (await world.request("admin", "DELETE", f"/quotas/{ALICE}")).status_code == 204
    assert await _own(world) == []
    assert (await world.shown("alice", f"/quotas/{ALICE}"))["network"] == world.settings.quota_networks
    await world.refused("admin", f"DELETE /quotas/{ALICE}", None, (404, "TenantQuotaNotFound"))


async def test_the_default_is_told_apart(world: World) -> None:
    await _set(world, network=1)
    assert (await world.shown("alice", f"/quotas/{ALICE}/default"))["network"] == world.settings.quota_networks


@pytest.mark.parametrize("user", ["alice", "reader", "bob"])
async def test_only_an_admin_writes(world: World, user: str) -> None:
    for method, path in (("PUT", f"/quotas/{ALICE}"), ("DELETE", f"/quotas/{ALICE}"), ("GET", "/quotas")):
        answer = await world.request(user, method, path, {"quota": {"network": -1}} if method == "PUT" else None)
        assert answer.status_code == 403, (method, answer.text)


async def test_another_project_sees_nothing(world: World) -> None:
    for path in ("", "/details", "/default"):
        assert (await world.request("bob", "GET", f"/quotas/{ALICE}{path}")).status_code == 403


@pytest.mark.parametrize(
    "bad",
    [{"network": -2}, {"network": 1 << 31}, {"network": "many"}, {"network": 1.5}, {"networks": 1}, {"network": None}],
    ids=repr,
)
async def test_what_is_no_limit_is_refused(world: World, bad: dict[str, object]) -> None:
    answer = await world.request("admin", "PUT", f"/quotas/{ALICE}", {"quota": bad})
    assert answer.status_code == 400, answer.text
    assert "network" in answer.text
