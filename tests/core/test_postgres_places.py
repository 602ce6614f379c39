"""Quotas, hosts, registries and images on PostgreSQL: the same contracts as on SQLite, and many requests at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import cloud as clouds
from tests import postgres
from tests.contract import test_contract as contract

STORIES = ("quotas", "registries", "hosts", "images")


@pytest.mark.parametrize("story", STORIES)
async def test_the_contract_holds(url: str, tmp_path: Path, story: str) -> None:
    saved: dict[str, str] = {}
    async with postgres.cloud_on(url, tmp_path) as cloud:
        for step in yaml.safe_load((contract.FOLDER / "container" / f"{story}.yaml").read_text()):
            await contract._take(cloud, contract.filled(step, saved), saved)


async def _asked(cloud: clouds.Cloud, network: str) -> int:
    wish = {"image": "busybox", "memory": "64", "cpu": 0.1, "disk": 1, "nets": [{"network": network}]}
    headers = {"OpenStack-API-Version": "container latest"}
    answer = await cloud.request("alice", "POST", "/container/v1/containers", json=wish, headers=headers)
    return answer.status_code


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [({"ram_allocation_ratio": 640 / (1 << 20)}, 409), ({"quota_containers": 10}, 403)],
    ids=["places", "quota"],
)
async def test_many_at_once_get_what_there_is_and_no_more(
    url: str, tmp_path: Path, settings: dict[str, Any], refusal: int
) -> None:
    """Room for 10 of 40, by the size of the host or by the quota."""
    async with postgres.cloud_on(url, tmp_path, start=False, **settings) as cloud:
        made = await cloud.request("alice", "POST", "/network/v2.0/networks", json={"network": {"name": "net"}})
        network = made.json()["network"]["id"]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"}
        await cloud.request("alice", "POST", "/network/v2.0/subnets", json={"subnet": subnet})
        answers = await asyncio.gather(*(_asked(cloud, network) for _ in range(40)))
        assert (answers.count(202), answers.count(refusal)) == (10, 30)
