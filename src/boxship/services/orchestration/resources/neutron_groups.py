"""Security groups and sharing: OS::Neutron::SecurityGroup, SecurityGroupRule, RBACPolicy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.services.orchestration.resources.declaring import flag, rows, text, whole
from boxship.services.orchestration.resources.interface import Property, ResourceType, Work
from boxship.services.orchestration.resources.neutron import NeutronResource

_RULE: Mapping[str, Property] = {
    "direction": text("Into the port or out of it.", default="ingress", among=("ingress", "egress")),
    "ethertype": text("The version of IP.", default="IPv4", among=("IPv4", "IPv6")),
    "port_range_min": whole("The first port, or the type of ICMP.", 0, 65535),
    "port_range_max": whole("The last port, or the code of ICMP.", 0, 65535),
    "protocol": text("The protocol, by name or number."),
    "remote_mode": text("Whom it is about.", default="remote_ip_prefix", among=("remote_ip_prefix", "remote_group_id")),
    "remote_group_id": text("The group whose ports it is about; this one where none is said.", finds="security_group"),
    "remote_ip_prefix": text("The addresses it is about."),
    "description": text("What it is for."),
}


class SecurityGroup(NeutronResource):
    """A group of rules; its rules are those of the template and no others."""

    name = "OS::Neutron::SecurityGroup"
    collection, key = "/v2.0/security-groups", "security_group"
    properties = {
        "name": text("The name; not default.", changes=True),
        "description": text("What it is for.", changes=True),
        "rules": rows("The rules.", _RULE, default=[], changes=True),
        "stateful": flag("Whether answers pass by themselves.", changes=True),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if properties.get("name") == "default":
            return 'Security groups cannot be assigned the name "default".'
        return None

    def fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in super().fields(given).items() if name != "rules"}

    async def create(self, it: Work) -> None:
        await super().create(it)
        if it.properties["rules"]:
            await self._replace(it)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await super().update(it, {name: value for name, value in changed.items() if name != "rules"})
        if "rules" in changed:
            await self._replace(it)

    async def _replace(self, it: Work) -> None:
        """Make the rules what the template says. What goes out freely is allowed where it says nothing of that."""
        group = await self.shown(it)
        wanted = it.properties["rules"]
        speaks = {rule["ethertype"] for rule in wanted if rule["direction"] == "egress"}
        kept = set()
        for rule in group["security_group_rules"]:
            free = rule["direction"] == "egress" and rule["protocol"] is None and rule["remote_ip_prefix"] is None
            if free and rule["ethertype"] not in speaks:
                kept.add(rule["ethertype"])
                continue
            await it.ask("network", "DELETE", f"/v2.0/security-group-rules/{rule['id']}")
        missing = [] if speaks else [family for family in ("IPv4", "IPv6") if family not in kept]
        open_again = [{"direction": "egress", "ethertype": family} for family in missing]
        for rule in [*open_again, *(_rule(it, rule) for rule in wanted)]:
            body = {"security_group_rule": {**rule, "security_group_id": it.physical_id}}
            await it.ask("network", "POST", "/v2.0/security-group-rules", body)


def _rule(it: Work, rule: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in rule.items() if value is not None and name != "remote_mode"}
    if rule["remote_mode"] == "remote_group_id" and "remote_group_id" not in given:
        given["remote_group_id"] = it.physical_id
    return given


class SecurityGroupRule(NeutronResource):
    """One rule of a group that may be anybody's."""

    name = "OS::Neutron::SecurityGroupRule"
    since = "7.0.0"
    collection, key = "/v2.0/security-group-rules", "security_group_rule"
    names_itself = False
    renamed = {"security_group": "security_group_id", "remote_group": "remote_group_id"}
    properties = {
        "security_group": text("The group.", required=True, finds="security_group"),
        "description": text("What it is for."),
        "direction": _RULE["direction"],
        "ethertype": _RULE["ethertype"],
        "port_range_min": _RULE["port_range_min"],
        "port_range_max": _RULE["port_range_max"],
        "protocol": text("The protocol, by name or number.", default="tcp"),
        "remote_group": text("The group whose ports it is about.", finds="security_group"),
        "remote_ip_prefix": _RULE["remote_ip_prefix"],
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if properties.get("remote_group") and properties.get("remote_ip_prefix"):
            return "Cannot define the following properties at the same time: remote_group, remote_ip_prefix."
        return None


class RBACPolicy(NeutronResource):
    """A network, group or pool that is shared with another project."""

    name = "OS::Neutron::RBACPolicy"
    since = "6.0.0"
    collection, key = "/v2.0/rbac-policies", "rbac_policy"
    names_itself = False
    properties = {
        "object_type": text(
            "What is shared.", required=True, among=("network", "security_group", "subnetpool", "address_scope")
        ),
        "target_tenant": text(
            "The project that it is shared with; * for all, admins only.", required=True, changes=True
        ),
        "action": text("As what it is shared.", required=True, among=("access_as_shared", "access_as_external")),
        "object_id": text("Its id.", required=True),
        "tenant_id": text("The project that shares it; admins only."),
    }


TYPES: tuple[ResourceType, ...] = (SecurityGroup(), SecurityGroupRule(), RBACPolicy())
