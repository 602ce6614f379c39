"""On which host a container goes, as a table of filters; and that a host is never promised more than it has."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from boxship.config import Settings
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.container.operations import placement
from boxship.services.container.operations.placement import Candidate, PlacementWish
from tests import cloud
from tests.services.container.containers import versioned

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = Settings()
GIB = 1024


def candidate(share: model.Share | None = None, **host: Any) -> Candidate:
    plain: dict[str, Any] = {
        "id": "1",
        "number": 1,
        "hostname": "one",
        "created_at": NOW,
        "zone": "nova",
        "cpus": 2,
        "memory": 4 * GIB,
        "disk": 100,
        "disk_quota": True,
        "labels": {"disk": "ssd", "rack": "7"},
        "runtimes": ["runc"],
        "last_seen_up": NOW,
    }
    return Candidate(model.Host(**plain | host), share or model.Share(), SETTINGS, NOW)


@pytest.mark.parametrize(
    ("at", "wish"),
    [
        (candidate(), PlacementWish(memory=512, cpu=1, disk=10)),
        (candidate(), PlacementWish(memory=6 * GIB)),
        (candidate(), PlacementWish(cpu=32)),
        (candidate(), PlacementWish(disk=100)),
        (candidate(model.Share(9, memory=6 * GIB)), PlacementWish(memory=0)),
        (candidate(model.Share(320, cpu=31.900000000000013)), PlacementWish(cpu=0.1)),
        (candidate(disk_quota=False), PlacementWish(disk=1000)),
        (candidate(), PlacementWish(zone="nova", runtime="runc", host="one")),
        (candidate(), PlacementWish(hints={"label:disk": "ssd", "label:rack": "7", "other": "hint"})),
        (candidate(last_seen_up=NOW - timedelta(seconds=180)), PlacementWish()),
    ],
)
def test_a_host_that_will_do(at: Candidate, wish: PlacementWish) -> None:
    assert placement.best([at], wish) == "one"


@pytest.mark.parametrize(
    ("at", "wish", "reason"),
    [
        (candidate(), PlacementWish(memory=6 * GIB + 1), "6145 MiB of memory"),
        (candidate(model.Share(1, memory=6 * GIB)), PlacementWish(memory=4), "4 MiB of memory"),
        (candidate(), PlacementWish(cpu=32.01), "32.01 CPUs"),
        (candidate(model.Share(1, disk=91)), PlacementWish(disk=10), "10 GiB of disk"),
        (candidate(), PlacementWish(zone="moon"), "availability zone moon"),
        (candidate(), PlacementWish(runtime="kata"), "runtime kata"),
        (candidate(), PlacementWish(host="two"), "is not two"),
        (candidate(), PlacementWish(hints={"label:disk": "tape"}), "disk=tape"),
        (candidate(), PlacementWish(hints={"label:gpu": "yes"}), "gpu=yes"),
        (candidate(disabled=True), PlacementWish(), "disabled"),
        (candidate(forced_down=True), PlacementWish(), "is down"),
        (candidate(last_seen_up=NOW - timedelta(seconds=181)), PlacementWish(), "is down"),
        (candidate(cpus=0, memory=0), PlacementWish(), "how large"),
    ],
)
def test_a_host_that_will_not_do_and_why(at: Candidate, wish: PlacementWish, reason: str) -> None:
    with pytest.raises(container_errors.NoValidHost) as refused:
        placement.best([at], wish)
    assert "There are not enough hosts available" in refused.value.sentence
    assert reason in refused.value.sentence


def test_every_reason_is_told_with_its_number_and_without_names() -> None:
    hosts = [
        candidate(hostname="secret-1", disabled=True),
        candidate(hostname="secret-2", zone="moon"),
        candidate(model.Share(1, memory=6 * GIB), hostname="secret-3"),
        candidate(model.Share(1, memory=6 * GIB), hostname="secret-4"),
    ]
    with pytest.raises(container_errors.NoValidHost) as refused:
        placement.best(hosts, PlacementWish(memory=512, zone="nova"))
    sentence = refused.value.sentence
    assert "of 4 hosts, 1 takes no new containers" in sentence
    assert "of 4 hosts, 2 does not have 512 MiB" in sentence
    assert "secret" not in sentence


def test_no_host_at_all() -> None:
    with pytest.raises(container_errors.NoValidHost, match="no host is registered"):
        placement.best([], PlacementWish())


def test_the_host_with_the_most_memory_left_is_chosen() -> None:
    hosts = [
        candidate(model.Share(3, memory=3 * GIB), hostname="b"),
        candidate(model.Share(1, memory=GIB), hostname="a"),
        candidate(model.Share(9, memory=2 * GIB), hostname="c"),
    ]
    assert placement.best(hosts, PlacementWish(memory=GIB)) == "a"


async def network(running: cloud.Cloud) -> None:
    made = await running.request("alice", "POST", "/network/v2.0/networks", json={"network": {"name": "net"}})
    subnet = {"network_id": made.json()["network"]["id"], "ip_version": 4, "cidr": "10.0.0.0/16"}
    answer = await running.request("alice", "POST", "/network/v2.0/subnets", json={"subnet": subnet})
    assert answer.status_code == 201, answer.text


async def asked(running: cloud.Cloud, **wish: Any) -> int:
    answer = await versioned(running, "POST", "", json={"image": "busybox", "cpu": 0.1, "disk": 1, **wish})
    return answer.status_code


async def test_many_at_once_get_what_there_is_and_no_more(tmp_path: Path) -> None:
    """The fake host has 1 TiB; with the ratio it may promise 2560 MiB, which is room for 40 of 64."""
    ratio = 2560 / (1 << 20)
    roomy = {"quota_containers": -1, "quota_memory": -1, "quota_cpu": -1, "quota_disk": -1}
    async with cloud.running(tmp_path, start=False, ram_allocation_ratio=ratio, **roomy) as running:
        await network(running)
        answers = await asyncio.gather(*(asked(running, memory=64) for _ in range(200)))
        assert answers.count(202) == 40
        assert answers.count(409) == 160
        listed = (await versioned(running, "GET", "")).json()["containers"]
        assert len(listed) == 40
        (host,) = (await running.request("admin", "GET", "/container/v1/hosts", headers=LATEST)).json()["hosts"]
        assert (host["total_containers"], host["mem_used"], host["cpu_used"]) == (40, 2560, 4.0)


async def test_many_at_once_stay_within_the_quota(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False, quota_containers=25, quota_disk=-1) as running:
        await network(running)
        answers = await asyncio.gather(*(asked(running, memory=64) for _ in range(200)))
        assert (answers.count(202), answers.count(403)) == (25, 175)


LATEST = {"OpenStack-API-Version": "container 1.40"}
