"""RBAC policies: what single projects see and use of others, and that nobody loses what is in use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.network.world import PROJECTS, World

ALICE, BOB, ADMIN = PROJECTS["alice"], PROJECTS["bob"], PROJECTS["admin"]


def _policy(kind: str, object_id: str, target: str, action: str = "access_as_shared") -> dict[str, Any]:
    return {"object_type": kind, "object_id": object_id, "action": action, "target_tenant": target}


async def _share(world: World, user: str, *what: str) -> str:
    """A policy for type, object, target and maybe action; its id."""
    answer = await world.request(user, "POST", "/rbac-policies", {"rbac_policy": _policy(*what)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["rbac_policy"]["id"])


async def _status(world: World, user: str, method: str, path: str, body: Any = None) -> int:
    return (await world.request(user, method, path, body)).status_code


async def _ids(world: World, user: str, path: str) -> set[str]:
    listed = (await world.request(user, "GET", path)).json()
    return {found["id"] for found in next(iter(listed.values()))}


async def test_a_network_is_shared_with_one_project(world: World) -> None:
    network_id, subnet_id = await world.net()
    assert await _status(world, "bob", "GET", f"/networks/{network_id}") == 404
    id = await _share(world, "alice", "network", network_id, BOB)
    shown = await world.shown("bob", f"/networks/{network_id}")
    assert (shown["shared"], shown["subnets"], shown["project_id"]) == (True, [subnet_id], ALICE)
    assert network_id in await _ids(world, "bob", "/networks")
    assert subnet_id in await _ids(world, "bob", "/subnets")
    assert await _status(world, "bob", "GET", f"/subnets/{subnet_id}") == 200
    assert (await world.shown("alice", f"/networks/{network_id}"))["shared"] is False, "not with everybody"
    for method, path in (("PUT", f"/networks/{network_id}"), ("PUT", f"/subnets/{subnet_id}")):
        member = path.split("/")[1].removesuffix("s")
        assert await _status(world, "bob", method, path, {member: {"name": "mine"}}) == 403
    port = await world.made("bob", "/ports", network_id=network_id)
    await world.refused("alice", f"DELETE /rbac-policies/{id}", None, (409, "RbacPolicyInUse"))
    other = {"rbac_policy": {"target_tenant": ADMIN}}
    await world.refused("alice", f"PUT /rbac-policies/{id}", other, (409, "RbacPolicyInUse"))
    assert await _status(world, "bob", "DELETE", f"/ports/{port['id']}") == 204
    assert await _status(world, "alice", "DELETE", f"/rbac-policies/{id}") == 204
    assert await _status(world, "bob", "GET", f"/networks/{network_id}") == 404
    assert subnet_id not in await _ids(world, "bob", "/subnets")


async def test_only_an_admin_shares_with_everybody(world: World) -> None:
    network_id, _ = await world.net()
    body = {"rbac_policy": _policy("network", network_id, "*")}
    await world.refused("alice", "POST /rbac-policies", body, (403, "PolicyNotAuthorized"))
    id = await _share(world, "alice", "network", network_id, BOB)
    body = {"rbac_policy": {"target_tenant": "*"}}
    await world.refused("alice", f"PUT /rbac-policies/{id}", body, (403, "PolicyNotAuthorized"))
    answer = await world.request("admin", "PUT", f"/rbac-policies/{id}", {"rbac_policy": {"target_project": "*"}})
    assert answer.json()["rbac_policy"]["target_tenant"] == "*"
    assert (await world.shown("alice", f"/networks/{network_id}"))["shared"] is True


async def test_the_flag_of_a_network_is_a_policy_for_everybody(world: World) -> None:
    network = await world.made("admin", "/networks", shared=True)
    (policy,) = (await world.request("admin", "GET", f"/rbac-policies?object_id={network['id']}")).json()[
        "rbac_policies"
    ]
    assert (policy["target_tenant"], policy["action"], policy["project_id"]) == ("*", "access_as_shared", ADMIN)
    assert await _status(world, "admin", "DELETE", f"/rbac-policies/{policy['id']}") == 204
    assert (await world.shown("admin", f"/networks/{network['id']}"))["shared"] is False
    body = {"network": {"shared": True}}
    assert await _status(world, "admin", "PUT", f"/networks/{network['id']}", body) == 200
    assert len(await _ids(world, "admin", f"/rbac-policies?object_id={network['id']}")) == 1
    body = {"network": {"shared": False}}
    assert await _status(world, "admin", "PUT", f"/networks/{network['id']}", body) == 200
    assert await _ids(world, "admin", f"/rbac-policies?object_id={network['id']}") == set()


async def test_who_is_named_keeps_what_everybody_loses(world: World) -> None:
    network = await world.made("admin", "/networks", shared=True)
    await world.made("bob", "/ports", network_id=network["id"])
    path, unshare = f"/networks/{network['id']}", {"network": {"shared": False}}
    await world.refused("admin", f"PUT {path}", unshare, (409, "NetworkInUse"))
    await _share(world, "admin", "network", network["id"], BOB)
    assert await _status(world, "admin", "PUT", path, unshare) == 200
    assert await _status(world, "bob", "GET", path) == 200
    assert await _status(world, "alice", "GET", path) == 404


async def test_a_network_is_external_for_one_project(world: World) -> None:
    network = await world.made("admin", "/networks")
    subnet = {"network_id": network["id"], "cidr": "203.0.113.0/24", "ip_version": 4, "enable_dhcp": False}
    await world.made("admin", "/subnets", **subnet)
    id = await _share(world, "admin", "network", network["id"], BOB, "access_as_external")
    shown = await world.shown("bob", f"/networks/{network['id']}")
    assert (shown["router:external"], shown["shared"]) == (True, False)
    assert await _status(world, "alice", "GET", f"/networks/{network['id']}") == 404
    gateway = {"external_gateway_info": {"network_id": network["id"]}}
    assert await _status(world, "alice", "POST", "/routers", {"router": gateway}) == 404
    router = await world.made("bob", "/routers", **gateway)
    await world.refused("admin", f"DELETE /rbac-policies/{id}", None, (409, "RbacPolicyInUse"))
    assert await _status(world, "bob", "DELETE", f"/routers/{router['id']}") == 204
    assert await _status(world, "admin", "DELETE", f"/rbac-policies/{id}") == 204
    assert (await world.shown("admin", f"/networks/{network['id']}"))["router:external"] is False


async def test_a_network_that_its_owner_leaves_by_stays_external(world: World) -> None:
    network = await world.made("admin", "/networks", **{"router:external": True})
    subnet = {"network_id": network["id"], "cidr": "203.0.113.0/24", "ip_version": 4, "enable_dhcp": False}
    await world.made("admin", "/subnets", **subnet)
    await world.made("admin", "/routers", external_gateway_info={"network_id": network["id"]})
    (policy,) = await _ids(world, "admin", f"/rbac-policies?object_id={network['id']}")
    await world.refused("admin", f"DELETE /rbac-policies/{policy}", None, (409, "NetworkInUse"))
    assert (await world.shown("admin", f"/networks/{network['id']}"))["router:external"] is True


async def test_what_is_shared_is_not_external(world: World) -> None:
    """A network that is another project's way out is only a network for whom it is shared with."""
    network = await world.made("admin", "/networks")
    await _share(world, "admin", "network", network["id"], ADMIN, "access_as_external")
    await _share(world, "admin", "network", network["id"], BOB)
    gateway = {"router": {"external_gateway_info": {"network_id": network["id"]}}}
    await world.refused("bob", "POST /routers", gateway, (400, "InvalidInput"))


