"""Who may do what in the network service: upstream's rule names, its defaults of today, and a sentence each.

Rules are asked with the caller's own project as the target; which rows exist for a caller is ``operations``' to say.
"""

from __future__ import annotations

from boxship.core.auth.rules import Rule

ADMIN = "role:admin"
SERVICE = "role:admin or role:service"
MEMBER = "role:admin or (role:member and project_id:%(project_id)s)"
READER = "role:admin or (role:reader and project_id:%(project_id)s)"


def _resource(name: str, plural: str) -> list[Rule]:
    """The four rules that every resource has."""
    return [
        Rule(f"create_{name}", MEMBER, f"Create {plural}."),
        Rule(f"get_{name}", READER, f"See {plural}."),
        Rule(f"update_{name}", MEMBER, f"Change {plural}."),
        Rule(f"delete_{name}", MEMBER, f"Delete {plural}."),
    ]


def _kept(names: list[str], sentence: str, who: str = ADMIN) -> list[Rule]:
    """Attributes that only an admin sets (or else ``who``), on creation and on change."""
    return [Rule(f"{verb}_{name}", who, sentence) for verb in ("create", "update") for name in names]


RULES: list[Rule] = [
    *_resource("network", "networks"),
    *_kept(["network:shared"], "Show a network to all projects."),
    *_kept(["network:router:external"], "Make a network the external one."),
    *_kept(["network:is_default"], "Make a network the default external one."),
    Rule("get_network:provider", ADMIN, "See what a network is on the wire."),
    Rule("create_network:provider:network_type", ADMIN, "Say of which type a network is."),
    Rule("create_network:provider:segmentation_id", ADMIN, "Choose the segment of a network."),
    *_resource("subnet", "subnets"),
    *_resource("subnetpool", "subnet pools"),
    Rule("create_subnetpool:shared", ADMIN, "Let all projects cut subnets from a pool."),
    *_kept(["subnetpool:is_default"], "Make a subnet pool the default one of its IP version."),
    *_resource("port", "ports"),
    *_kept(["port:device_owner"], "Give a port a device owner that begins with network:, as the service's own have."),
    *_kept(["port:binding:host_id"], "Say which host a port is on.", SERVICE),
    *_kept(["port:binding:profile"], "Set the binding profile of a port.", SERVICE),
    Rule("get_port:binding", SERVICE, "See how a port is bound to a host."),
    *_resource("security_group", "security groups"),
    Rule("create_security_group_rule", MEMBER, "Create security group rules."),
    Rule("get_security_group_rule", READER, "See security group rules."),
    Rule("delete_security_group_rule", MEMBER, "Delete security group rules."),
    *_resource("rbac_policy", "RBAC policies, which share what is one's own"),
    *_kept(["rbac_policy:target_tenant"], "Share something with all projects."),
    *_resource("router", "routers"),
    *_kept(["router:external_gateway_info:enable_snat"], "Turn off address translation in a router."),
    *_kept(["router:external_gateway_info:external_fixed_ips"], "Choose a router's address on the external network."),
    Rule("add_router_interface", MEMBER, "Give a router a leg in a network."),
    Rule("remove_router_interface", MEMBER, "Take a leg from a router."),
    Rule("add_extraroutes", MEMBER, "Add routes to a router."),
    Rule("remove_extraroutes", MEMBER, "Remove routes from a router."),
    *_resource("floatingip", "floating IPs"),
    *_resource("floatingip_port_forwarding", "port forwardings of floating IPs"),
    Rule("create_floatingip:floating_ip_address", ADMIN, "Choose the address of a floating IP."),
    Rule("get_tags", READER, "See the tags of a resource."),
    Rule("update_tags", MEMBER, "Change the tags of a resource."),
    Rule("get_quota", "role:admin or (role:reader and project_id:%(project)s)", "See the quota of a project."),
    Rule("get_quota_project", "@", "See which project one's own quota is."),
    Rule("list_quotas", ADMIN, "See the quotas of all projects that have one of their own."),
    Rule("update_quota", ADMIN, "Change the quota of a project."),
    Rule("delete_quota", ADMIN, "Give a project the default quota again."),
    Rule("get_availability_zone", "role:admin or role:reader", "See the availability zones."),
    Rule("get_network_ip_availability", "role:admin or role:service", "See how many addresses networks have left."),
    Rule("list_agents", READER, "Ask for what hosts do for networks; the list is empty for who may not see it."),
    Rule("get_agent", ADMIN, "See what hosts do for networks."),
    Rule("update_agent", ADMIN, "Describe an agent."),
    Rule("delete_agent", ADMIN, "Remove an agent whose host is gone."),
    Rule("get_extension", "@", "See which extensions there are."),
]
