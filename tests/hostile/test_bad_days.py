"""Bad days that are nobody's malice: names taken, quotas used up, address pools empty, clocks that jump. A sentence that
says what is wrong, the right status, and the state as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from boxship.core import clock
from tests import cloud
from tests.cloud import PROJECTS, Cloud

VERSION = {"OpenStack-API-Version": "container 1.40"}
VOLUMES = f"/volume/v3/{PROJECTS['alice']}/volumes"
CONTAINERS = "/container/v1/containers"


@pytest_asyncio.fixture
async def small(tmp_path: Path) -> AsyncIterator[Cloud]:
    """A cloud with room for two of everything."""
    names = ("networks", "routers", "security_groups", "volumes", "containers", "images")
    quotas: dict[str, Any] = {f"quota_{name}": 2 for name in names}
    async with cloud.running(tmp_path / "cloud", **quotas) as running:
        yield running


async def _network(running: Cloud, name: str, cidr: str) -> str:
    made = await running.request("alice", "POST", "/network/v2.0/networks", json={"network": {"name": name}})
    id = str(made.json()["network"]["id"])
    wish = {"subnet": {"network_id": id, "ip_version": 4, "cidr": cidr}}
    subnet = await running.request("alice", "POST", "/network/v2.0/subnets", json=wish)
    assert subnet.status_code == 201, subnet.text
    return id


def _container(name: str, network: str, **wish: Any) -> dict[str, Any]:
    return {"name": name, "image": "busybox", "image_driver": "docker", "nets": [{"network": network}], **wish}


_FULL: dict[str, tuple[str, Callable[[int], Any], int, str]] = {
    "network": ("/network/v2.0/networks", lambda number: {"network": {"name": f"n{number}"}}, 409, "networks"),
    "router": ("/network/v2.0/routers", lambda number: {"router": {"name": f"r{number}"}}, 409, "routers"),
    "volume": (VOLUMES, lambda number: {"volume": {"size": 1, "name": f"v{number}"}}, 413, "volumes"),
    "image": ("/image/v2/images", lambda number: {"name": f"i{number}"}, 413, "images"),
}


@pytest.mark.parametrize("what", _FULL)
async def test_a_quota_is_used_up(small: Cloud, what: str) -> None:
    path, body, status, key = _FULL[what]
    for number in range(2):
        made = await small.request("alice", "POST", path, json=body(number))
        assert made.is_success, made.text
    refused = await small.request("alice", "POST", path, json=body(2))
    assert refused.status_code == status, refused.text
    assert "quota" in refused.text.lower()
    listed = (await small.request("alice", "GET", path)).json()[key]
    assert len([one for one in listed if one["name"][0] == what[0]]) == 2
    assert (
        await small.request("bob", "POST", path.replace(PROJECTS["alice"], PROJECTS["bob"]), json=body(0))
    ).is_success


async def test_a_container_beyond_the_quota_takes_nothing(small: Cloud) -> None:
    """Neither a port nor a volume is made for a container that is refused."""
    network = await _network(small, "n", "10.0.0.0/24")
    for number in range(2):
        wish = _container(f"c{number}", network)
        assert (await small.request("alice", "POST", CONTAINERS, json=wish, headers=VERSION)).status_code == 202
    ports = await _count(small, "/network/v2.0/ports", "ports")
    wish = _container("c2", network, mounts=[{"size": "1", "destination": "/data"}])
    refused = await small.request("alice", "POST", CONTAINERS, json=wish, headers=VERSION)
    assert refused.status_code == 403, refused.text
    assert "Quota exceeded for containers" in refused.json()["errors"][0]["detail"]
    assert await _count(small, "/network/v2.0/ports", "ports") == ports
    assert await _count(small, VOLUMES, "volumes") == 0


async def _count(running: Cloud, path: str, key: str) -> int:
    return len((await running.request("alice", "GET", path)).json()[key])


async def test_an_address_pool_runs_dry_and_fills_again(small: Cloud) -> None:
    network = await _network(small, "tiny", "10.0.0.0/29")
    made = []
    while True:
        answer = await small.request("alice", "POST", "/network/v2.0/ports", json={"port": {"network_id": network}})
        if not answer.is_success:
            break
        made.append(answer.json()["port"]["id"])
        assert len(made) <= 5, "a /29 has six addresses, and one is the gateway's"
    assert answer.status_code == 409, answer.text
    assert answer.json()["NeutronError"]["type"] == "IpAddressGenerationFailure"
    before = await _count(small, "/network/v2.0/ports", "ports")
    refused = await small.request("alice", "POST", CONTAINERS, json=_container("late", network), headers=VERSION)
    assert refused.status_code == 409, refused.text
    assert await _count(small, CONTAINERS, "containers") == 0
    assert await _count(small, "/network/v2.0/ports", "ports") == before
    assert (await small.request("alice", "DELETE", f"/network/v2.0/ports/{made[0]}")).status_code == 204

    async def again() -> bool:
        wish = {"port": {"network_id": network}}
        return (await small.request("alice", "POST", "/network/v2.0/ports", json=wish)).is_success

    await small.until(again, "the address that was given back can be had")


async def test_a_name_is_taken(small: Cloud) -> None:
    """Names of projects are unique; those of containers are not, so that one cannot be meant by a name that two have."""
    projects = "/identity/v3/projects"
    count = len((await small.request("admin", "GET", projects)).json()["projects"])
    taken = await small.request("admin", "POST", projects, json={"project": {"name": "demo"}})
    assert taken.status_code == 409
    assert "demo" in taken.json()["error"]["message"]
    assert len((await small.request("admin", "GET", projects)).json()["projects"]) == count
    network = await _network(small, "n", "10.0.0.0/24")
    for _ in range(2):
        wish = _container("web", network)
        assert (await small.request("alice", "POST", CONTAINERS, json=wish, headers=VERSION)).status_code == 202
    unclear = await small.request("alice", "DELETE", f"{CONTAINERS}/web", headers=VERSION)
    assert unclear.status_code == 409
    assert "UUID" in unclear.json()["errors"][0]["detail"]


async def test_an_image_that_the_image_service_does_not_have(small: Cloud) -> None:
    network = await _network(small, "n", "10.0.0.0/24")
    wish = _container("web", network, image="no-such-image", image_driver="glance")
    refused = await small.request("alice", "POST", CONTAINERS, json=wish, headers=VERSION)
    assert refused.status_code == 400
    assert "no-such-image" in refused.json()["errors"][0]["detail"]
    assert await _count(small, CONTAINERS, "containers") == 0


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)], ids=["forward", "back"])
async def test_the_clock_jumps(small: Cloud, jump: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits by the wall clock: what was ordered before is done, what is ordered after as well."""
    network = await _network(small, "n", "10.0.0.0/24")
    first = await small.request(
        "alice", "POST", f"{CONTAINERS}?run=true", json=_container("before", network), headers=VERSION
    )
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + jump)
    second = await small.request(
        "alice", "POST", f"{CONTAINERS}?run=true", json=_container("after", network), headers=VERSION
    )
    for answer in (first, second):
        assert answer.status_code == 202, answer.text
        await _reaches(small, answer.json()["uuid"], "Running")
    listed = await small.request("alice", "GET", f"{CONTAINERS}?sort_key=created_at&sort_dir=desc", headers=VERSION)
    assert {one["name"] for one in listed.json()["containers"]} == {"before", "after"}
    for answer in (first, second):
        path = f"{CONTAINERS}/{answer.json()['uuid']}"
        assert (await small.request("alice", "DELETE", f"{path}?stop=true", headers=VERSION)).status_code == 204
        await small.until(lambda path=path: _is_gone(small, path), "it is gone")  # type: ignore[misc]


async def _reaches(running: Cloud, container: str, status: str) -> None:
    async def reached() -> bool:
        shown = (await running.request("alice", "GET", f"{CONTAINERS}/{container}", headers=VERSION)).json()
        return bool(shown["status"] == status and shown["task_state"] is None)

    await running.until(reached, f"{container} is {status}")


async def _is_gone(running: Cloud, path: str) -> bool:
    return (await running.request("alice", "GET", path, headers=VERSION)).status_code == 404