async def test_making_a_network_external_is_for_admins(world: World) -> None:
    network_id, _ = await world.net()
    body = {"rbac_policy": _policy("network", network_id, BOB, "access_as_external")}
    await world.refused("alice", "POST /rbac-policies", body, (403, "PolicyNotAuthorized"))


async def test_a_group_is_shared(world: World) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    path = f"/security-groups/{group['id']}"
    network_id, _ = await world.net(user="bob")
    port = {"port": {"network_id": network_id, "security_groups": [group["id"]]}}
    assert await _status(world, "bob", "POST", "/ports", port) == 404
    id = await _share(world, "alice", "security_group", group["id"], BOB)
    shown = await world.shown("bob", path)
    assert (shown["shared"], len(shown["security_group_rules"])) == (True, 2)
    assert await _ids(world, "bob", "/security-groups?shared=true") == {group["id"]}
    assert group["id"] not in await _ids(world, "bob", "/security-groups?shared=false")
    assert (await world.shown("alice", path))["shared"] is False
    made = await world.made("bob", "/ports", **port["port"])
    rule = {"security_group_rule": {"security_group_id": group["id"], "direction": "ingress", "project_id": BOB}}
    for method, place, body in (
        ("PUT", path, {"security_group": {"name": "x"}}),
        ("DELETE", path, None),
        ("POST", "/security-group-rules", rule),
        ("PUT", f"{path}/tags", {"tags": ["x"]}),
    ):
        assert await _status(world, "bob", method, place, body) == 403, (method, place)
    await world.refused("alice", f"DELETE /rbac-policies/{id}", None, (409, "RbacPolicyInUse"))
    assert await _status(world, "bob", "DELETE", f"/ports/{made['id']}") == 204
    assert await _status(world, "alice", "DELETE", f"/rbac-policies/{id}") == 204
    assert await _status(world, "bob", "GET", path) == 404


async def test_a_pool_is_shared(world: World) -> None:
    pool = await world.made("alice", "/subnetpools", name="pool", prefixes=["10.9.0.0/16"], default_prefixlen=24)
    network = await world.made("bob", "/networks")
    wish = {"network_id": network["id"], "ip_version": 4, "subnetpool_id": pool["id"]}
    assert await _status(world, "bob", "POST", "/subnets", {"subnet": wish}) == 404
    await _share(world, "alice", "subnetpool", pool["id"], BOB)
    assert (await world.shown("bob", f"/subnetpools/{pool['id']}"))["shared"] is True
    assert pool["id"] in await _ids(world, "bob", "/subnetpools")
    assert (await world.made("bob", "/subnets", **wish))["cidr"] == "10.9.0.0/24"
    assert await _status(world, "bob", "PUT", f"/subnetpools/{pool['id']}", {"subnetpool": {"name": "x"}}) == 403


