"""Security groups and rules through the API, and rules as the kernel is told them."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest

from boxship.drivers.linux.interface import RuleSpec
from boxship.services.network import model, plan
from tests.services.network.world import World


async def test_the_default_group_is_made_by_the_first_look(world: World) -> None:
    found = (await world.request("alice", "GET", "/security-groups")).json()["security_groups"]
    assert [group["name"] for group in found] == ["default"]
    rules = found[0]["security_group_rules"]
    told = sorted((rule["direction"], rule["ethertype"], rule["remote_group_id"] == found[0]["id"]) for rule in rules)
    assert told == [
        ("egress", "IPv4", False), ("egress", "IPv6", False), ("ingress", "IPv4", True), ("ingress", "IPv6", True),
    ]  # fmt: skip
    assert (await world.request("alice", "GET", "/security-groups")).json()["security_groups"] == found
    listed = (await world.request("alice", "GET", "/security-group-rules")).json()["security_group_rules"]
    assert sorted(rule["id"] for rule in listed) == sorted(rule["id"] for rule in rules)


async def test_the_default_group_stays(world: World) -> None:
    id = (await world.request("alice", "GET", "/security-groups")).json()["security_groups"][0]["id"]
    body: dict[str, Any] = {"security_group": {"name": "other"}}
    await world.refused("alice", f"DELETE /security-groups/{id}", None, (409, "SecurityGroupCannotRemoveDefault"))
    await world.refused("alice", f"PUT /security-groups/{id}", body, (409, "SecurityGroupCannotUpdateDefault"))
    body = {"security_group": {"name": "Default"}}
    await world.refused("alice", "POST /security-groups", body, (409, "SecurityGroupDefaultAlreadyExists"))


async def test_a_new_group_lets_all_out_and_nothing_in(world: World) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    assert {(rule["direction"], rule["ethertype"]) for rule in group["security_group_rules"]} == {
        ("egress", "IPv4"),
        ("egress", "IPv6"),
    }
    body = {"security_group": {"name": "www", "description": "d"}}
    changed = (await world.request("alice", "PUT", f"/security-groups/{group['id']}", body)).json()["security_group"]
    assert (changed["name"], changed["description"], changed["revision_number"]) == ("www", "d", 2)
    assert (await world.request("bob", "GET", f"/security-groups/{group['id']}")).status_code == 404
    assert (await world.request("alice", "DELETE", f"/security-groups/{group['id']}")).status_code == 204


async def test_a_group_in_use_stays(world: World) -> None:
    network_id, _ = await world.net()
    group = await world.made("alice", "/security-groups", name="web")
    other = await world.made("alice", "/security-groups", name="db")
    port = await world.made("alice", "/ports", network_id=network_id, security_groups=[group["id"]])
    rule = {"security_group_id": other["id"], "direction": "ingress", "remote_group_id": group["id"]}
    made = await world.made("alice", "/security-group-rules", **rule)
    await world.refused("alice", f"DELETE /security-groups/{group['id']}", None, (409, "SecurityGroupInUse"))
    await world.request("alice", "DELETE", f"/ports/{port['id']}")
    await world.refused("alice", f"DELETE /security-groups/{group['id']}", None, (409, "SecurityGroupInUse"))
    await world.request("alice", "DELETE", f"/security-group-rules/{made['id']}")
    assert (await world.request("alice", "DELETE", f"/security-groups/{group['id']}")).status_code == 204


async def test_a_port_takes_no_group_of_another_project(world: World) -> None:
    network_id, _ = await world.net("alice")
    group = await world.made("bob", "/security-groups", name="web")
    body = {"port": {"network_id": network_id, "security_groups": [group["id"]]}}
    await world.refused("alice", "POST /ports", body, (404, "SecurityGroupNotFound"))


async def test_the_same_rule_twice_is_refused(world: World) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    fields = {
        "security_group_id": group["id"], "direction": "ingress", "protocol": "tcp",
        "port_range_min": 80, "port_range_max": 80,
    }  # fmt: skip
    rule = await world.made("alice", "/security-group-rules", **fields)
    assert rule["ethertype"] == "IPv4"
    for same in (fields, fields | {"protocol": "6"}, fields | {"description": "again"}):
        sentence = await world.refused(
            "alice", "POST /security-group-rules", {"security_group_rule": same}, (409, "SecurityGroupRuleExists")
        )
        assert rule["id"] in sentence
    await world.made("alice", "/security-group-rules", **fields | {"remote_ip_prefix": "10.0.0.0/8"})


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"protocol": "nonsense"}, "SecurityGroupRuleInvalidProtocol"),
        ({"protocol": 256}, "SecurityGroupRuleInvalidProtocol"),
        ({"protocol": "-7"}, "SecurityGroupRuleInvalidProtocol"),
        ({"port_range_min": 1, "port_range_max": 2}, "SecurityGroupProtocolRequiredWithPorts"),
        ({"protocol": "tcp", "port_range_min": 2, "port_range_max": 1}, "SecurityGroupInvalidPortRange"),
        ({"protocol": "tcp", "port_range_min": 2}, "SecurityGroupInvalidPortRange"),
        ({"protocol": "tcp", "port_range_min": 0, "port_range_max": 1}, "SecurityGroupInvalidPortValue"),
        ({"protocol": "tcp", "port_range_min": -1, "port_range_max": 1}, "SecurityGroupInvalidPortValue"),
        ({"protocol": "tcp", "port_range_min": 1, "port_range_max": 65536}, "SecurityGroupInvalidPortValue"),
        ({"protocol": "gre", "port_range_min": 1, "port_range_max": 2}, "SecurityGroupInvalidProtocolForPort"),
        ({"protocol": "icmp", "port_range_min": 256}, "SecurityGroupInvalidIcmpValue"),
        ({"protocol": "icmp", "port_range_max": 0}, "SecurityGroupMissingIcmpType"),
        ({"protocol": "ipv6-icmp"}, "SecurityGroupEthertypeConflictWithProtocol"),
        ({"ethertype": "IPX"}, "InvalidInput"),
        ({"remote_ip_prefix": "10.0.0.0/33"}, "InvalidInput"),
        ({"remote_ip_prefix": "2001:db8::/32"}, "SecurityGroupRuleParameterConflict"),
        ({"direction": "sideways"}, "BadRequest"),
    ],
)
async def test_bad_rules(world: World, fields: dict[str, object], kind: str) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    body = {"security_group_rule": {"security_group_id": group["id"], "direction": "ingress"} | fields}
    await world.refused("alice", "POST /security-group-rules", body, (400, kind))


async def test_a_rule_has_one_other_side(world: World) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    rule = {
        "security_group_id": group["id"], "direction": "ingress",
        "remote_group_id": group["id"], "remote_ip_prefix": "10.0.0.0/8",
    }  # fmt: skip
    body = {"security_group_rule": rule}
    await world.refused("alice", "POST /security-group-rules", body, (400, "SecurityGroupMultipleRemoteEntites"))
    foreign = await world.made("bob", "/security-groups", name="web")
    body = {"security_group_rule": rule | {"remote_ip_prefix": None, "remote_group_id": foreign["id"]}}
    await world.refused("alice", "POST /security-group-rules", body, (404, "SecurityGroupNotFound"))


def _rule(**fields: Any) -> model.Rule:
    now = datetime.now(UTC)
    base: dict[str, Any] = {
        "id": "r", "project_id": "p", "security_group_id": "g", "direction": "ingress", "ethertype": "IPv4",
        "protocol": None, "port_range_min": None, "port_range_max": None, "remote_ip_prefix": None,
        "remote_group_id": None, "description": "", "created_at": now, "updated_at": now, "revision_number": 0,
    }  # fmt: skip
    return model.Rule(**base | fields)


@pytest.mark.parametrize(
    ("row", "spec"),
    [
        (_rule(), RuleSpec("ingress", 4)),
        (_rule(direction="egress", ethertype="IPv6"), RuleSpec("egress", 6)),
        (_rule(protocol="tcp", port_range_min=80, port_range_max=90), RuleSpec("ingress", 4, 6, 80, 90)),
        (_rule(protocol="17"), RuleSpec("ingress", 4, 17)),
        (_rule(protocol="icmp", port_range_min=8), RuleSpec("ingress", 4, 1, 8, None)),
        (_rule(protocol="icmp", ethertype="IPv6"), RuleSpec("ingress", 6, 58)),
        (_rule(protocol="1", ethertype="IPv6"), RuleSpec("ingress", 6, 58)),
        (_rule(protocol="icmpv6", ethertype="IPv6"), RuleSpec("ingress", 6, 58)),
        (
            _rule(remote_ip_prefix="10.0.0.0/8"),
            RuleSpec("ingress", 4, remote=ipaddress.ip_network("10.0.0.0/8")),
        ),
        (_rule(remote_group_id="h"), RuleSpec("ingress", 4, remote_group="h")),
    ],
)
def test_rules_as_the_kernel_is_told_them(row: model.Rule, spec: RuleSpec) -> None:
    assert plan.rule(row) == spec


async def test_a_stateless_group_is_told_to_the_kernel(world: World) -> None:
    network_id, _ = await world.net()
    group = await world.made("alice", "/security-groups", name="plain", stateful=False)
    assert group["stateful"] is False
    port = await world.made("alice", "/ports", network_id=network_id, security_groups=[group["id"]])
    await world.bind(port["id"])
    await world.settle()
    assert world.kernel.fake.groups[group["id"]].stateful is False
    listed = (await world.request("alice", "GET", "/security-groups?stateful=false")).json()["security_groups"]
    assert [found["id"] for found in listed] == [group["id"]]


async def test_a_group_in_use_stays_of_its_kind(world: World) -> None:
    network_id, _ = await world.net()
    group = await world.made("alice", "/security-groups", name="web")
    path, turned = f"/security-groups/{group['id']}", {"security_group": {"stateful": False}}
    port = await world.made("alice", "/ports", network_id=network_id, security_groups=[group["id"]])
    await world.refused("alice", f"PUT {path}", turned, (409, "SecurityGroupInUse"))
    same = {"security_group": {"stateful": True, "name": "www"}}
    assert (await world.request("alice", "PUT", path, same)).status_code == 200
    assert (await world.request("alice", "DELETE", f"/ports/{port['id']}")).status_code == 204
    world.wakes.clear()
    answer = await world.request("alice", "PUT", path, turned)
    assert (answer.status_code, answer.json()["security_group"]["stateful"]) == (200, False)
    assert ("security_group", group["id"]) in world.wakes


async def test_a_port_is_in_groups_of_one_kind(world: World) -> None:
    network_id, _ = await world.net()
    plain = await world.made("alice", "/security-groups", name="plain", stateful=False)
    also = await world.made("alice", "/security-groups", name="also", stateful=False)
    usual = await world.made("alice", "/security-groups", name="usual")
    mixed = [plain["id"], usual["id"]]
    body = {"port": {"network_id": network_id, "security_groups": mixed}}
    await world.refused("alice", "POST /ports", body, (409, "SecurityGroupConflict"))
    port = await world.made("alice", "/ports", network_id=network_id, security_groups=[plain["id"], also["id"]])
    change = {"port": {"security_groups": mixed}}
    await world.refused("alice", f"PUT /ports/{port['id']}", change, (409, "SecurityGroupConflict"))
    change = {"port": {"security_groups": [usual["id"]]}}
    assert (await world.request("alice", "PUT", f"/ports/{port['id']}", change)).status_code == 200


async def test_a_range_is_shown_as_written_and_without_host_bits(world: World) -> None:
    group = await world.made("alice", "/security-groups", name="web")
    rule = {"security_group_id": group["id"], "direction": "ingress"}
    made = await world.made("alice", "/security-group-rules", **rule, remote_ip_prefix="10.0.0.9/24")
    assert (made["remote_ip_prefix"], made["normalized_cidr"]) == ("10.0.0.9/24", "10.0.0.0/24")
    again = {"security_group_rule": {**rule, "remote_ip_prefix": "10.0.0.1/24"}}
    await world.refused("alice", "POST /security-group-rules", again, (409, "SecurityGroupRuleExists"))
    one = await world.made("alice", "/security-group-rules", **rule, remote_ip_prefix="10.0.0.9")
    assert (one["remote_ip_prefix"], one["normalized_cidr"]) == ("10.0.0.9/32", "10.0.0.9/32")
    bare = await world.made("alice", "/security-group-rules", **rule, ethertype="IPv6")
    assert (bare["remote_ip_prefix"], bare["normalized_cidr"]) == (None, None)
    for query in ("remote_ip_prefix=10.0.0.9/24", "normalized_cidr=10.0.0.0/24"):
        listed = (await world.request("alice", "GET", f"/security-group-rules?{query}")).json()["security_group_rules"]
        assert [found["id"] for found in listed] == [made["id"]], query
