"""What the service says of itself: versions, resources, extensions (exactly those that work)."""

from __future__ import annotations

import msgspec

from boxship.core.http.call import Call, Reply
from boxship.services.network import errors

_RESOURCES = {
    "network": "networks",
    "subnet": "subnets",
    "subnetpool": "subnetpools",
    "port": "ports",
    "security_group": "security-groups",
    "security_group_rule": "security-group-rules",
    "router": "routers",
    "floatingip": "floatingips",
    "rbac_policy": "rbac-policies",
    "quota": "quotas",
    "availability_zone": "availability_zones",
    "agent": "agents",
    "network_ip_availability": "network-ip-availabilities",
    "extension": "extensions",
}


class Extension(msgspec.Struct, frozen=True):
    """An extension of the Networking API, by the alias that clients look for."""

    alias: str
    name: str
    description: str
    updated: str = "2026-01-01T00:00:00-00:00"
    links: tuple[str, ...] = ()


EXTENSIONS = [
    Extension("agent", "agent", "What every host does for networks."),
    Extension("allowed-address-pairs", "Allowed Address Pairs", "Other addresses that a port may send from."),
    Extension("availability_zone", "Availability Zone", "The zones that hosts are in."),
    Extension("availability_zone_filter", "Availability Zone Filter Extension", "Zones by name, resource and state."),
    Extension("binding", "Port Binding", "How a port is bound to its host, for admins."),
    Extension("boxship-host-plug", "Host Plug", "Ports whose end on a host others plug in, by their binding profile."),
    Extension("default-network", "Default network", "Which external network is the default one."),
    Extension("default-subnetpools", "Default Subnetpools", "Which subnet pool is the default one."),
    Extension("dns-integration", "DNS Integration", "Names of ports within a network."),
    Extension("empty-string-filtering", "Empty String Filtering Extension", "Filters by empty texts."),
    Extension("ext-gw-mode", "Router external gateway mode", "Routers with or without address translation."),
    Extension("external-net", "External network", "Networks that lead out of the cloud."),
    Extension("extra_dhcp_opt", "Neutron Extra DHCP options", "Options that the DHCP service gives a port."),
    Extension("extraroute", "Extra Route", "Static routes in routers."),
    Extension("extraroute-atomic", "Atomically add/remove extra routes", "Single routes added and removed."),
    Extension("filter-validation", "Filter parameters validation", "A filter that is not known is refused."),
    Extension("expose-port-forwarding-in-fip", "Expose Floating IP port forwardings", "What a floating IP forwards."),
    Extension("fip-port-details", "Floating IP Port Details", "The port that a floating IP leads to."),
    Extension("floating-ip-port-forwarding", "Floating IP Port Forwarding", "Single ports of floating IPs."),
    Extension(
        "floating-ip-port-forwarding-description", "Floating IP Port Forwarding description", "Their descriptions."
    ),
    Extension(
        "floating-ip-port-forwarding-detail", "Floating IP port forwarding detail", "More of them in floating IPs."
    ),
    Extension(
        "floating-ip-port-forwarding-port-ranges", "Floating IP Port Forwarding ranges", "Several ports at once."
    ),
    Extension("ip-substring-filtering", "IP address substring filtering", "Ports by a part of their addresses."),
    Extension("net-mtu", "Network MTU", "The MTU of a network."),
    Extension("net-mtu-writable", "Network MTU (writable)", "The MTU of a network can be chosen."),
    Extension("network-ip-availability", "Network IP Availability", "How many addresses networks have left."),
    Extension("network_availability_zone", "Network Availability Zone", "The zones that a network is in."),
    Extension("pagination", "Pagination support", "Lists in pages."),
    Extension("port-mac-address-regenerate", "Neutron Port MAC address regenerate", "Another MAC address for a port."),
    Extension("port-security", "Port Security", "Ports without guard against false addresses."),
    Extension("port-security-groups-filtering", "Port filtering on security groups", "Ports by their groups."),
    Extension("project-id", "project_id field enabled", "project_id beside tenant_id."),
    Extension("provider", "Provider Network", "What a network is on the wire, for admins."),
    Extension("quota_details", "Quota details management support", "How much of a quota is used."),
    Extension("quota-check-limit", "Quota engine limit check", "A limit below what is used can be refused."),
    Extension("quota-check-limit-default", "Quota engine limit check by default", "It is, unless forced."),
    Extension("quotas", "Quota management support", "How much a project may have."),
    Extension("rbac-policies", "RBAC Policies", "Networks shared with single projects."),
    Extension("rbac-security-groups", "Add security_group type to network RBAC", "Groups shared with projects."),
    Extension("rbac-subnetpool", "Add subnetpool type to RBAC", "Subnet pools shared with projects."),
    Extension("revision-if-match", "If-Match constraints based on revision_number", "A change of a certain revision."),
    Extension("router", "Neutron L3 Router", "Routers and floating IPs."),
    Extension("router_availability_zone", "Router Availability Zone", "The zones that a router is in."),
    Extension("security-group", "security-group", "Security groups and rules."),
    Extension("security-groups-normalized-cidr", "Normalized CIDR", "The range of a rule without host bits."),
    Extension("security-groups-shared-filtering", "Security group filtering on the shared field", "Groups of others."),
    Extension("sort-key-validation", "Sort keys validation", "A key to sort by that is not known is refused."),
    Extension("sorting", "Sorting support", "Lists in any order."),
    Extension("standard-attr-description", "standard-attr-description", "Descriptions of all resources."),
    Extension("standard-attr-revisions", "Resource revision numbers", "A number that counts changes."),
    Extension("standard-attr-timestamp", "Resource timestamps", "When a resource was made and changed."),
    Extension("standard-attr-tag", "Tag support", "Tags of networks, subnets, ports, groups, routers, floating IPs."),
    Extension("tag-creation", "Tag creation extension", "Several tags added at once."),
    Extension("tag-ports-during-bulk-creation", "Tag Ports During Bulk Creation", "Tags of ports from the start."),
    Extension("stateful-security-group", "Stateful security group", "Groups whose answers need rules, too."),
    Extension("subnet_allocation", "Subnet Allocation", "Subnets cut from pools."),
    Extension("subnet-service-types", "Subnet service types", "Subnets for certain device owners only."),
]


async def versions(call: Call[None]) -> Reply:
    """The one version there is."""
    link = {"rel": "self", "href": f"{call.base_url}/v2.0/"}
    return Reply({"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})


async def resources(call: Call[None]) -> Reply:
    """The collections of version 2.0."""
    found = [
        {
            "name": name,
            "collection": collection.replace("-", "_"),
            "links": [{"rel": "self", "href": f"{call.base_url}/v2.0/{collection}"}],
        }
        for name, collection in _RESOURCES.items()
    ]
    return Reply({"resources": found})


async def list_extensions(call: Call[None]) -> Reply:
    """All extensions."""
    del call
    return Reply({"extensions": EXTENSIONS})


async def show_extension(call: Call[None]) -> Reply:
    """One extension. ExtensionNotFound."""
    alias = call.parameters["alias"]
    for extension in EXTENSIONS:
        if extension.alias == alias:
            return Reply({"extension": extension})
    raise errors.ExtensionNotFound(alias)
