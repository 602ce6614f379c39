"""Networks, subnets, pools of subnets and ports: OS::Neutron::Net, ProviderNet, Subnet, SubnetPool, Port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from boxship.core import errors
from boxship.services.orchestration.resources.declaring import flag, pairs, rows, text, texts, whole
from boxship.services.orchestration.resources.interface import (
    Attribute,
    Kind,
    Property,
    ResourceType,
    RestResource,
    Work,
    points_at,
)

NAME = text("The name; one is made where none is given.", changes=True)
SPECS = pairs("Further fields, given to Neutron as they are.", default={}, changes=True)
TAGS = texts("Tags.", changes=True)
_ALL_TENANTS = "The project that it is for; admins only."


class NeutronResource(RestResource):
    """What all resources of Neutron have in common: further fields in ``value_specs``, and tags that have a path of their own."""

    service = "network"
    renamed: ClassVar[Mapping[str, str]] = {}
    """Properties by the fields that they are in Neutron."""

    def fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Properties as fields of a request."""
        named = {
            self.renamed.get(name, name): value for name, value in given.items() if name not in {"tags", "value_specs"}
        }
        return {**named, **(given.get("value_specs") or {})}

    def body(self, it: Work) -> dict[str, Any]:
        return self.fields(super().body(it))

    def changes(self, it: Work, changed: Mapping[str, Any]) -> dict[str, Any]:
        lists = {
            name for name, entry in self.properties.items() if entry.kind is Kind.LIST and name != "security_groups"
        }
        given = {name: [] if value is None and name in lists else value for name, value in changed.items()}
        return self.fields(super().changes(it, given))

    async def create(self, it: Work) -> None:
        await super().create(it)
        if it.properties.get("tags"):
            await self._tag(it, it.properties["tags"])

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await super().update(it, changed)
        if "tags" in changed:
            await self._tag(it, changed["tags"] or [])

    async def _tag(self, it: Work, tags: list[str]) -> None:
        await it.ask(self.service, "PUT", f"{self.path(it)}/tags", {"tags": tags})


class Net(NeutronResource):
    """A network of the tenant."""

    name = "OS::Neutron::Net"
    collection, key = "/v2.0/networks", "network"
    ready = frozenset({"ACTIVE", "DOWN"})
    properties = {
        "name": NAME,
        "value_specs": SPECS,
        "admin_state_up": flag("Whether it is up.", default=True, changes=True),
        "tenant_id": text(_ALL_TENANTS),
        "shared": flag("Whether all projects may use it; admins only.", default=False, changes=True),
        "port_security_enabled": flag("Whether its ports are guarded.", changes=True),
        "dns_domain": text("The domain of names in it.", changes=True),
        "availability_zone_hints": texts("Zones that it is to be in."),
        "tags": TAGS,
    }
    attributes = {
        "status": Attribute("Its status."),
        "name": Attribute("Its name."),
        "subnets": Attribute("The ids of its subnets.", Kind.LIST),
        "admin_state_up": Attribute("Whether it is up."),
        "tenant_id": Attribute("Its project."),
        "port_security_enabled": Attribute("Whether its ports are guarded.", Kind.BOOLEAN),
        "mtu": Attribute("The largest packet.", Kind.INTEGER),
    }


class ProviderNet(NeutronResource):
    """A network that says how it is made in the underlay; for admins."""

    name = "OS::Neutron::ProviderNet"
    collection, key = "/v2.0/networks", "network"
    ready = frozenset({"ACTIVE", "DOWN"})
    admin = True
    renamed = {
        "network_type": "provider:network_type",
        "physical_network": "provider:physical_network",
        "segmentation_id": "provider:segmentation_id",
        "router_external": "router:external",
    }
    properties = {
        **{
            key: Net.properties[key]
            for key in ("name", "admin_state_up", "port_security_enabled", "dns_domain", "tags")
        },
        "network_type": text(
            "How it is made.", required=True, changes=True, among=("local", "vlan", "vxlan", "gre", "geneve", "flat")
        ),
        "physical_network": text("The physical network below it.", changes=True),
        "segmentation_id": text("Its number there.", changes=True),
        "shared": flag("Whether all projects may use it.", default=True, changes=True),
        "router_external": flag("Whether it is external.", default=False, changes=True),
        "tenant_id": text(_ALL_TENANTS),
    }
    attributes = {name: Net.attributes[name] for name in ("status", "subnets")}


