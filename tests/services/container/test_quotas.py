"""What a project may have: limits stop what asks for more, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import cloud
from tests.services.container.containers import versioned

QUOTAS = f"/container/v1/quotas/{cloud.PROJECTS['alice']}"


async def limited(running: cloud.Cloud, **limits: int) -> None:
    answer = await running.request("admin", "PUT", QUOTAS, json=limits)
    assert answer.status_code == 200, answer.text


async def made(running: cloud.Cloud, **wish: Any) -> Any:
    listed = (await running.request("alice", "GET", "/network/v2.0/networks?name=net")).json()["networks"]
    if not listed:
        net = await running.request("alice", "POST", "/network/v2.0/networks", json={"network": {"name": "net"}})
        subnet = {"network_id": net.json()["network"]["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}
        await running.request("alice", "POST", "/network/v2.0/subnets", json={"subnet": subnet})
    return await versioned(running, "POST", "", json={"image": "busybox", "nets": [{"network": "net"}], **wish})


async def test_up_to_the_limit_and_not_beyond(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        await limited(running, memory=1024, cpu=2, disk=10)
        assert (await made(running, memory=512, cpu=1, disk=5)).status_code == 202
        for wish, resource in (
            ({"memory": 513, "cpu": 1, "disk": 5}, "memory"),
            ({"memory": 512, "cpu": 1.1, "disk": 5}, "cpu"),
            ({"memory": 512, "cpu": 1, "disk": 6}, "disk"),
        ):
            answer = await made(running, **wish)
            assert answer.status_code == 403
            assert resource in answer.json()["errors"][0]["detail"]
        assert (await made(running, memory=512, cpu=1, disk=5)).status_code == 202


async def test_nothing_is_allowed_and_everything_is(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        await limited(running, containers=0)
        assert (await made(running)).status_code == 403
        await limited(running, containers=-1, memory=-1, cpu=-1, disk=-1)
        assert (await made(running, memory=8192, cpu=16, disk=160)).status_code == 202


async def test_a_limit_below_what_is_there_stops_only_what_asks_for_more_of_it(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        id = (await made(running, memory=512, cpu=1)).json()["uuid"]

        async def there() -> bool:
            return bool((await versioned(running, "GET", f"/{id}")).json()["status"] == "Created")

        await running.until(there, "the container is there")
        await limited(running, containers=0, memory=128)
        more = await versioned(running, "PATCH", f"/{id}", json={"memory": "600"})
        assert more.status_code == 403
        less = await versioned(running, "PATCH", f"/{id}", json={"memory": "256", "cpu": 1.5})
        assert less.status_code == 200, less.text


async def test_the_limits_of_one_project_are_not_those_of_another(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        await limited(running, containers=0)
        other = await running.request("bob", "GET", f"/container/v1/quotas/{cloud.PROJECTS['bob']}")
        assert other.json()["containers"] == 40
        defaults = await running.request("alice", "GET", f"{QUOTAS}/defaults")
        assert defaults.json()["containers"] == 40


async def test_another_class_counts_for_nobody(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        answer = await running.request("admin", "PUT", "/container/v1/quota_classes/gold", json={"containers": 1})
        assert answer.json()["containers"] == 1
        assert (await running.request("alice", "GET", QUOTAS)).json()["containers"] == 40
