"""Docker's endpoints: a port of Neutron's each, bound to this host, wired, and joined by the container's namespace.

Which port an endpoint has is written in the port: ``device_id`` is the endpoint's id from binding to unbinding. Its device is
made before Docker is told, and taken away when the endpoint is deleted; Docker moves it in between.
"""

from __future__ import annotations

from boxship.core import errors
from boxship.plugins.docker.calls import Nothing
from boxship.plugins.kuryr import existing, exposure, lookup, marks, protocol, ranges, resources, wiring
from boxship.plugins.kuryr.host import Host
from boxship.plugins.kuryr.neutron import Neutron
from boxship.plugins.undo import Undo

_UNDOING = 10.0
"""Seconds to undo what was made for an endpoint that could not be made whole."""


class Endpoints:
    """The calls about endpoints on one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def create(self, neutron: Neutron, call: protocol.CreateEndpoint) -> protocol.Endpoint:
        """Bind the port with the addresses that IPAM gave, open what is exposed, and wire it. Errors leave nothing behind.

        NotFound: the network is gone. Conflict: the address belongs to another device. Unavailable: it is not wired in time.
        """
        wish = call.interface or protocol.Interface()
        exposed = exposure.read(call.options)
        network = lookup.need_network(neutron, call.network_id)
        with Undo() as undo:
            port = self._port(neutron, network, call, wish, undo)
            undo.add(lambda: _discard_group(neutron.afterwards(_UNDOING), call.endpoint_id))
            group = exposure.ensure(neutron, call.endpoint_id, exposed)
            undo.add(lambda: self._unbind(neutron.afterwards(_UNDOING), port))
            bound = self._bind(neutron, port, call.endpoint_id, group, wish.mac.lower())
            undo.add(lambda: wiring.unwire(bound))
            wiring.wire(neutron, bound, network.mtu)
        return protocol.Endpoint(_unsaid(neutron, bound, wish))

    # The port.

    def _port(
        self,
        neutron: Neutron,
        network: resources.Network,
        call: protocol.CreateEndpoint,
        wish: protocol.Interface,
        undo: Undo,
    ) -> resources.Port:
        """The port that IPAM made or found for the addresses; one is made where another IPAM gave them."""
        texts = [text for text in (wish.address, wish.address_v6) if text]
        ips = [str(ranges.address(text, "Interface")) for text in texts]
        for ip in ips:
            for port in lookup.ports_with(neutron, network.id, ip):
                if port.device_id != call.endpoint_id:
                    existing.check_free(port)
                return self._with_all(neutron, port, ips)
        values: dict[str, object] = {"fixed_ips": [{"ip_address": ip} for ip in ips]} if ips else {}
        if wish.mac:
            values["mac_address"] = wish.mac.lower()
        name = marks.lone_port(call.endpoint_id)
        made = neutron.create("/ports", "port", resources.Port, network_id=network.id, name=name, **values)
        undo.add(lambda: neutron.afterwards(_UNDOING).delete(f"/ports/{made.id}"))
        return made

    def _with_all(self, neutron: Neutron, port: resources.Port, ips: list[str]) -> resources.Port:
        """The port with all the addresses, those on another waiting port of ours included."""
        if not marks.is_our_port(port.name, port.tags) and marks.EXISTING_PORT not in port.tags:
            port = existing.use(neutron, port, "")
        has = {fixed.ip_address for fixed in port.fixed_ips}
        missing = [ip for ip in ips if ip not in has]
        if not missing:
            return port
        for ip in missing:
            for other in lookup.ports_with(neutron, port.network_id, ip):
                existing.check_free(other)
                if not marks.is_our_port(other.name, other.tags):
                    raise errors.Conflict(f"The addresses {', '.join(ips)} are on two ports, {port.id} and {other.id}.")
                neutron.delete(f"/ports/{other.id}")
        fixed = [{"subnet_id": one.subnet_id, "ip_address": one.ip_address} for one in port.fixed_ips]
        wishes = [*fixed, *({"ip_address": ip} for ip in missing)]
        if marks.EXISTING_PORT in port.tags:
            for ip in missing:
                neutron.tag(f"/ports/{port.id}", marks.added_tag(ip))
        return neutron.update(f"/ports/{port.id}", "port", resources.Port, fixed_ips=wishes)

    def _bind(
        self, neutron: Neutron, port: resources.Port, endpoint_id: str, group: str | None, mac: str
    ) -> resources.Port:
        if marks.EXISTING_PORT in port.tags and mac and mac != port.mac_address:
            port = existing.use(neutron, port, mac)
        values: dict[str, object] = {
            "device_id": endpoint_id,
            "device_owner": marks.OWNER,
            **wiring.binding(neutron, self._host.name),
        }
        if marks.is_our_port(port.name, port.tags) and not marks.is_lone_port(port.name):
            values["name"] = marks.port(endpoint_id)
        if mac and mac != port.mac_address:
            values["mac_address"] = mac
        if group is not None and port.port_security_enabled:
            values["security_groups"] = sorted({*port.security_groups, group})
        return neutron.update(f"/ports/{port.id}", "port", resources.Port, **values)

    # The end.

    def delete(self, neutron: Neutron, call: protocol.EndpointCall) -> Nothing:
        """Unwire and unbind the port of an endpoint, and delete its security group. The address stays Docker's until it
        releases it; a user's port is as it was before. What is gone already is no error."""
        port = lookup.port_of(neutron, call.endpoint_id)
        if port is not None:
            wiring.unwire(port)
            self._unbind(neutron, port)
        _discard_group(neutron, call.endpoint_id)
        return Nothing()

    def _unbind(self, neutron: Neutron, port: resources.Port) -> None:
        """Take everything from the port that binding gave it."""
        try:
            port = neutron.get(f"/ports/{port.id}", "port", resources.Port)
        except errors.NotFound:
            return
        if marks.is_lone_port(port.name) and marks.is_our_port(port.name, port.tags):
            neutron.delete(f"/ports/{port.id}")
            return
        values: dict[str, object] = {"device_id": "", "device_owner": "", **wiring.loose(neutron)}
        groups = exposure.find(neutron, port.device_id) if port.device_id else []
        if set(groups) & set(port.security_groups):
            values["security_groups"] = [id for id in port.security_groups if id not in groups]
        if marks.is_our_port(port.name, port.tags):
            values["name"] = marks.UNBOUND
        neutron.update(f"/ports/{port.id}", "port", resources.Port, **values)
        if marks.EXISTING_PORT in port.tags:
            existing.give_back(neutron, port)

    # Between.

    def join(self, neutron: Neutron, call: protocol.EndpointCall) -> protocol.Joined:
        """The device to take, and the way out of the network. NotFound: the endpoint has no port."""
        port = _need_port(neutron, call.endpoint_id)
        subnets = neutron.find("/subnets", resources.Subnet, network_id=port.network_id)
        own = {fixed.subnet_id for fixed in port.fixed_ips}
        used = [subnet for subnet in subnets if subnet.id in own]
        gateways = {subnet.ip_version: subnet.gateway_ip for subnet in used if subnet.gateway_ip}
        routes = {
            route.destination: protocol.StaticRoute(route.destination, route.nexthop)
            for subnet in used
            for route in subnet.host_routes
        }
        return protocol.Joined(
            protocol.InterfaceName(wiring.device(port)),
            gateway=gateways.get(4, ""),
            gateway_v6=gateways.get(6, ""),
            routes=tuple(routes.values()),
        )

    def expose(self, neutron: Neutron, call: protocol.EndpointCall) -> Nothing:
        """Open what the endpoint exposes, where that was not done when it was made. NotFound: it has no port."""
        exposed = exposure.read(call.options)
        if not exposed or exposure.find(neutron, call.endpoint_id):
            return Nothing()
        port = _need_port(neutron, call.endpoint_id)
        group = exposure.ensure(neutron, call.endpoint_id, exposed)
        if group is not None and port.port_security_enabled:
            groups = sorted({*port.security_groups, group})
            neutron.update(f"/ports/{port.id}", "port", resources.Port, security_groups=groups)
        return Nothing()

    def info(self, neutron: Neutron, call: protocol.EndpointCall) -> protocol.Values:
        """What an operator may want to know of the port of an endpoint."""
        port = lookup.port_of(neutron, call.endpoint_id)
        return protocol.Values({"status": port.status, "port_id": port.id} if port else {})