class Subnet(NeutronResource):
    """A range of addresses in a network."""

    name = "OS::Neutron::Subnet"
    collection, key = "/v2.0/subnets", "subnet"
    renamed = {"network": "network_id", "subnetpool": "subnetpool_id"}
    aliases = {"network_id": "network"}
    properties = {
        "network": text("Its network.", required=True, finds="network"),
        "subnetpool": text("The pool that its range comes from.", finds="subnetpool"),
        "prefixlen": whole("The length of a range from the pool.", 0),
        "cidr": text("Its range."),
        "value_specs": SPECS,
        "name": NAME,
        "ip_version": whole("4 or 6.", default=4, among=(4, 6)),
        "dns_nameservers": texts("Name servers.", default=[], changes=True),
        "gateway_ip": text("Its gateway; empty for none.", changes=True),
        "enable_dhcp": flag("Whether addresses are handed out.", default=True, changes=True),
        "allocation_pools": rows(
            "The addresses that ports get.",
            {"start": text("The first.", required=True), "end": text("The last.", required=True)},
            changes=True,
        ),
        "tenant_id": text(_ALL_TENANTS),
        "host_routes": rows(
            "Routes that hosts are told of.",
            {"destination": text("Where to.", required=True), "nexthop": text("By whom.", required=True)},
            changes=True,
        ),
        "ipv6_ra_mode": text("How routers tell of it.", among=("dhcpv6-stateful", "dhcpv6-stateless", "slaac")),
        "ipv6_address_mode": text("How hosts get addresses.", among=("dhcpv6-stateful", "dhcpv6-stateless", "slaac")),
        "tags": TAGS,
    }
    attributes = {
        "name": Attribute("Its name."),
        "network_id": Attribute("Its network."),
        "tenant_id": Attribute("Its project."),
        "allocation_pools": Attribute("The addresses that ports get.", Kind.LIST),
        "gateway_ip": Attribute("Its gateway."),
        "host_routes": Attribute("Routes that hosts are told of.", Kind.LIST),
        "ip_version": Attribute("4 or 6."),
        "cidr": Attribute("Its range."),
        "dns_nameservers": Attribute("Name servers.", Kind.LIST),
        "enable_dhcp": Attribute("Whether addresses are handed out."),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if properties.get("cidr") and properties.get("subnetpool"):
            return "Cannot define the following properties at the same time: cidr, subnetpool."
        if properties.get("cidr") is None and properties.get("subnetpool") is None:
            return "At least one of the following properties must be specified: cidr, subnetpool."
        if properties.get("ip_version") == 4 and (
            properties.get("ipv6_ra_mode") or properties.get("ipv6_address_mode")
        ):
            return "ipv6_ra_mode and ipv6_address_mode are not supported for ipv4."
        return None

    def fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """An empty gateway is none."""
        made = super().fields(given)
        if made.get("gateway_ip") == "":
            made["gateway_ip"] = None
        return made


class SubnetPool(NeutronResource):
    """Ranges that subnets are cut from."""

    name = "OS::Neutron::SubnetPool"
    since = "6.0.0"
    collection, key = "/v2.0/subnetpools", "subnetpool"
    renamed = {"address_scope": "address_scope_id"}
    properties = {
        "name": NAME,
        "prefixes": texts("The ranges.", required=True, changes=True),
        "address_scope": text("The address scope.", changes=True, finds="address_scope"),
        "default_quota": whole("What a project may take of it.", 0, changes=True),
        "default_prefixlen": whole("The length of a range where none is said.", 0, changes=True),
        "min_prefixlen": whole("The least length.", 0, changes=True),
        "max_prefixlen": whole("The most length.", 0, changes=True),
        "is_default": flag("Whether it is used where none is said; admins only.", default=False, changes=True),
        "tenant_id": text(_ALL_TENANTS),
        "shared": flag("Whether all projects may use it; admins only.", default=False),
        "tags": TAGS,
    }
    attributes = {
        **{name: Attribute(f"The {name.replace('_', ' ')}.") for name in ("name", "address_scope_id", "tenant_id")},
        **{
            name: Attribute(f"The {name.replace('_', ' ')}.", Kind.INTEGER)
            for name in ("default_quota", "default_prefixlen", "min_prefixlen", "max_prefixlen", "ip_version")
        },
        "prefixes": Attribute("The ranges.", Kind.LIST),
        "shared": Attribute("Whether all projects may use it.", Kind.BOOLEAN),
        "is_default": Attribute("Whether it is used where none is said.", Kind.BOOLEAN),
    }


_ADDRESS: Mapping[str, Property] = {
    "subnet": text("The subnet.", finds="subnet"),
    "subnet_id": text("The subnet, as it was called before.", finds="subnet", hidden=True),
    "ip_address": text("The address."),
}


class Port(NeutronResource):
    """A place in a network."""

    name = "OS::Neutron::Port"
    collection, key = "/v2.0/ports", "port"
    renamed = {"network": "network_id", "no_fixed_ips": ""}
    aliases = {"network_id": "network"}
    properties = {
        "name": NAME,
        "network": text("Its network.", required=True, finds="network"),
        "device_id": text("What it is of.", default="", changes=True),
        "device_owner": text("Whose that is.", default="", changes=True),
        "fixed_ips": rows("Its addresses.", _ADDRESS, changes=True),
        "no_fixed_ips": flag("Whether it has no address.", default=False, changes=True),
        "security_groups": texts(
            "Its groups; the project's default where none are said.", changes=True, finds="security_group"
        ),
        "value_specs": SPECS,
        "admin_state_up": flag("Whether it is up.", default=True, changes=True),
        "mac_address": text("Its hardware address.", changes=True),
        "allowed_address_pairs": rows(
            "Further addresses that it may send from.",
            {"mac_address": text("The hardware address."), "ip_address": text("The address.", required=True)},
            changes=True,
        ),
        "binding:vnic_type": text("What kind of card it is.", default="normal", changes=True, among=("normal",)),
        "port_security_enabled": flag("Whether it is guarded.", changes=True),
        "dns_name": text("Its name.", changes=True),
        "replacement_policy": text("Not used any more.", default="AUTO", changes=True, hidden=True),
        "tags": TAGS,
    }
    attributes = {
        **{
            name: Attribute(f"Its {name.replace('_', ' ')}.")
            for name in (
                "admin_state_up",
                "device_id",
                "device_owner",
                "mac_address",
                "name",
                "network_id",
                "status",
                "tenant_id",
            )
        },
        **{
            name: Attribute(f"Its {name.replace('_', ' ')}.", Kind.LIST)
            for name in ("fixed_ips", "security_groups", "allowed_address_pairs", "subnets")
        },
        "port_security_enabled": Attribute("Whether it is guarded.", Kind.BOOLEAN),
        "dns_assignment": Attribute("Its names.", Kind.MAP),
        "network": Attribute("Its network.", Kind.MAP),
    }

    def fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Addresses and pairs without what is not given of them."""
        made = super().fields(given)
        made.pop("", None)
        made.pop("replacement_policy", None)
        if given.get("no_fixed_ips"):
            made["fixed_ips"] = []
        elif made.get("fixed_ips") is not None:
            made["fixed_ips"] = [_address(each) for each in made["fixed_ips"]]
        if made.get("allowed_address_pairs"):
            made["allowed_address_pairs"] = [_given(pair) for pair in made["allowed_address_pairs"]]
        return made

    async def attribute(self, it: Work, name: str) -> Any:
        if name not in {"subnets", "network"}:
            return await super().attribute(it, name)
        port = await self.shown(it)
        if port is None:
            raise errors.NotFound(f"{it.physical_id} could not be found.")
        if name == "network":
            return (await it.ask("network", "GET", f"/v2.0/networks/{port['network_id']}"))["network"]
        ids = dict.fromkeys(address["subnet_id"] for address in port["fixed_ips"])
        return [(await it.ask("network", "GET", f"/v2.0/subnets/{id}"))["subnet"] for id in ids]

    def needs(self, own: Mapping[str, Any], others: Mapping[str, tuple[str, Mapping[str, Any]]]) -> set[str]:
        """Subnets of its network: without them it gets no address."""
        return subnets_of(own.get("network"), others)


def subnets_of(network: Any, others: Mapping[str, tuple[str, Mapping[str, Any]]]) -> set[str]:
    """The names of the subnets in a template that are in the same network."""
    if network is None:
        return set()
    return {
        name
        for name, (kind, properties) in others.items()
        if kind == Subnet.name and same(properties.get("network"), network)
    }


def same(one: Any, other: Any) -> bool:
    """Whether two properties of a template name the same thing."""
    name = getattr(other, "resource", None)
    return points_at(one, name) if name is not None else one is not None and one == other


def _address(given: Mapping[str, Any]) -> dict[str, Any]:
    named = {"subnet_id": given.get("subnet") or given.get("subnet_id"), "ip_address": given.get("ip_address")}
    return {name: value for name, value in named.items() if value is not None}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


class Quota(ResourceType):
    """How much of the network a project may have; for admins."""

    name = "OS::Neutron::Quota"
    since = "8.0.0"
    admin = True
    properties = {
        "project": text("The project.", required=True, finds="project"),
        **{
            name: whole(f"How many of {name.replace('_', ' ')}; -1 for any number.", -1, changes=True)
            for name in (
                "subnet",
                "network",
                "floatingip",
                "security_group_rule",
                "security_group",
                "router",
                "port",
                "subnetpool",
                "rbac_policy",
            )
        },
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if all(value is None for name, value in properties.items() if name != "project"):
            return "At least one of the quotas must be given."
        return None

    async def create(self, it: Work) -> None:
        await self._put(it, it.properties)
        it.physical_id = it.physical_name

    async def _put(self, it: Work, given: Mapping[str, Any]) -> None:
        wanted = {name: value for name, value in given.items() if name != "project" and value is not None}
        await it.ask("network", "PUT", f"/v2.0/quotas/{it.properties['project']}", {"quota": wanted})

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await self._put(it, changed)

    async def delete(self, it: Work) -> None:
        await it.ask("network", "DELETE", f"/v2.0/quotas/{it.properties['project']}")


TYPES: tuple[ResourceType, ...] = (Net(), ProviderNet(), Subnet(), SubnetPool(), Port(), Quota())
