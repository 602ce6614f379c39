"""Ports found by parts of their addresses and by empty texts, with another MAC, with tags from the start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.network.world import World


async def _ports(world: World, query: str) -> list[dict[str, Any]]:
    answer = await world.request("alice", "GET", f"/ports?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["ports"]
    return found


async def _port(world: World, network_id: str, ip: str, **fields: Any) -> dict[str, Any]:
    return await world.made("alice", "/ports", network_id=network_id, fixed_ips=[{"ip_address": ip}], **fields)


async def test_a_part_of_an_address_finds_a_port(world: World) -> None:
    network_id, subnet_id = await world.net(cidr="10.1.0.0/16", enable_dhcp=False)
    one = await _port(world, network_id, "10.1.2.30")
    two = await _port(world, network_id, "10.1.99.2")
    assert [port["id"] for port in await _ports(world, "fixed_ips=ip_address_substr=.2.3")] == [one["id"]]
    both = {port["id"] for port in await _ports(world, "fixed_ips=ip_address_substr=10.1.")}
    assert both == {one["id"], two["id"]}
    query = f"fixed_ips=ip_address_substr=.99&fixed_ips=subnet_id={subnet_id}"
    assert [port["id"] for port in await _ports(world, query)] == [two["id"]]
    for nothing in ("%25", "_", "10.2"):
        assert await _ports(world, f"fixed_ips=ip_address_substr={nothing}") == []


async def test_an_empty_text_is_a_filter(world: World) -> None:
    network_id, _ = await world.net(enable_dhcp=False)
    bare = await _port(world, network_id, "10.0.0.5")
    await _port(world, network_id, "10.0.0.6", name="named", device_id="d1")
    for name in ("name", "device_id"):
        assert [port["id"] for port in await _ports(world, f"{name}=")] == [bare["id"]]


async def test_null_means_another_mac(world: World) -> None:
    network_id, _ = await world.net()
    port = await _port(world, network_id, "10.0.0.5")
    body = {"port": {"mac_address": None}}
    changed = (await world.request("alice", "PUT", f"/ports/{port['id']}", body)).json()["port"]
    assert changed["mac_address"] != port["mac_address"]
    assert changed["mac_address"].startswith("fa:16:3e:")
    await world.bind(port["id"])
    await world.refused("alice", f"PUT /ports/{port['id']}", body, (409, "PortInUse"))


async def test_another_mac_is_the_network_owners_to_grant(world: World) -> None:
    network = await world.made("admin", "/networks", shared=True)
    port = await world.made("alice", "/ports", network_id=network["id"])
    body = {"port": {"mac_address": None}}
    await world.refused("alice", f"PUT /ports/{port['id']}", body, (403, "PolicyNotAuthorized"))


async def test_ports_made_together_have_their_tags(world: World) -> None:
    network_id, _ = await world.net()
    wishes = [{"network_id": network_id, "tags": ["a", "b"]}, {"network_id": network_id, "tags": ["c"]}]
    made = (await world.request("alice", "POST", "/ports", {"ports": wishes})).json()["ports"]
    assert [port["tags"] for port in made] == [["a", "b"], ["c"]]
    assert [port["id"] for port in await _ports(world, "tags=c")] == [made[1]["id"]]


async def test_tags_are_added_together(world: World) -> None:
    network_id, _ = await world.net()
    for tags in (["a", "b"], ["b", "c"]):
        answer = await world.request("alice", "POST", f"/networks/{network_id}/tags", {"tags": tags})
        assert answer.status_code == 201, answer.text
    assert answer.json() == {"tags": ["a", "b", "c"]}
    assert (await world.request("bob", "POST", f"/networks/{network_id}/tags", {"tags": ["d"]})).status_code == 404


@pytest.mark.parametrize("query", ["fixed_ips=ip=10", "sort_key=colour", "sort_key=name&sort_dir=up"])
async def test_what_is_not_known_is_refused(world: World, query: str) -> None:
    assert (await world.request("alice", "GET", f"/ports?{query}")).status_code == 400
