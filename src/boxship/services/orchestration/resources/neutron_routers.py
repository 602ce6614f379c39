"""Routers and floating IPs: OS::Neutron::Router, RouterInterface, RouterGateway, ExtraRouteSet, FloatingIP,
FloatingIPAssociation, FloatingIPPortForward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.resources.declaring import flag, row, rows, text, texts, whole
from boxship.services.orchestration.resources.interface import Attribute, Kind, ResourceType, Work, points_at
from boxship.services.orchestration.resources.neutron import NAME, SPECS, TAGS, NeutronResource, same, subnets_of

Others = Mapping[str, tuple[str, Mapping[str, Any]]]


class Router(NeutronResource):
    """A router of the tenant."""

    name = "OS::Neutron::Router"
    collection, key = "/v2.0/routers", "router"
    ready = frozenset({"ACTIVE", "DOWN"})
    properties = {
        "name": NAME,
        "external_gateway_info": row(
            "Its way out.",
            {
                "network": text("The external network.", required=True, changes=True, finds="network"),
                "enable_snat": flag("Whether addresses behind it are translated.", changes=True),
                "external_fixed_ips": rows(
                    "Its addresses outside.",
                    {"ip_address": text("The address."), "subnet": text("The subnet.", finds="subnet")},
                    changes=True,
                ),
            },
            changes=True,
        ),
        "value_specs": SPECS,
        "admin_state_up": flag("Whether it is up.", default=True, changes=True),
        "distributed": flag("Whether it is distributed; admins only."),
        "ha": flag("Whether it is made twice; admins only."),
        "availability_zone_hints": texts("Zones that it is to be in.", changes=True),
        "tags": TAGS,
        "tenant_id": text("The project that it is for; admins only."),
    }
    attributes = {
        "status": Attribute("Its status."),
        "external_gateway_info": Attribute("Its way out.", Kind.MAP),
        "name": Attribute("Its name."),
        "admin_state_up": Attribute("Whether it is up."),
        "tenant_id": Attribute("Its project."),
    }

    def fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The gateway as Neutron spells it."""
        made = super().fields(given)
        gateway = made.get("external_gateway_info")
        if gateway is not None:
            made["external_gateway_info"] = _gateway(gateway)
        elif "external_gateway_info" in made:
            made["external_gateway_info"] = {}
        return made

    def needs(self, own: Mapping[str, Any], others: Others) -> set[str]:
        """Subnets of its external network."""
        gateway = own.get("external_gateway_info")
        return subnets_of(gateway.get("network"), others) if isinstance(gateway, dict) else set()


def _gateway(given: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"network_id": given["network"]}
    if given.get("enable_snat") is not None:
        made["enable_snat"] = given["enable_snat"]
    if given.get("external_fixed_ips"):
        named = (("ip_address", "ip_address"), ("subnet_id", "subnet"))
        made["external_fixed_ips"] = [
            {field: each[name] for field, name in named if each.get(name) is not None}
            for each in given["external_fixed_ips"]
        ]
    return made