def discard(neutron: Neutron, port: resources.Port) -> None:
    """Delete a port of ours with all that its endpoint had, if it had one."""
    wiring.unwire(port)
    neutron.delete(f"/ports/{port.id}")
    if port.device_id:
        exposure.discard(neutron, port.device_id)


def _need_port(neutron: Neutron, endpoint_id: str) -> resources.Port:
    port = lookup.port_of(neutron, endpoint_id)
    if port is None:
        raise errors.NotFound(f"The endpoint {endpoint_id} has no port in the cloud.")
    return port


def _unsaid(neutron: Neutron, port: resources.Port, wish: protocol.Interface) -> protocol.Interface:
    """What Docker did not say and the port has; Docker refuses to be told what it said itself."""
    mac = "" if wish.mac else port.mac_address
    if wish.address or wish.address_v6:
        return protocol.Interface(mac=mac)
    found = {4: "", 6: ""}
    for fixed in port.fixed_ips:
        subnet = lookup.subnet(neutron, fixed.subnet_id)
        if subnet is not None:
            found[subnet.ip_version] = f"{fixed.ip_address}/{subnet.cidr.rpartition('/')[2]}"
    return protocol.Interface(found[4], found[6], mac)


def _discard_group(neutron: Neutron, endpoint_id: str) -> None:
    exposure.discard(neutron, endpoint_id)
