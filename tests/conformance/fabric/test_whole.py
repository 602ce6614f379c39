"""From the API to the wire: the network service on the real kernel, seen from a sandbox as its container sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest_asyncio

from boxship.services.network.live import metadata
from tests.conformance.fabric.test_dhcp import asked
from tests.conformance.fabric.test_metadata import get
from tests.conformance.fabric.test_names import ask
from tests.conformance.fabric.test_routers import HOST
from tests.conformance.fabric.world import World, eventually
from tests.services.network.world import Kernel
from tests.services.network.world import World as Cloud
from tests.services.network.world import world as clouds


@pytest_asyncio.fixture
async def cloud(world: World, tmp_path: Path) -> AsyncIterator[Cloud]:
    number = int(world.mark, 16) % 512
    cidr = f"198.{18 + number // 256}.{number % 256}.0/24"
    async with clouds(tmp_path, kernel=cast(Kernel, world.fabric), external_cidr=cidr) as made:
        await metadata.Metadata(made.database, world.fabric, made.settings).begin()
        yield made


async def _opened(cloud: Cloud, port_id: str, sandbox: str) -> None:
    """A port in a sandbox that anything may come in by."""
    group = await cloud.made("alice", "/security-groups", name=sandbox)
    await cloud.made("alice", "/security-group-rules", security_group_id=group["id"], direction="ingress")
    body = {"port": {"security_groups": [group["id"]]}}
    assert (await cloud.request("alice", "PUT", f"/ports/{port_id}", body)).status_code == 200
    await cloud.bind(port_id, sandbox)
    await cloud.settle()


async def _uuid(world: World, sandbox: str) -> Any:
    status, text = await get(world, sandbox, "/openstack/latest/meta_data.json")
    assert status == 200, text
    return json.loads(text)["uuid"]


async def test_a_network_without_a_router(world: World, cloud: Cloud, tmp_path: Path) -> None:
    """Two projects with the same addresses: metadata, DHCP, names."""
    for user, sandbox in (("alice", "a"), ("bob", "b")):
        network_id, _ = await cloud.net(user)
        port = await cloud.made(user, "/ports", network_id=network_id, dns_name=f"web-{user}")
        await cloud.bind(port["id"], sandbox, ("container", sandbox))
        await cloud.settle()
        assert port["fixed_ips"][0]["ip_address"] == "10.0.0.3"
        assert await _uuid(world, sandbox) == sandbox
    assert ask(world, "web-alice") == (0, ["10.0.0.3"])
    assert ask(world, "web-bob")[1] == []
    world.output("b", "ip", "address", "flush", "dev", "eth0", "scope", "global")
    told = await asyncio.to_thread(eventually, lambda: asked(world, "b", tmp_path), "a lease")
    assert (told["ip"], told["hostname"], told["dns"]) == ("10.0.0.3", "web-bob", "10.0.0.2")
    assert "169.254.169.254/32 10.0.0.2" in told["staticroutes"]


async def test_by_a_router(world: World, cloud: Cloud) -> None:
    """Metadata where the network has no name service, and a forwarded port from outside."""
    network_id, subnet_id = await cloud.net(enable_dhcp=False)
    external = (await cloud.request("alice", "GET", "/networks?router:external=True")).json()["networks"][0]["id"]
    router = await cloud.made("alice", "/routers", external_gateway_info={"network_id": external})
    leg = await cloud.request("alice", "PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet_id})
    assert leg.status_code == 200, leg.text
    port = await cloud.made("alice", "/ports", network_id=network_id)
    await _opened(cloud, port["id"], "a")
    assert await _uuid(world, "a") == "c1"
    floating = await cloud.made("alice", "/floatingips", floating_network_id=external)
    wish = {"protocol": "tcp", "external_port": 2222, "internal_port": 22, "internal_port_id": port["id"]}
    path = f"/floatingips/{floating['id']}/port_forwardings"
    assert (await cloud.request("alice", "POST", path, {"port_forwarding": wish})).status_code == 201
    await cloud.settle()
    address = floating["floating_ip_address"]
    with world.listening("a", "10.0.0.2", 22), closing(world.connection(HOST, address)) as client:
        client.connect((address, 2222))
