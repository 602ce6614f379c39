"""Two hundred creations at once: none is lost, none is beyond the quota or the host, and other projects get their turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import cloud as clouds

MANY = 200
VERSION = {"OpenStack-API-Version": "container 1.40"}
CONTAINERS = "/container/v1/containers"


async def networked(cloud: clouds.Cloud, user: str) -> None:
    made = await cloud.request(user, "POST", "/network/v2.0/networks", json={"network": {"name": "burst"}})
    subnet = {"network_id": made.json()["network"]["id"], "ip_version": 4, "cidr": "10.0.0.0/16"}
    await cloud.request(user, "POST", "/network/v2.0/subnets", json={"subnet": subnet})


async def burst(cloud: clouds.Cloud, user: str, count: int, **wish: Any) -> list[int]:
    """The status of each of so many requests that come at once."""
    body = {"image": "busybox", "memory": 64, "cpu": 0.1, "disk": 1, **wish}

    async def one() -> int:
        answer = await cloud.request(user, "POST", f"{CONTAINERS}?run=true", json=body, headers=VERSION)
        return answer.status_code

    return await asyncio.gather(*(one() for _ in range(count)))


async def statuses(cloud: clouds.Cloud, user: str) -> Counter[str]:
    listed = (await cloud.request(user, "GET", CONTAINERS)).json()["containers"]
    return Counter(container["status"] for container in listed)


@pytest.mark.parametrize(
    ("limits", "expected", "refusal"),
    [
        ({"quota_containers": MANY}, MANY, 403),
        ({"quota_containers": 150}, 150, 403),
        ({"quota_containers": -1, "quota_memory": 64 * 120}, 120, 403),
        ({"quota_containers": -1, "cpu_allocation_ratio": 0.008}, 80, 409),
    ],
    ids=["all fit", "containers of the quota", "memory of the quota", "what the host may promise"],
)
async def test_none_is_lost_and_none_is_too_many(
    tmp_path: Path, limits: dict[str, Any], expected: int, refusal: int
) -> None:
    roomy: dict[str, Any] = {"quota_memory": -1, "quota_cpu": -1, "quota_disk": -1}
    async with clouds.running(tmp_path / "state", **roomy | limits) as cloud:
        await networked(cloud, "alice")
        answers = Counter(await burst(cloud, "alice", MANY))
        assert answers[202] == expected
        assert answers.keys() <= {202, refusal}

        async def all_run() -> bool:
            return await statuses(cloud, "alice") == {"Running": expected}

        await cloud.until(all_run, "all that were accepted run", 60)


async def test_one_container_of_another_project_does_not_wait_for_all(tmp_path: Path) -> None:
    roomy: dict[str, Any] = {
        "quota_containers": -1,
        "quota_memory": -1,
        "quota_cpu": -1,
        "quota_disk": -1,
        "workers": 2,
    }
    async with clouds.running(tmp_path / "state", **roomy) as cloud:
        for user in ("alice", "bob"):
            await networked(cloud, user)
        assert set(await burst(cloud, "alice", MANY)) == {202}
        assert await burst(cloud, "bob", 1) == [202]

        async def runs() -> bool:
            return (await statuses(cloud, "bob"))["Running"] == 1

        await cloud.until(runs, "bob's container runs", 60)
        assert (await statuses(cloud, "alice"))["Running"] < MANY, (
            "alice's two hundred were first, and are not all done"
        )
