"""Every type of resources on the fake world: made, read, changed in place, checked, put to sleep and woken, replaced, removed;
at the end the project has what it had before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from boxship.services.orchestration.resources.registry import TYPES
from tests import cloud
from tests.services.orchestration.stacks import Stacks, template

ELSEWHERE = {
    "DockerInc::Docker::Container",  # test_docker.py
    "OS::Glance::WebImage",  # test_glance.py
    "OS::Heat::WaitCondition",  # these two wait for signals: test_signals.py
    "OS::Heat::SwiftSignal",
}
NET = {"net": {"type": "OS::Neutron::Net"}}
SUBNET = {
    **NET,
    "subnet": {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "cidr": "10.9.0.0/24"},
    },
}
ROUTED = {
    **SUBNET,
    "router": {"type": "OS::Neutron::Router", "properties": {"external_gateway_info": {"network": "public"}}},
    "leg": {
        "type": "OS::Neutron::RouterInterface",
        "properties": {"router": {"get_resource": "router"}, "subnet": {"get_resource": "subnet"}},
    },
    "port": {"type": "OS::Neutron::Port", "depends_on": "leg", "properties": {"network": {"get_resource": "net"}}},
    "other": {"type": "OS::Neutron::Port", "depends_on": "leg", "properties": {"network": {"get_resource": "net"}}},
}
ADDRESS = {"address": {"type": "OS::Neutron::FloatingIP", "properties": {"floating_network": "public"}}}
RANDOM = {"type": "OS::Heat::RandomString", "properties": {"length": 4}}
CONFIG = {
    "config": {"type": "OS::Heat::SoftwareConfig", "properties": {"config": "true", "group": "script"}},
    "again": {"type": "OS::Heat::SoftwareConfig", "properties": {"config": "false", "group": "script"}},
}
VOLUME = {"volume": {"type": "OS::Cinder::Volume", "properties": {"size": 1}}}
USER = {"user": {"type": "OS::Keystone::User", "properties": {"name": "types-user", "password": "a long password"}}}
PROJECT = {"project": {"type": "OS::Keystone::Project", "properties": {"name": "types-project"}}}
MEMBER = [{"role": "member", "project": {"get_resource": "project"}}]
READER = [{"role": "reader", "project": {"get_resource": "project"}}]


def get(name: str) -> dict[str, str]:
    return {"get_resource": name}


def nested(value: str) -> str:
    return f"{{heat_template_version: 2021-04-16, resources: {{a: {{type: OS::Heat::Value, properties: {{value: {value}}}}}}}}}"


@dataclass(frozen=True, slots=True)
class Case:
    """``properties`` of the resource; ``changed`` are changes that are made in place, one update after the other; ``replaced``
    is one that replaces it. ``others`` stand beside it."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    changed: tuple[Mapping[str, Any], ...] = ()
    replaced: Mapping[str, Any] | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    after: str | None = None
    """What the template says to come before it."""


