"""How many addresses networks have, and how many are used."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.services.network.world import PROJECTS, World


async def _all(world: World, query: str = "") -> list[dict[str, Any]]:
    answer = await world.request("admin", "GET", f"/network-ip-availabilities{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["network_ip_availabilities"]
    return found


async def _one(world: World, network_id: str) -> dict[str, Any]:
    return await world.shown("admin", f"/network-ip-availabilities/{network_id}")


async def test_pools_count_and_every_port(world: World) -> None:
    pools = [{"start": "10.0.0.10", "end": "10.0.0.19"}, {"start": "10.0.0.30", "end": "10.0.0.31"}]
    network_id, subnet_id = await world.net(allocation_pools=pools, enable_dhcp=False)
    assert await _one(world, network_id) == {
        "network_id": network_id,
        "network_name": "net",
        "tenant_id": PROJECTS["alice"],
        "project_id": PROJECTS["alice"],
        "total_ips": 12,
        "used_ips": 0,
        "subnet_ip_availability": [
            {
                "subnet_id": subnet_id,
                "subnet_name": "",
                "ip_version": 4,
                "cidr": "10.0.0.0/24",
                "total_ips": 12,
                "used_ips": 0,
            }
        ],
    }
    port = await world.made("alice", "/ports", network_id=network_id)
    outside = [{"ip_address": "10.0.0.200"}]
    await world.made("alice", "/ports", network_id=network_id, fixed_ips=outside)
    assert (await _one(world, network_id))["used_ips"] == 2, "an address outside of the pools is used as well"
    assert (await world.request("alice", "DELETE", f"/ports/{port['id']}")).status_code == 204
    assert (await _one(world, network_id))["used_ips"] == 1


async def test_a_range_of_ipv6_is_counted_exactly(world: World) -> None:
    network_id, _ = await world.net(cidr="2001:db8::/64", enable_dhcp=False)
    found = await _one(world, network_id)
    assert found["total_ips"] == (1 << 64) - 2, "without the subnet router's anycast address and the gateway"


async def test_a_network_without_subnets_has_none(world: World) -> None:
    network = await world.made("alice", "/networks")
    found = await _one(world, network["id"])
    assert (found["total_ips"], found["used_ips"], found["subnet_ip_availability"]) == (0, 0, [])


async def test_filters(world: World) -> None:
    one, _ = await world.net()
    await world.made("alice", "/subnets", network_id=one, cidr="2001:db8::/64", ip_version=6)
    two = (await world.made("bob", "/networks", name="bare"))["id"]
    six = await _all(world, "?ip_version=6")
    assert [(found["network_id"], len(found["subnet_ip_availability"])) for found in six] == [(one, 1)]
    assert [found["network_id"] for found in await _all(world, "?network_name=bare")] == [two]
    assert [found["network_id"] for found in await _all(world, f"?network_id={one}")] == [one]
    for name in ("tenant_id", "project_id"):
        assert [found["network_id"] for found in await _all(world, f"?{name}={PROJECTS['bob']}")] == [two]
    for query in ("?ip_version=5", "?colour=red"):
        assert (await world.request("admin", "GET", f"/network-ip-availabilities{query}")).status_code == 400


async def test_pages_and_fields(world: World) -> None:
    ids = [(await world.made("alice", "/networks"))["id"] for _ in range(3)]
    answer = (await world.request("admin", "GET", f"/network-ip-availabilities?limit=1&marker={ids[0]}")).json()
    assert [found["network_id"] for found in answer["network_ip_availabilities"]] == [ids[1]]
    assert f"marker={ids[1]}" in answer["network_ip_availabilities_links"][0]["href"]
    assert {"used_ips": 0} in await _all(world, "?fields=used_ips")


@pytest.mark.parametrize("user", ["alice", "reader"])
async def test_it_is_for_admins(world: World, user: str) -> None:
    network_id, _ = await world.net()
    for path in ("/network-ip-availabilities", f"/network-ip-availabilities/{network_id}"):
        assert (await world.request(user, "GET", path)).status_code == 403
    await world.refused("admin", "GET /network-ip-availabilities/none", None, (404, "NetworkNotFound"))


async def test_the_queries_do_not_grow_with_the_networks(world: World) -> None:
    counted = []
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        for _ in range(2):
            for _ in range(5):
                await world.net()
            asked.clear()
            await _all(world)
            counted.append(len(asked))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert counted[0] == counted[1] <= 5
