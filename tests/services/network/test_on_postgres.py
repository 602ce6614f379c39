"""Quotas, agents, zones, what networks have left and parts of addresses, asked of PostgreSQL: its types are stricter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from tests import cloud as clouds
from tests import postgres


@pytest_asyncio.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[clouds.Cloud]:
    with postgres.running() as server:
        url = await server.database()
        async with postgres.cloud_on(url, tmp_path / "state", host="here") as made:
            yield made


async def _ask(cloud: clouds.Cloud, user: str, method: str, path: str, body: Any = None) -> Any:
    answer = await cloud.request(user, method, f"/network/v2.0{path}", json=body)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def _network(cloud: clouds.Cloud) -> str:
    network = (await _ask(cloud, "alice", "POST", "/networks", {"network": {"availability_zone_hints": ["nova"]}}))[
        "network"
    ]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}
    await _ask(cloud, "alice", "POST", "/subnets", {"subnet": subnet})
    return str(network["id"])


async def test_limits_and_use(cloud: clouds.Cloud) -> None:
    network_id = await _network(cloud)
    project = (await _ask(cloud, "alice", "GET", "/quotas/project"))["project"]["project_id"]
    await _ask(cloud, "admin", "PUT", f"/quotas/{project}", {"quota": {"port": 2, "network": -1}})
    await _ask(cloud, "alice", "POST", "/ports", {"port": {"network_id": network_id}})
    refused = await cloud.request("alice", "POST", "/network/v2.0/ports", json={"port": {"network_id": network_id}})
    assert (refused.status_code, refused.json()["NeutronError"]["type"]) == (409, "OverQuota")
    details = (await _ask(cloud, "alice", "GET", f"/quotas/{project}/details"))["quota"]
    assert details["port"] == {"limit": 2, "used": 2, "reserved": 0}
    assert len((await _ask(cloud, "admin", "GET", "/quotas"))["quotas"]) == 1
    await _ask(cloud, "admin", "DELETE", f"/quotas/{project}")


async def test_agents_and_zones(cloud: clouds.Cloud) -> None:
    network_id = await _network(cloud)

    async def placed() -> bool:
        shown = await _ask(cloud, "alice", "GET", f"/networks/{network_id}")
        return bool(shown["network"]["availability_zones"] == ["nova"])

    await cloud.until(placed, "the network is in its zone")
    async with cloud.program.database.write() as transaction:
        gone = "INSERT INTO hosts VALUES ('gone', 'http://gone', 'west', '', true, :then, :then)"
        await transaction.execute(sa.text(gone).bindparams(then=1000.0))
    agents = (await _ask(cloud, "admin", "GET", "/agents?sort_key=host&sort_dir=desc"))["agents"]
    assert [(agent["host"], agent["alive"]) for agent in agents] == [("here", True)] * 3 + [("gone", False)] * 3
    served = next(agent for agent in agents if agent["agent_type"] == "DHCP agent" and agent["alive"])
    assert (served["configurations"]["networks"], served["configurations"]["subnets"]) == (1, 1)
    await _ask(cloud, "admin", "PUT", f"/agents/{agents[0]['id']}", {"agent": {"description": "rack"}})
    await _ask(cloud, "admin", "DELETE", f"/agents/{agents[-1]['id']}")
    assert len((await _ask(cloud, "admin", "GET", "/agents"))["agents"]) == 5
    zones = (await _ask(cloud, "alice", "GET", "/availability_zones?resource=router"))["availability_zones"]
    assert [(zone["name"], zone["state"]) for zone in zones] == [("nova", "available"), ("west", "unavailable")]


async def test_what_networks_have_left_and_ports_by_parts(cloud: clouds.Cloud) -> None:
    network_id = await _network(cloud)
    fields = {"network_id": network_id, "fixed_ips": [{"ip_address": "10.0.0.77"}]}
    options = [{"opt_name": "mtu", "opt_value": "1400"}]
    port = (await _ask(cloud, "alice", "POST", "/ports", {"port": {**fields, "extra_dhcp_opts": options}}))["port"]
    assert port["extra_dhcp_opts"] == [{"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}]
    found = (await _ask(cloud, "alice", "GET", "/ports?fixed_ips=ip_address_substr=.7"))["ports"]
    assert [one["id"] for one in found] == [port["id"]]
    left = await _ask(cloud, "admin", "GET", f"/network-ip-availabilities?network_id={network_id}&ip_version=4")
    (shown,) = left["network_ip_availabilities"]
    assert (shown["total_ips"], shown["used_ips"]) == (253, 2)


async def test_groups_of_one_kind(cloud: clouds.Cloud) -> None:
    network_id = await _network(cloud)
    made = [
        (
            await _ask(
                cloud, "alice", "POST", "/security-groups", {"security_group": {"name": str(kind), "stateful": kind}}
            )
        )
        for kind in (True, False)
    ]
    ids = [one["security_group"]["id"] for one in made]
    body = {"port": {"network_id": network_id, "security_groups": ids}}
    refused = await cloud.request("alice", "POST", "/network/v2.0/ports", json=body)
    assert (refused.status_code, refused.json()["NeutronError"]["type"]) == (409, "SecurityGroupConflict")
    await _ask(cloud, "alice", "POST", "/ports", {"port": {"network_id": network_id, "security_groups": ids[1:]}})
    change = {"security_group": {"stateful": True}}
    refused = await cloud.request("alice", "PUT", f"/network/v2.0/security-groups/{ids[1]}", json=change)
    assert refused.status_code == 409
    await _ask(cloud, "alice", "PUT", f"/security-groups/{ids[0]}", {"security_group": {"stateful": False}})
