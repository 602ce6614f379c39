"""Containers of alice in the cloud of a test."""

from __future__ import annotations

from typing import Any

import httpx

from tests.cloud import Cloud

CONTAINERS = "/container/v1/containers"
IMAGES = "/image/v2/images"


async def versioned(running: Cloud, method: str, path: str, version: str = "1.40", **options: Any) -> httpx.Response:
    """A request of alice below the collection of containers, in a version."""
    headers = {"OpenStack-API-Version": f"container {version}"} | options.pop("headers", {})
    return await running.request("alice", method, f"{CONTAINERS}{path}", headers=headers, **options)


async def made(running: Cloud, **wish: Any) -> str:
    """The id of a container that runs."""
    network = await running.request("alice", "POST", "/network/v2.0/networks", json={"network": {"name": "net"}})
    id = network.json()["network"]["id"]
    subnet = {"network_id": id, "ip_version": 4, "cidr": "10.0.0.0/24"}
    await running.request("alice", "POST", "/network/v2.0/subnets", json={"subnet": subnet})
    wish = {"image": "busybox", "nets": [{"network": id}]} | wish

    async def placed() -> httpx.Response | None:
        answer = await versioned(running, "POST", "?run=true", json=wish)
        return None if "no host is registered" in answer.text else answer

    answer = await running.until(placed, "this host is registered")
    assert answer.status_code == 202, answer.text
    container = str(answer.json()["uuid"])

    async def runs() -> bool:
        return bool((await versioned(running, "GET", f"/{container}")).json()["status"] == "Running")

    await running.until(runs, "the container runs")
    return container
