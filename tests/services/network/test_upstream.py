"""Where Neutron's answers are not what one would guess (each was found by neutron-tempest-plugin)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.network.world import PROJECTS, World


async def _revision(world: World, path: str) -> int:
    return int((await world.shown("alice", path))["revision_number"])


async def test_a_change_of_a_part_is_a_revision_of_the_whole(world: World) -> None:
    network_id, subnet_id = await world.net()
    router, group = await world.made("alice", "/routers"), await world.made("alice", "/security-groups", name="web")
    network_at = f"/networks/{network_id}"
    seen = await _revision(world, network_at)
    assert seen > 1, "its subnet was made"
    await world.request("alice", "PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet_id})
    with_leg = await _revision(world, f"/routers/{router['id']}")
    assert with_leg > router["revision_number"]
    await world.request("alice", "PUT", f"/routers/{router['id']}/remove_router_interface", {"subnet_id": subnet_id})
    assert await _revision(world, f"/routers/{router['id']}") > with_leg
    assert (await world.request("alice", "DELETE", f"/subnets/{subnet_id}")).status_code == 204
    assert await _revision(world, network_at) > seen
    rule = await world.made("alice", "/security-group-rules", security_group_id=group["id"], direction="ingress")
    with_rule = await _revision(world, f"/security-groups/{group['id']}")
    assert with_rule > group["revision_number"]
    assert (await world.request("alice", "DELETE", f"/security-group-rules/{rule['id']}")).status_code == 204
    assert await _revision(world, f"/security-groups/{group['id']}") > with_rule


async def test_an_owner_sees_and_removes_the_rules_that_an_admin_gave_its_group(world: World) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    wish = {"security_group_id": group["id"], "direction": "ingress", "project_id": PROJECTS["admin"]}
    rule = await world.made("admin", "/security-group-rules", **wish)
    assert rule["project_id"] == PROJECTS["admin"]
    listed = (await world.request("alice", "GET", "/security-group-rules")).json()["security_group_rules"]
    assert rule["id"] in [entry["id"] for entry in listed]
    path = f"/security-group-rules/{rule['id']}"
    await world.refused("bob", f"GET {path}", None, (404, "SecurityGroupRuleNotFound"))
    await world.refused("bob", f"DELETE {path}", None, (404, "SecurityGroupRuleNotFound"))
    theirs = (await world.request("bob", "GET", "/security-group-rules")).json()["security_group_rules"]
    assert rule["id"] not in [entry["id"] for entry in theirs]
    assert (await world.request("alice", "DELETE", path)).status_code == 204


async def test_members_of_a_bulk_may_stand_under_their_own_name(world: World) -> None:
    wishes = [{"security_group": {"name": "a"}}, {"name": "b"}]
    answer = await world.request("alice", "POST", "/security-groups", {"security_groups": wishes})
    assert [group["name"] for group in answer.json()["security_groups"]] == ["a", "b"]
    odd: list[Any] = [
        [{"network": {"colour": 1}}],
        [{"network": 5}],
        [5],
        5,
        {"network": {}},
        [{"network": {}, "name": "x"}],
    ]
    for networks in odd:
        answer = await world.request("alice", "POST", "/networks", {"networks": networks})
        assert answer.status_code == 400, networks


async def test_the_mtu_of_a_network_with_ipv6_stays_what_ipv6_needs(world: World) -> None:
    small = await world.made("alice", "/networks", mtu=1279)
    body = {"subnet": {"network_id": small["id"], "ip_version": 6, "cidr": "fd00::/64"}}
    await world.refused("alice", "POST /subnets", body, (409, "NetworkMTUSubnetConflict"))
    network_id, _ = await world.net(cidr="fd01::/64")
    change = {"network": {"mtu": 1279}}
    await world.refused("alice", f"PUT /networks/{network_id}", change, (409, "NetworkMTUSubnetConflict"))
    assert (
        await world.request("alice", "PUT", f"/networks/{network_id}", {"network": {"mtu": 1280}})
    ).status_code == 200


async def test_another_project_is_a_bad_request_but_of_an_admin(world: World) -> None:
    for path in ("/networks", "/routers", "/security-groups"):
        member = path.strip("/").replace("-", "_").removesuffix("s")
        body = {member: {"name": "theirs", "project_id": PROJECTS["bob"]}}
        await world.refused("alice", f"POST {path}", body, (400, "BadRequest"))
        assert (await world.made("admin", path, **body[member]))["project_id"] == PROJECTS["bob"]


async def test_the_default_group_of_a_project_is_there_when_an_admin_looks(world: World) -> None:
    path = f"/security-groups?project_id={'c' * 32}"
    assert (await world.request("bob", "GET", path)).json() == {"security_groups": []}
    (group,) = (await world.request("admin", "GET", path)).json()["security_groups"]
    assert (group["name"], group["project_id"]) == ("default", "c" * 32)


@pytest.mark.parametrize("protocol", [41, "43", 44, "58", 59, 60])
async def test_protocols_of_ipv6_have_no_ipv4_rules_by_number_either(world: World, protocol: int | str) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": protocol}
    answer = await world.request("alice", "POST", "/security-group-rules", {"security_group_rule": rule})
    assert answer.status_code == 400
    assert await world.made("alice", "/security-group-rules", **rule, ethertype="IPv6")


async def test_a_port_has_a_group_once_and_a_router_a_port_that_could_exist(world: World) -> None:
    network_id, _ = await world.net()
    group = await world.made("alice", "/security-groups", name="web")
    twice = {"port": {"network_id": network_id, "security_groups": [group["id"], group["id"]]}}
    await world.refused("alice", "POST /ports", twice, (400, "InvalidInput"))
    router = await world.made("alice", "/routers")
    path = f"PUT /routers/{router['id']}/add_router_interface"
    await world.refused("alice", path, {"port_id": "no-uuid"}, (400, "InvalidInput"))
    await world.refused("alice", path, {"port_id": "0" * 32}, (404, "PortNotFound"))


async def test_pools_tell_lengths_as_text(world: World) -> None:
    pool = await world.made("alice", "/subnetpools", name="pool", prefixes=["10.0.0.0/8"], min_prefixlen=29)
    assert (pool["min_prefixlen"], pool["default_prefixlen"], pool["max_prefixlen"]) == ("29", "29", "32")


async def test_a_group_needs_room_for_its_rules(world: World) -> None:
    await world.request("alice", "GET", "/security-groups")
    path = f"/quotas/{PROJECTS['alice']}"
    rules = (await world.request("admin", "GET", f"{path}/details")).json()["quota"]["security_group_rule"]["used"]
    limit = {"quota": {"security_group_rule": rules + 1}}
    assert (await world.request("admin", "PUT", path, limit)).status_code == 200
    await world.refused("alice", "POST /security-groups", {"security_group": {"name": "one"}}, (409, "OverQuota"))
    limit = {"quota": {"security_group_rule": rules + 2}}
    assert (await world.request("admin", "PUT", path, limit)).status_code == 200
    assert await world.made("alice", "/security-groups", name="one")


async def test_from_an_empty_page_the_way_leads_back_to_the_end(world: World) -> None:
    for name in ("a", "b"):
        await world.made("alice", "/networks", name=name)
    url = "/networks?limit=2&sort_key=name&fields=name&router:external=False"
    for _ in range(2):
        page = (await world.request("alice", "GET", url)).json()
        links = {link["rel"]: link["href"].partition("/v2.0")[2] for link in page["networks_links"]}
        url = links.get("next", url)
    assert page["networks"] == []
    assert set(links) == {"previous"}
    back = (await world.request("alice", "GET", links["previous"])).json()
    assert [network["name"] for network in back["networks"]] == ["a", "b"]


async def test_subnets_are_found_by_whether_their_networks_are_shared(world: World) -> None:
    _, own = await world.net()
    network = await world.made("admin", "/networks", name="for all", shared=True)
    wish = {"network_id": network["id"], "cidr": "10.7.0.0/24", "ip_version": 4}
    shared = (await world.made("admin", "/subnets", **wish))["id"]
    for text, wanted in (("True", shared), ("False", own)):
        found = (await world.request("alice", "GET", f"/subnets?shared={text}&id={own}&id={shared}")).json()["subnets"]
        assert [subnet["id"] for subnet in found] == [wanted]
