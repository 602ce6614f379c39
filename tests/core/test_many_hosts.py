"""Networks of a cloud with several hosts, each with a program and a fake kernel of its own, on one PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import pytest_asyncio

from boxship.drivers.linux.fake import FakeFabric
from boxship.drivers.linux.interface import Neighbour, PortSpec
from tests import postgres
from tests.cloud import Cloud

NAMES = {"alpha": "192.0.2.1", "beta": "192.0.2.2"}

NEWEST = {"OpenStack-API-Version": "container 1.40"}


class Site:
    """Clouds by the names of their hosts."""

    def __init__(self, clouds: dict[str, Cloud]) -> None:
        self.clouds = clouds

    def fabric(self, host: str) -> FakeFabric:
        return cast(FakeFabric, self.clouds[host].program.drivers.fabric)

    async def made(self, path: str, **body: Any) -> dict[str, Any]:
        """What alpha's API makes for alice."""
        member = path.rpartition("/")[2].removesuffix("s").replace("-", "_")
        answer = await self.clouds["alpha"].request("alice", "POST", f"/network/v2.0{path}", json={member: body})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()[member]
        return found

    async def net(self) -> str:
        network = await self.made("/networks", name="net")
        await self.made("/subnets", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
        return str(network["id"])

    async def run(self, host: str, network: str) -> str:
        """A container that an admin wants on this host; its id."""
        body = {"image": "busybox", "command": ["sleep", "1000"], "nets": [{"network": network}], "host": host}
        path = "/container/v1/containers?run=true"
        answer = await self.clouds["alpha"].request("admin", "POST", path, json=body, headers=NEWEST)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["uuid"])


@pytest_asyncio.fixture
async def site(url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        clouds = {}
        for name, address in NAMES.items():
            options: dict[str, Any] = {"host": name, "tunnel_address": address, "scan_interval": 0.5, "host_lease": 2.0}
            options |= {"public_url": f"http://{address}:9500", "ram_allocation_ratio": 1000.0}
            clouds[name] = await stack.enter_async_context(postgres.cloud_on(url, tmp_path / name, **options))
        yield Site(clouds)


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 15
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        assert asyncio.get_running_loop().time() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.02)


async def plugged(site: Site, host: str, box: str) -> PortSpec:
    """The cable of a container, once it is there."""

    def cables() -> list[PortSpec]:
        return [port for port in site.fabric(host).ports.values() if port.sandbox == box]

    await until(lambda: bool(cables()), f"{box} is plugged in on {host}")
    return cables()[0]


async def joined(site: Site, host: str, cable: PortSpec, other: str) -> None:
    """Wait until a host sends what is for the cable to the other host."""

    def known() -> bool:
        tunnel = site.fabric(host).tunnels.get(cable.network_id)
        at = ip_address(NAMES[other])
        return tunnel is not None and at in tunnel.peers and Neighbour(cable.mac, at) in tunnel.neighbours

    await until(known, f"{host} knows of the container on {other}")


async def test_a_network_is_on_the_hosts_of_its_ports_and_joined_there(site: Site) -> None:
    network = await site.net()
    boxes = {host: await site.run(host, network) for host in NAMES}
    cables = {host: await plugged(site, host, box) for host, box in boxes.items()}
    await joined(site, "alpha", cables["beta"], "beta")
    await joined(site, "beta", cables["alpha"], "alpha")
    for host, box in boxes.items():
        assert {port.sandbox for port in site.fabric(host).ports.values()} == {box}


async def test_a_host_without_ports_has_nothing_of_a_network(site: Site) -> None:
    network = await site.net()
    box = await site.run("beta", network)
    await plugged(site, "beta", box)
    await until(lambda: any(network in site.fabric(host).names for host in NAMES), "one host has its name service")
    path = f"/container/v1/containers/{box}?force=true&all_projects=true"
    assert (await site.clouds["alpha"].request("admin", "DELETE", path, headers=NEWEST)).status_code == 204
    await until(lambda: not site.fabric("beta").ports, "its cable is gone")
    assert [network in site.fabric(host).names for host in NAMES].count(True) == 1
    named = next(host for host in NAMES if network in site.fabric(host).names)
    other = next(host for host in NAMES if host != named)
    await until(lambda: network not in site.fabric(other).networks, "and its network, where nothing is left in it")
    assert network in site.fabric(named).networks


async def test_a_router_moves_when_its_host_dies(site: Site) -> None:
    network = await site.net()
    subnets = (await site.clouds["alpha"].request("alice", "GET", "/network/v2.0/subnets")).json()["subnets"]
    router = (await site.made("/routers", name="router"))["id"]
    subnet = next(one["id"] for one in subnets if one["network_id"] == network)
    path = f"/network/v2.0/routers/{router}/add_router_interface"
    assert (await site.clouds["alpha"].request("alice", "PUT", path, json={"subnet_id": subnet})).status_code == 200
    await until(lambda: any(router in site.fabric(host).routers for host in NAMES), "a host has the router")
    first = next(host for host in NAMES if router in site.fabric(host).routers)
    second = next(host for host in NAMES if host != first)
    assert router not in site.fabric(second).routers
    await site.clouds[first].program.loop.stop()
    await until(lambda: router in site.fabric(second).routers, "the other host takes it over")
    await until(lambda: network in site.fabric(second).names, "and the name service")
    ports = (await site.clouds[second].request("admin", "GET", f"/network/v2.0/ports?device_id={router}")).json()[
        "ports"
    ]
    assert {port["binding:host_id"] for port in ports} == {second}


async def test_what_was_on_a_host_that_is_forgotten_can_be_deleted(site: Site) -> None:
    network = await site.net()
    box = await site.run("beta", network)
    await plugged(site, "beta", box)
    alpha, beta = site.clouds["alpha"], site.clouds["beta"]
    await beta.program.loop.stop()
    path = f"/container/v1/containers/{box}?force=true&all_projects=true"
    assert (await alpha.request("admin", "DELETE", path, headers=NEWEST)).status_code == 204
    show = f"/container/v1/containers/{box}?all_projects=true"

    async def gone() -> bool:
        return (await alpha.request("admin", "GET", show, headers=NEWEST)).status_code == 404

    assert not await gone(), "its host has to remove it, and may come back"
    service = "/container/v1/services?host=beta&binary=zun-compute"
    assert (await alpha.request("admin", "DELETE", service, headers=NEWEST)).status_code == 204
    await until(gone, "it is gone with its host")