class RouterInterface(ResourceType):
    """A leg of a router in a subnet, or on a port."""

    name = "OS::Neutron::RouterInterface"
    aliases = {"router_id": "router", "subnet_id": "subnet", "port_id": "port"}
    properties = {
        "router": text("The router.", required=True, finds="router"),
        "subnet": text("The subnet.", finds="subnet"),
        "port": text("The port.", finds="port"),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        given = [name for name in ("subnet", "port") if properties.get(name) is not None]
        return None if len(given) == 1 else "Exactly one of subnet and port must be given."

    def _leg(self, it: Work) -> dict[str, str]:
        subnet = it.properties["subnet"]
        return {"subnet_id": subnet} if subnet else {"port_id": it.properties["port"]}

    async def create(self, it: Work) -> None:
        path = f"/v2.0/routers/{it.properties['router']}/add_router_interface"
        made = await it.ask("network", "PUT", path, self._leg(it))
        it.data["port"] = str(made["port_id"])
        it.physical_id = f"{it.properties['router']}:{'port_id=' if it.properties['port'] else 'subnet_id='}" + (
            it.properties["port"] or it.properties["subnet"]
        )

    async def delete(self, it: Work) -> None:
        if it.physical_id is None:
            return
        path = f"/v2.0/routers/{it.properties['router']}/remove_router_interface"
        try:
            await it.ask("network", "PUT", path, self._leg(it))
        except errors.NotFound:
            return

    async def check(self, it: Work) -> None:
        await it.ask("network", "GET", f"/v2.0/ports/{it.data['port']}")


class RouterGateway(ResourceType):
    """The way out of a router."""

    name = "OS::Neutron::RouterGateway"
    aliases = {"network_id": "network"}
    properties = {
        "router_id": text("The router.", required=True, finds="router"),
        "network": text("The external network.", required=True, finds="network"),
    }

    async def create(self, it: Work) -> None:
        gateway = {"external_gateway_info": {"network_id": it.properties["network"]}}
        await it.ask("network", "PUT", f"/v2.0/routers/{it.properties['router_id']}", {"router": gateway})
        it.physical_id = f"{it.properties['router_id']}:{it.properties['network']}"

    async def delete(self, it: Work) -> None:
        if it.physical_id is None:
            return
        none: dict[str, Any] = {"external_gateway_info": {}}
        await it.ask("network", "PUT", f"/v2.0/routers/{it.properties['router_id']}", {"router": none})

    def needs(self, own: Mapping[str, Any], others: Others) -> set[str]:
        """The legs of its router, and the subnets of the external network."""
        legs = {
            name
            for name, (kind, properties) in others.items()
            if kind == RouterInterface.name and same(properties.get("router"), own.get("router_id"))
        }
        return legs | subnets_of(own.get("network"), others)


class ExtraRouteSet(ResourceType):
    """Routes of a router that are the stack's; others on the same router are left alone."""

    name = "OS::Neutron::ExtraRouteSet"
    since = "14.0.0"
    properties = {
        "router": text("The router.", required=True, finds="router"),
        "routes": rows(
            "The routes.",
            {"destination": text("Where to.", required=True), "nexthop": text("By whom.", required=True)},
            default=[],
            changes=True,
        ),
    }

    async def _ask(self, it: Work, verb: str, routes: list[Any]) -> None:
        if routes:
            path = f"/v2.0/routers/{it.properties['router']}/{verb}_extraroutes"
            await it.ask("network", "PUT", path, {"router": {"routes": routes}})

    async def create(self, it: Work) -> None:
        router = (await it.ask("network", "GET", f"/v2.0/routers/{it.properties['router']}"))["router"]
        there = [route for route in it.properties["routes"] if route in router["routes"]]
        if there:
            raise errors.Conflict(f"The router has the route {there[0]['destination']} already; it is somebody else's.")
        await self._ask(it, "add", it.properties["routes"])
        it.physical_id = it.properties["router"]

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        old, new = it.before["routes"], it.properties["routes"]
        await self._ask(it, "remove", [route for route in old if route not in new])
        await self._ask(it, "add", [route for route in new if route not in old])

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await self._ask(it, "remove", it.properties["routes"])

    def needs(self, own: Mapping[str, Any], others: Others) -> set[str]:
        """The legs of its router: a hop has to be in reach."""
        return {
            name
            for name, (kind, properties) in others.items()
            if kind == RouterInterface.name and same(properties.get("router"), own.get("router"))
        }


class FloatingIP(NeutronResource):
    """An address outside for a port inside."""

    name = "OS::Neutron::FloatingIP"
    collection, key = "/v2.0/floatingips", "floatingip"
    names_itself = False
    renamed = {"floating_network": "floating_network_id", "floating_subnet": "subnet_id"}
    aliases = {"floating_network_id": "floating_network"}
    properties = {
        "floating_network": text("The external network.", required=True, finds="network"),
        "floating_subnet": text("The external subnet.", finds="subnet"),
        "value_specs": SPECS,
        "port_id": text("The port that it is for.", changes=True, finds="port"),
        "fixed_ip_address": text("The address of the port that it is for.", changes=True),
        "floating_ip_address": text("The address itself; admins only."),
        "dns_name": text("Its name.", changes=True),
        "dns_domain": text("The domain of its name.", changes=True),
    }
    attributes = {
        name: Attribute(f"Its {name.replace('_', ' ')}.")
        for name in (
            "router_id",
            "tenant_id",
            "floating_network_id",
            "fixed_ip_address",
            "floating_ip_address",
            "port_id",
        )
    }

    def changes(self, it: Work, changed: Mapping[str, Any]) -> dict[str, Any]:
        return super().changes(it, {"port_id": it.properties["port_id"], **changed})

    def needs(self, own: Mapping[str, Any], others: Others) -> set[str]:
        """The ways out to its network, and the legs in the subnets of its port: without them the port is out of reach."""
        return ways(own.get("floating_network"), others) | legs(own.get("port_id"), others)


def ways(network: Any, others: Others) -> set[str]:
    """The resources that lead routers to an external network, and its subnets."""
    found = subnets_of(network, others)
    for name, (kind, properties) in others.items():
        gateway = properties.get("external_gateway_info")
        led = properties.get("network") if kind == RouterGateway.name else None
        if kind == Router.name and isinstance(gateway, dict):
            led = gateway.get("network")
        if led is not None and same(led, network):
            found.add(name)
    return found


def legs(port: Any, others: Others) -> set[str]:
    """The legs of routers in the subnets that a port may be in."""
    if port is None:
        return set()
    ports = [properties for name, (kind, properties) in others.items() if points_at(port, name)]
    network = ports[0].get("network") if ports else None
    near = subnets_of(network, others)
    return {
        name
        for name, (kind, properties) in others.items()
        if kind == RouterInterface.name
        and (network is None or any(points_at(properties.get("subnet"), subnet) for subnet in near))
    }


class FloatingIPAssociation(ResourceType):
    """A floating IP that is there, and a port."""

    name = "OS::Neutron::FloatingIPAssociation"
    properties = {
        "floatingip_id": text("The floating IP.", required=True, changes=True, finds="floatingip"),
        "port_id": text("The port.", required=True, changes=True, finds="port"),
        "fixed_ip_address": text("The address of the port.", changes=True),
    }

    async def _put(self, it: Work, id: str, port: str | None, address: str | None) -> None:
        fields = {"port_id": port, **({"fixed_ip_address": address} if address else {})}
        await it.ask("network", "PUT", f"/v2.0/floatingips/{id}", {"floatingip": fields})

    async def create(self, it: Work) -> None:
        wanted = it.properties
        await self._put(it, wanted["floatingip_id"], wanted["port_id"], wanted["fixed_ip_address"])
        it.physical_id, it.data["port"] = it.id, wanted["port_id"]

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        if "floatingip_id" in changed:
            await self._release(it, it.before["floatingip_id"])
        await self.create(it)

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await self._release(it, it.properties["floatingip_id"])

    async def _release(self, it: Work, id: str) -> None:
        """Take the floating IP off the port, unless somebody gave it another one."""
        there = await it.has("network", f"/v2.0/floatingips/{id}")
        if there is not None and there["floatingip"]["port_id"] == it.data.get("port"):
            await self._put(it, id, None, None)

    def needs(self, own: Mapping[str, Any], others: Others) -> set[str]:
        """The legs in the subnets of its port."""
        return legs(own.get("port_id"), others)


class FloatingIPPortForward(NeutronResource):
    """One port of a floating IP that leads to a port inside."""

    name = "OS::Neutron::FloatingIPPortForward"
    since = "19.0.0"
    key = "port_forwarding"
    collection = ""
    names_itself = False
    renamed = {"internal_port": "internal_port_id", "internal_port_number": "internal_port"}
    properties = {
        "internal_ip_address": text("The address inside.", required=True, changes=True),
        "internal_port_number": whole("The port number inside.", 1, 65535, changes=True),
        "external_port": whole("The port number outside.", 1, 65535, required=True, changes=True),
        "internal_port": text("The port inside.", required=True, changes=True, finds="port"),
        "protocol": text(
            "The protocol.", required=True, changes=True, among=("tcp", "udp", "icmp", "icmp6", "sctp", "dccp")
        ),
        "floating_ip": text("The floating IP.", required=True, finds="floatingip"),
    }

    def path(self, it: Work) -> str:
        return f"{self._all(it)}/{it.physical_id}"

    def _all(self, it: Work) -> str:
        return f"/v2.0/floatingips/{it.properties['floating_ip']}/port_forwardings"

    def fields(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Without the floating IP, which is in the path, and what is not given."""
        made = super().fields({name: value for name, value in given.items() if name != "floating_ip"})
        return {name: value for name, value in made.items() if value is not None}

    async def create(self, it: Work) -> None:
        answer = await it.ask(self.service, "POST", self._all(it), {self.key: self.body(it)})
        it.physical_id = answer[self.key]["id"]

    def needs(self, own: Mapping[str, Any], others: Others) -> set[str]:
        """The legs in the subnets of its port."""
        return legs(own.get("internal_port"), others)


TYPES: tuple[ResourceType, ...] = (
    Router(),
    RouterInterface(),
    RouterGateway(),
    ExtraRouteSet(),
    FloatingIP(),
    FloatingIPAssociation(),
    FloatingIPPortForward(),
)