CASES: Mapping[str, Case] = {
    "OS::Zun::Container": Case(
        {
            "image": "busybox",
            "command": "sleep 100",
            "environment": {"A": "b"},
            "networks": [{"network": get("net")}],
            "mounts": [{"volume_size": 1, "mount_path": "/data"}],
            "restart_policy": "on-failure:2",
            "security_groups": ["default"],
            "labels": {"a": "b"},
        },
        ({"name": "new", "memory": 128, "cpu": 0.5}, {"networks": []}, {"networks": [{"network": get("net")}]}),
        {"command": "sleep 200"},
        SUBNET,
    ),
    "OS::Zun::Capsule": Case(
        {"template": {"spec": {"containers": [{"image": "busybox", "command": ["sleep", "9"]}]}}},
        replaced={"template": {"spec": {"containers": [{"image": "busybox", "command": ["sleep", "8"]}]}}},
        others=SUBNET,
        after="subnet",
    ),
    "OS::Neutron::Net": Case(
        {"name": "n"}, ({"name": "m", "admin_state_up": False}, {"tags": ["a"]}, {"dns_domain": "x.org."})
    ),
    "OS::Neutron::ProviderNet": Case(
        {"network_type": "vxlan", "segmentation_id": 77}, ({"name": "p"}, {"router_external": False, "shared": False})
    ),
    "OS::Neutron::Subnet": Case(
        {"network": get("net"), "cidr": "10.1.0.0/24"},
        (
            {"name": "s", "dns_nameservers": ["9.9.9.9"]},
            {"enable_dhcp": False, "gateway_ip": None},
            {"tags": ["a"]},
        ),
        {"cidr": "10.2.0.0/24"},
        NET,
    ),
    "OS::Neutron::SubnetPool": Case(
        {"prefixes": ["10.8.0.0/16"], "default_prefixlen": 24},
        ({"name": "pool", "max_prefixlen": 28}, {"prefixes": ["10.8.0.0/16", "10.7.0.0/16"]}),
        {"shared": False, "tenant_id": "a" * 32},
    ),
    "OS::Neutron::Port": Case(
        {"network": get("net")},
        (
            {"name": "p", "admin_state_up": False, "security_groups": ["default"]},
            {"allowed_address_pairs": [{"ip_address": "10.9.0.77"}]},
            {"port_security_enabled": True, "tags": ["a"], "dns_name": "p"},
        ),
        {"network": get("second")},
        {
            **SUBNET,
            "second": {"type": "OS::Neutron::Net"},
            "range": {"type": "OS::Neutron::Subnet", "properties": {"network": get("second"), "cidr": "10.3.0.0/24"}},
        },
    ),
    "OS::Neutron::Router": Case(
        {"name": "r"},
        ({"external_gateway_info": {"network": "public"}}, {"admin_state_up": False, "tags": ["a"]}),
    ),
    "OS::Neutron::RouterInterface": Case(
        {"router": get("gate"), "subnet": get("subnet")},
        replaced={"router": get("second"), "subnet": get("range")},
        others={
            **SUBNET,
            "range": {"type": "OS::Neutron::Subnet", "properties": {"network": get("net"), "cidr": "10.3.0.0/24"}},
            "gate": {"type": "OS::Neutron::Router"},
            "second": {"type": "OS::Neutron::Router"},
        },
    ),
    "OS::Neutron::RouterGateway": Case(
        {"router_id": get("gate"), "network": "public"},
        replaced={"router_id": get("second")},
        others={"gate": {"type": "OS::Neutron::Router"}, "second": {"type": "OS::Neutron::Router"}},
    ),
    "OS::Neutron::ExtraRouteSet": Case(
        {"router": get("router"), "routes": [{"destination": "10.50.0.0/24", "nexthop": "10.9.0.9"}]},
        ({"routes": [{"destination": "10.51.0.0/24", "nexthop": "10.9.0.9"}]},),
        None,
        ROUTED,
    ),
    "OS::Neutron::FloatingIP": Case(
        {"floating_network": "public"}, ({"port_id": get("port")}, {"port_id": get("other")}), None, ROUTED
    ),
    "OS::Neutron::FloatingIPAssociation": Case(
        {"floatingip_id": get("address"), "port_id": get("port")}, ({"port_id": get("other")},), None, ROUTED | ADDRESS
    ),
    "OS::Neutron::FloatingIPPortForward": Case(
        {
            "floating_ip": get("address"),
            "internal_ip_address": {"get_attr": ["port", "fixed_ips", 0, "ip_address"]},
            "internal_port_number": 80,
            "internal_port": get("port"),
            "external_port": 8080,
            "protocol": "tcp",
        },
        ({"external_port": 8081}, {"internal_port_number": 81}),
        None,
        ROUTED | ADDRESS,
    ),
    "OS::Neutron::SecurityGroup": Case(
        {"name": "g", "rules": [{"protocol": "tcp", "port_range_min": 80, "port_range_max": 80}]},
        (
            {"name": "h", "description": "d"},
            {"rules": [{"protocol": "udp"}, {"protocol": "icmp", "direction": "egress"}]},
        ),
    ),
    "OS::Neutron::SecurityGroupRule": Case(
        {"security_group": get("group"), "protocol": "tcp", "port_range_min": 80, "port_range_max": 80},
        replaced={"port_range_max": 81},
        others={"group": {"type": "OS::Neutron::SecurityGroup"}},
    ),
    "OS::Neutron::RBACPolicy": Case(
        {
            "object_type": "network",
            "object_id": get("net"),
            "action": "access_as_shared",
            "target_tenant": "b" * 32,
        },
        ({"target_tenant": "c" * 32},),
        None,
        NET,
    ),
    "OS::Neutron::Quota": Case({"project": get("project"), "network": 5}, ({"network": 6, "port": 7},), None, PROJECT),
    "OS::Cinder::Volume": Case(
        {"size": 1, "name": "v"},
        ({"name": "w", "metadata": {"a": "b"}}, {"size": 2}, {"read_only": True}),
        {"availability_zone": "nova", "source_volid": get("volume")},
        VOLUME,
    ),
    "OS::Cinder::VolumeAttachment": Case(
        {"volume_id": get("volume"), "instance_uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12}, others=VOLUME
    ),
    "OS::Cinder::VolumeType": Case(
        {"name": "types-type"},
        ({"name": "types-other", "description": "d"}, {"metadata": {"a": "b"}, "is_public": False}),
    ),
    "OS::Cinder::Quota": Case(
        {"project": get("project"), "volumes": 5}, ({"volumes": 6, "gigabytes": 7},), None, PROJECT
    ),
    "OS::Manila::Share": Case(
        {"share_protocol": "NFS", "size": 1, "share_type": "default"},
        (
            {"name": "s", "description": "d", "metadata": {"a": "b"}},
            {"access_rules": [{"access_to": "10.0.0.1", "access_type": "ip", "access_level": "ro"}]},
            {"access_rules": [{"access_to": "10.0.0.2", "access_type": "ip", "access_level": "rw"}]},
        ),
        {"size": 2},
    ),
    "OS::Manila::ShareType": Case(
        {"name": "types-share", "driver_handles_share_servers": False},
        ({"extra_specs": {"a": "b"}},),
        {"name": "types-shares"},
    ),
    "OS::Keystone::Project": Case(
        {"name": "p"}, ({"name": "q", "tags": ["a"]}, {"enabled": False, "description": "d"})
    ),
    "OS::Keystone::User": Case(
        {"name": "u", "password": "a long password", "roles": MEMBER},
        ({"name": "v", "email": "v@example.org"}, {"roles": READER, "default_project": get("project")}),
        None,
        PROJECT,
    ),
    "OS::Keystone::Role": Case({"name": "types-role"}, ({"name": "types-other"},)),
    "OS::Keystone::Domain": Case({"name": "types-domain"}, ({"name": "types-other", "description": "d"},)),
    "OS::Keystone::UserRoleAssignment": Case(
        {"user": get("user"), "roles": MEMBER}, ({"roles": READER},), None, USER | PROJECT
    ),
    "OS::Keystone::Group": Case(
        {"name": "types-group", "roles": MEMBER},
        ({"name": "types-other", "description": "d"}, {"roles": READER}),
        None,
        PROJECT,
    ),
    "OS::Keystone::GroupRoleAssignment": Case(
        {"group": get("group"), "roles": MEMBER},
        ({"roles": READER},),
        None,
        PROJECT | {"group": {"type": "OS::Keystone::Group", "properties": {"name": "types-group"}}},
    ),
    "OS::Keystone::Region": Case(
        {"id": "types-region"}, ({"description": "d"}, {"enabled": False}), {"id": "types-other"}
    ),
    "OS::Keystone::Service": Case(
        {"name": "types-service", "type": "rating"}, ({"name": "types-other", "description": "d"}, {"type": "metering"})
    ),
    "OS::Keystone::Endpoint": Case(
        {"service": get("service"), "interface": "public", "url": "http://example.org/v1", "region": get("region")},
        ({"name": "types-endpoint", "url": "http://example.org/v2"}, {"interface": "internal"}),
        None,
        {
            "region": {"type": "OS::Keystone::Region", "properties": {"id": "types-region"}},
            "service": {"type": "OS::Keystone::Service", "properties": {"name": "types-service", "type": "rating"}},
        },
    ),
    "OS::Heat::RandomString": Case({"length": 8}, replaced={"length": 9}),
    "OS::Heat::Value": Case({"value": "a"}, ({"value": ["a"]},)),
    "OS::Heat::None": Case({"anything": 1}),
    "OS::Heat::Delay": Case({"min_wait": 0.01}, ({"min_wait": 0.02, "actions": ["DELETE"]},)),
    "OS::Heat::TestResource": Case({"value": "a"}, ({"value": "b"},), {"value": "c", "update_replace": True}),
    "OS::Heat::WaitConditionHandle": Case({}, replaced={"signal_transport": "HEAT_SIGNAL"}),
    "OS::Heat::UpdateWaitConditionHandle": Case({}, replaced={"signal_transport": "HEAT_SIGNAL"}),
    "OS::Heat::SwiftSignalHandle": Case(),
    "OS::Heat::AccessPolicy": Case({"AllowedResources": ["net"]}, replaced={"AllowedResources": []}, others=NET),
    "OS::Heat::SoftwareDeploymentGroup": Case(
        {"config": get("config"), "servers": {"a": "one", "b": "two"}, "signal_transport": "NO_SIGNAL"},
        ({"servers": {"a": "one", "c": "three"}}, {"input_values": {"a": "b"}}, {"config": get("again")}),
        None,
        CONFIG,
    ),
    "OS::Heat::SoftwareConfig": Case({"config": "a", "group": "script"}, replaced={"config": "b"}),
    "OS::Heat::StructuredConfig": Case({"config": {"a": 1}}, replaced={"config": {"a": 2}}),
    "OS::Heat::CloudConfig": Case({"cloud_config": {"a": 1}}, replaced={"cloud_config": {"a": 2}}),
    "OS::Heat::MultipartMime": Case(
        {"parts": [{"config": "#!/bin/sh\ntrue"}]}, replaced={"parts": [{"config": "#!/bin/sh\nfalse"}]}
    ),
    "OS::Heat::SoftwareDeployment": Case(
        {"config": get("config"), "server": "a-server", "signal_transport": "NO_SIGNAL"},
        ({"input_values": {"a": "b"}}, {"config": get("again")}),
        {"server": "another"},
        CONFIG,
    ),
    "OS::Heat::StructuredDeployment": Case(
        {"config": get("structured"), "server": "a-server", "signal_transport": "NO_SIGNAL"},
        ({"input_values": {"a": "b"}},),
        {"server": "another"},
        {"structured": {"type": "OS::Heat::StructuredConfig", "properties": {"config": {"a": {"get_input": "a"}}}}},
    ),
    "OS::Heat::ResourceGroup": Case({"count": 2, "resource_def": RANDOM}, ({"count": 3}, {"count": 1})),
    "OS::Heat::ResourceChain": Case(
        {"resources": ["OS::Heat::RandomString", "OS::Heat::RandomString"], "resource_properties": {"length": 4}},
        ({"resources": ["OS::Heat::RandomString"]}, {"concurrent": True}),
    ),
    "OS::Heat::AutoScalingGroup": Case(
        {"resource": RANDOM, "min_size": 1, "max_size": 3}, ({"desired_capacity": 2}, {"max_size": 4, "cooldown": 1})
    ),
    "OS::Heat::ScalingPolicy": Case(
        {
            "auto_scaling_group_id": get("group"),
            "adjustment_type": "change_in_capacity",
            "scaling_adjustment": 1,
        },
        ({"scaling_adjustment": -1, "cooldown": 1},),
        {"auto_scaling_group_id": get("second")},
        {
            name: {
                "type": "OS::Heat::AutoScalingGroup",
                "properties": {"resource": RANDOM, "min_size": 1, "max_size": 3},
            }
            for name in ("group", "second")
        },
    ),
    "OS::Heat::Stack": Case({"template": nested("1")}, ({"template": nested("2")}, {"timeout": 5})),
}


def test_every_type_has_a_case() -> None:
    assert set(CASES) | ELSEWHERE == set(TYPES)


@pytest.mark.parametrize("name", CASES)
async def test_the_life_of_a_resource(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin" if TYPES[name].admin else "alice")
        before = await _things(stacks)
        made = await _ordered(stacks, "create", name, case.properties)
        properties = dict(case.properties)
        for changed in case.changed:
            properties |= changed
            now = await _ordered(stacks, "update", name, properties)
            assert now == made, f"{changed} is changed in place"
        for action in ("check", "suspend", "resume"):
            await _act(stacks, action)
        if case.replaced is not None:
            now = await _ordered(stacks, "update", name, {**properties, **case.replaced})
            assert now != made, f"{case.replaced} replaces it"
        assert (await stacks.delete("life"))["stack_status"] == "DELETE_COMPLETE"
        assert await _things(stacks) == before, "nothing is left"


async def _ordered(stacks: Stacks, action: str, name: str, properties: Mapping[str, Any]) -> str:
    """What the resource made, once the stack is complete. All its attributes can be read."""
    case, order = CASES[name], getattr(stacks, action)
    attributes = {one: {"value": {"get_attr": ["it", one]}} for one in (*TYPES[name].attributes, "show")}
    needs = {"depends_on": case.after} if case.after else {}
    resources = {**case.others, "it": {"type": name, "properties": dict(properties), **needs}}
    stack = await order("life", template(resources, outputs=attributes))
    assert stack["stack_status"] == f"{action.upper()}_COMPLETE", stack["stack_status_reason"]
    wrong = {output["output_key"]: output["output_error"] for output in stack["outputs"] if "output_error" in output}
    assert not wrong
    return str((await stacks.resource("life", "it"))["physical_resource_id"])


async def _act(stacks: Stacks, action: str) -> None:
    shown = await stacks.show("life")
    await stacks.ask("POST", f"{stacks.path}/life/{shown['id']}/actions", json={action: None})
    ended = await stacks.ended("life")
    assert ended["stack_status"] == f"{action.upper()}_COMPLETE", ended["stack_status_reason"]


async def _things(stacks: Stacks) -> dict[str, list[str]]:
    """The ids of everything that the user sees, by path."""
    project = cloud.PROJECTS[stacks.user]
    network = (
        "networks",
        "subnets",
        "ports",
        "routers",
        "floatingips",
        "security-groups",
        "subnetpools",
        "rbac-policies",
    )
    paths = [
        *(f"/network/v2.0/{each}" for each in network),
        *(f"/volume/v3/{project}/{each}" for each in ("volumes", "types", "snapshots", "backups")),
        *(f"/share/v2/{each}" for each in ("shares", "types")),
        *(f"/container/v1/{each}" for each in ("containers", "capsules")),
        "/image/v2/images",
        *(f"/orchestration/v1/{project}/{each}" for each in ("stacks", "software_configs", "software_deployments")),
    ]
    if stacks.user == "admin":
        paths += [f"/identity/v3/{each}" for each in ("projects", "users", "roles", "domains", "role_assignments")]
        paths += [f"/identity/v3/{each}" for each in ("groups", "services", "endpoints", "regions")]
    found = {}
    for path in paths:
        answer = await stacks.ask("GET", path)
        rows = next(value for key, value in answer.items() if isinstance(value, list) and not key.endswith("links"))
        found[path] = sorted(str(row.get("id") or row.get("uuid") or row) for row in rows)
    return found