async def test_policies_are_their_owners(world: World) -> None:
    network_id, _ = await world.net()
    id = await _share(world, "alice", "network", network_id, BOB)
    for method in ("GET", "DELETE"):
        assert await _status(world, "bob", method, f"/rbac-policies/{id}") == 404
    assert await _ids(world, "bob", "/rbac-policies") == set()
    body = {"rbac_policy": _policy("network", network_id, ADMIN)}
    await world.refused("bob", "POST /rbac-policies", body, (403, "PolicyNotAuthorized"))
    assert await _status(world, "reader", "POST", "/rbac-policies", body) == 403
    assert id in await _ids(world, "reader", f"/rbac-policies?target_tenant={BOB}")
    await world.refused(
        "alice",
        "POST /rbac-policies",
        {"rbac_policy": _policy("network", network_id, BOB)},
        (409, "DuplicateRbacPolicy"),
    )


async def test_policies_go_with_what_they_share(world: World) -> None:
    network_id, _ = await world.net()
    group = await world.made("alice", "/security-groups", name="web")
    pool = await world.made("alice", "/subnetpools", name="pool", prefixes=["10.9.0.0/16"])
    for kind, id in (("network", network_id), ("security_group", group["id"]), ("subnetpool", pool["id"])):
        await _share(world, "alice", kind, id, BOB)
    for path in (f"/networks/{network_id}", f"/security-groups/{group['id']}", f"/subnetpools/{pool['id']}"):
        assert await _status(world, "alice", "DELETE", path) == 204
    assert await _ids(world, "alice", "/rbac-policies") == set()


async def test_policies_have_a_quota(world: World) -> None:
    network_id, _ = await world.net()
    await world.request("admin", "PUT", f"/quotas/{ALICE}", {"quota": {"rbac_policy": 1}})
    await _share(world, "alice", "network", network_id, BOB)
    body = {"rbac_policy": _policy("network", network_id, ADMIN)}
    await world.refused("alice", "POST /rbac-policies", body, (409, "OverQuota"))


@pytest.mark.parametrize(
    "bad",
    [
        {"object_type": "port"},
        {"action": "access_as_owner"},
        {"object_type": "security_group", "action": "access_as_external"},
        {"target_tenant": "bob"},
        {"target_tenant": ""},
        {"target_project": "c" * 32},
    ],
    ids=repr,
)
async def test_what_is_no_policy_is_refused(world: World, bad: dict[str, str]) -> None:
    network_id, _ = await world.net()
    body = {"rbac_policy": _policy("network", network_id, BOB) | bad}
    assert await _status(world, "alice", "POST", "/rbac-policies", body) == 400


async def test_what_is_shared_has_changed(world: World) -> None:
    network_id, _ = await world.net()
    group = await world.made("alice", "/security-groups", name="web")
    for kind, path in (("network", f"/networks/{network_id}"), ("security_group", f"/security-groups/{group['id']}")):
        revisions = [(await world.shown("alice", path))["revision_number"]]
        id = await _share(world, "alice", kind, path.rpartition("/")[2], BOB)
        revisions.append((await world.shown("alice", path))["revision_number"])
        assert await _status(world, "alice", "DELETE", f"/rbac-policies/{id}") == 204
        revisions.append((await world.shown("alice", path))["revision_number"])
        assert revisions == sorted(set(revisions)), "each is higher than the one before"


async def test_the_owner_of_a_network_sees_and_removes_what_others_put_there(world: World) -> None:
    network_id, _ = await world.net()
    await _share(world, "alice", "network", network_id, BOB)
    port = await world.made("bob", "/ports", network_id=network_id)
    mine = await world.made("alice", "/ports", network_id=network_id)
    assert {port["id"], mine["id"]} <= await _ids(world, "alice", "/ports")
    assert mine["id"] not in await _ids(world, "bob", "/ports")
    assert await _status(world, "bob", "GET", f"/ports/{mine['id']}") == 404
    assert await _status(world, "bob", "DELETE", f"/ports/{mine['id']}") == 404
    body = {"port": {"name": "x"}}
    assert await _status(world, "alice", "PUT", f"/ports/{port['id']}", body) == 404
    assert (await world.shown("alice", f"/ports/{port['id']}"))["project_id"] == BOB
    assert await _status(world, "alice", "DELETE", f"/ports/{port['id']}") == 204


async def test_what_is_not_there_is_not_shared(world: World) -> None:
    for kind, error in (
        ("network", "NetworkNotFound"),
        ("subnetpool", "SubnetPoolNotFound"),
        ("security_group", "SecurityGroupNotFound"),
    ):
        await world.refused("alice", "POST /rbac-policies", {"rbac_policy": _policy(kind, "none", BOB)}, (404, error))
