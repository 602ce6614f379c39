"""From what a Compose file describes to a template for the orchestration service (HOT). Reads nothing and asks nobody.

    network:KEY, subnet:KEY, members:KEY   a network of the project, its range, and the group of those in it, who reach each other
    router, leg:KEY                        the way out of all networks that are not internal
    volume:KEY                             kept when the stack goes
    port:SERVICE:N:KEY, service:SERVICE:N  a container and its places in networks, which have the name of the service
    published:SERVICE, address,            who may come in from outside, the floating IP of the project,
    forward:SERVICE:N:OUTSIDE:PROTOCOL     and what leads from it to a container

A colon is in no name of a Compose file, so that no two resources can have one name. The places of a container are ports of their
own: they keep addresses and what leads to them when the container is made anew.
"""

from __future__ import annotations

import base64
import ipaddress
import shlex
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from boxship.cli.compose import names
from boxship.cli.compose.fields import Notes
from boxship.cli.compose.files import Wrong
from boxship.cli.compose.model import Network, Plug, Port, Project, Service, Volume

VERSION = "2021-04-16"
LABEL = "io.boxship.compose"
"""Containers have the labels ``LABEL.project`` and ``LABEL.service``, volumes metadata of the same names."""
PUBLIC = "public_network"
"""The parameter that names the external network."""
OUTPUT = "published"
"""The output that tells what is reached where."""
_FIRST_FREE, _FREE_PORTS = 32768, 28232
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forward:
    """A port outside that leads to one container of a service."""

    service: str
    number: int
    outside: int
    inside: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Template:
    """The template, and the values of its hidden parameters: secrets in base64."""

    document: dict[str, Any]
    secrets: Mapping[str, str]


def compose(project: Project, notes: Notes, volume_ids: Mapping[str, str] | None = None) -> Template:
    """The template. ``volume_ids`` are volumes that an earlier stack of the project left, by key: they are used again.
    Wrong: two services want one port outside."""
    forwards = _forwards(project, notes)
    named = names.resolve(project, notes)
    resources: dict[str, Resource] = {}
    for network in project.networks.values():
        resources |= _network(network, _asked(project, network), named)
    routed = [network for network in project.networks.values() if not network.external and not network.internal]
    if routed:
        resources |= _router(project, routed)
    for volume in project.volumes.values():
        if not volume.external:
            resources[f"volume:{volume.key}"] = _volume(project, volume, (volume_ids or {}).get(volume.key))
    for service in project.services.values():
        resources |= _service(project, service, named)
    for name, way in _ways(project, forwards, notes).items():
        resources |= way.resources(name)
    secrets = {
        parameter(file.secret): base64.b64encode(file.content).decode()
        for service in project.services.values()
        for file in service.files
        if file.secret
    }
    return Template(_document(project, resources, secrets, forwards), secrets)


def parameter(secret: str) -> str:
    """The parameter that holds a secret."""
    return f"secret:{secret}"


def without(document: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A template without some of its resources, and without waiting for them."""
    resources = {}
    for name, resource in document["resources"].items():
        if name in names:
            continue
        needed = [other for other in resource.get("depends_on", ()) if other not in names]
        kept = {key: value for key, value in resource.items() if key != "depends_on"}
        resources[name] = {**kept, "depends_on": needed} if needed else kept
    rest = {key: value for key, value in document.items() if key != "outputs"}
    return {**rest, "resources": resources}


def leaving(document: Mapping[str, Any], gone: set[str], moved: set[str]) -> set[str]:
    """What has to go before a stack with this template is changed: resources that are to be ``gone`` or made anew hold ports,
    volumes, addresses and numbers that their successors need, and so does all that is made from them. What leads to places that
    are ``moved`` ends with that. Volumes stay whatever happens."""
    resources: Mapping[str, Resource] = document["resources"]
    found = {name for name in gone if name in resources and not name.startswith("volume:")}
    found |= {name.replace("subnet:", "network:", 1) for name in found if name.startswith("subnet:")}
    found |= {
        name for name, each in resources.items() if name.startswith("forward:") and _named(each["properties"]) & moved
    }
    while True:
        more = {
            name for name, each in resources.items() if name not in found and _named(each.get("properties")) & found
        }
        if not more:
            return found
        found |= more


def _named(value: Any) -> set[str]:
    """The resources that a value comes from."""
    if isinstance(value, list):
        return set().union(*(_named(each) for each in value))
    if not isinstance(value, dict):
        return set()
    if isinstance(value.get("get_resource"), str):
        return {value["get_resource"]}
    if isinstance(value.get("get_attr"), list):
        return {value["get_attr"][0]}
    return set().union(*(_named(each) for each in value.values()))


def _document(
    project: Project, resources: dict[str, Resource], secrets: Mapping[str, str], forwards: list[Forward]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "heat_template_version": VERSION,
        "description": f"The Compose project {project.name}",
    }
    parameters: dict[str, Any] = {
        name: {"type": "string", "hidden": True, "description": "A secret, in base64"} for name in sorted(secrets)
    }
    if any(resource["type"] in {"OS::Neutron::Router", "OS::Neutron::FloatingIP"} for resource in resources.values()):
        wanted = {"type": "string", "default": "public", "description": "The external network"}
        parameters = {PUBLIC: wanted, **parameters}
    if parameters:
        document["parameters"] = parameters
    document["resources"] = resources
    told = [_told(each, resources) for each in forwards if _forward_name(each) in resources]
    if told:
        document["outputs"] = {OUTPUT: {"description": "What is reached where", "value": told}}
    return document


def _told(forward: Forward, resources: Mapping[str, Resource]) -> dict[str, Any]:
    way = resources[_forward_name(forward)]["properties"]["floating_ip"]["get_resource"]
    return {
        "service": forward.service,
        "container": forward.number,
        "address": {"get_attr": [way, "floating_ip_address"]},
        "port": forward.outside,
        "protocol": forward.protocol,
        "inside": forward.inside,
    }


# Networks and volumes.


def _asked(project: Project, network: Network) -> list[str]:
    """The name servers that the one of a network asks: those that services in it want."""
    services = [each for each in project.services.values() if any(plug.network == network.key for plug in each.plugs)]
    return list(dict.fromkeys(server for service in services for server in service.dns))


def _network(network: Network, servers: list[str], named: names.Names) -> dict[str, Resource]:
    if network.external:
        return {}
    key, own = network.key, network.range
    assert own is not None
    subnet: dict[str, Any] = {"name": network.name, "network": {"get_resource": f"network:{key}"}, "cidr": own.cidr}
    if own.gateway:
        subnet["gateway_ip"] = own.gateway
    elif network.internal:
        subnet["gateway_ip"] = ""
    if servers:
        subnet["dns_nameservers"] = servers
    subnet["allocation_pools"] = [{"start": first, "end": last} for first, last in named.pools(network)]
    among = {"direction": "ingress", "remote_mode": "remote_group_id"}
    rules = [{**among, "ethertype": family} for family in ("IPv4", "IPv6")]
    group = {"name": network.name, "description": "Who is in the network reaches all in it", "rules": rules}
    return {
        f"network:{key}": {"type": "OS::Neutron::Net", "properties": {"name": network.name}},
        f"subnet:{key}": {"type": "OS::Neutron::Subnet", "properties": subnet},
        f"members:{key}": {"type": "OS::Neutron::SecurityGroup", "properties": group},
    }


def _router(project: Project, networks: list[Network]) -> dict[str, Resource]:
    gateway = {"network": {"get_param": PUBLIC}}
    found = {
        "router": {
            "type": "OS::Neutron::Router",
            "properties": {"name": project.name, "external_gateway_info": gateway},
        }
    }
    for network in networks:
        leg = {"router": {"get_resource": "router"}, "subnet": {"get_resource": f"subnet:{network.key}"}}
        found[f"leg:{network.key}"] = {"type": "OS::Neutron::RouterInterface", "properties": leg}
    return found


def _volume(project: Project, volume: Volume, id: str | None) -> Resource:
    """Several services may have it, now or later: whether they may cannot be changed without losing what is in it."""
    properties: dict[str, Any] = {
        "name": volume.name,
        "size": volume.size,
        "metadata": {f"{LABEL}.project": project.name, f"{LABEL}.volume": volume.key},
        "multiattach": True,
    }
    found: Resource = {"type": "OS::Cinder::Volume", "deletion_policy": "retain", "properties": properties}
    return {**found, "external_id": id} if id else found


# Containers.


def _service(project: Project, service: Service, named: names.Names) -> dict[str, Resource]:
    found: dict[str, Resource] = {}
    for number in range(1, service.replicas + 1):
        for plug in service.plugs:
            found[_port_name(service, number, plug)] = _port(project, service, (number, plug), named)
        found[f"service:{service.name}:{number}"] = _container(project, service, number, named)
    return found


def _port_name(service: Service, number: int, plug: Plug) -> str:
    return f"port:{service.name}:{number}:{plug.network}"


def _port(project: Project, service: Service, place: tuple[int, Plug], named: names.Names) -> Resource:
    number, plug = place
    network = project.networks[plug.network]
    groups: list[Any] = ["default" if network.external else {"get_resource": f"members:{network.key}"}]
    if service.ports and _published_in(project, service) == plug.network:
        groups.append({"get_resource": f"published:{service.name}"})
    properties: dict[str, Any] = {
        "name": f"{project.name}-{service.name}-{number}",
        "network": network.name if network.external else {"get_resource": f"network:{network.key}"},
        "dns_name": names.host_name(service.name),
        "security_groups": groups,
    }
    if address := named.addresses.get((service.name, number, plug.network)):
        properties["fixed_ips"] = [{"ip_address": address}]
    return {"type": "OS::Neutron::Port", "properties": properties}


def _container(project: Project, service: Service, number: int, named: names.Names) -> Resource:
    labels = {**(service.labels or {}), f"{LABEL}.project": project.name, f"{LABEL}.service": service.name}
    health = service.health
    given_files = [{"path": file.path, "content": _content(file.secret, file.content)} for file in service.files]
    hosts = named.files.get((service.name, number))
    if hosts and not any(file.path == names.HOSTS for file in service.files):
        given_files.append({"path": names.HOSTS, "content": _content("", hosts.encode())})
    properties: dict[str, Any] = {
        "name": service.container_name or f"{project.name}-{service.name}-{number}",
        "image": service.image,
        "entrypoint": list(service.entrypoint),
        "command": shlex.join(service.command),
        "environment": dict(service.environment or {}),
        "labels": labels,
        "workdir": service.working_dir,
        "hostname": service.hostname,
        "cpu": service.cpus,
        "memory": service.memory,
        "restart_policy": service.restart,
        "interactive": service.stdin_open,
        "tty": service.tty,
        "privileged": service.privileged,
        "healthcheck": health
        and {"cmd": health.cmd, "interval": health.interval, "timeout": health.timeout, "retries": health.retries},
        "files": given_files,
        "mounts": [_mount(project, mount.volume, mount.path, mount.read_only) for mount in service.mounts],
        "networks": [{"port": {"get_resource": _port_name(service, number, plug)}} for plug in service.plugs],
        "wait_for": _awaited(project, service.name),
    }
    given = {name: value for name, value in properties.items() if value not in (None, "", [], {}, False)}
    needed = [
        f"service:{other}:{each}"
        for other in service.depends_on or ()
        for each in range(1, project.services[other].replicas + 1)
    ]
    found: Resource = {"type": "OS::Zun::Container", "properties": given}
    return {**found, "depends_on": needed} if needed else found


def _content(secret: str, content: bytes) -> Any:
    return {"get_param": parameter(secret)} if secret else base64.b64encode(content).decode()


def _mount(project: Project, key: str, path: str, read_only: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"mount_path": path}
    if not key:
        found["volume_size"] = 1
    else:
        volume = project.volumes[key]
        found["volume_id"] = volume.name if volume.external else {"get_resource": f"volume:{key}"}
    return {**found, "read_only": True} if read_only else found


def _awaited(project: Project, name: str) -> str:
    """The most that others want of a service before they begin; empty: that it was started."""
    wanted = {(service.depends_on or {}).get(name) for service in project.services.values()}
    return next((condition for condition in ("completed", "healthy") if condition in wanted), "")


# The way in.


def _published_in(project: Project, service: Service) -> str | None:
    """The network by which a service is reached from outside: the first one that has a way out."""
    for plug in service.plugs:
        if not project.networks[plug.network].internal:
            return plug.network
    return None


def _forwards(project: Project, notes: Notes) -> list[Forward]:
    """Which ports outside lead where. Those that are named come first; the others get their own number, or one that is free.
    Wrong: one is wanted twice."""
    taken: dict[tuple[int, str], str] = {}
    found: list[Forward] = []
    wanted = [
        (service, number, port)
        for service in project.services.values()
        for port in service.ports
        for number in range(1, service.replicas + 1)
    ]
    for service, number, port in wanted:
        if not port.outside:
            continue
        if number > len(port.outside):
            notes.add(
                port.path,
                f"it leads to {_few(len(port.outside))} of the {service.replicas} containers of {service.name}.",
            )
            continue
        outside = port.outside[number - 1]
        other = taken.setdefault((outside, port.protocol), f"{port.path}:{number}")
        if other != f"{port.path}:{number}":
            raise Wrong(port.path, f"the port {outside}/{port.protocol} is taken by {other.rpartition(':')[0]}.")
        found.append(Forward(service.name, number, outside, port.inside, port.protocol))
    for service, number, port in wanted:
        if not port.outside:
            outside = next(each for each in _any(service, number, port) if (each, port.protocol) not in taken)
            taken[outside, port.protocol] = port.path
            found.append(Forward(service.name, number, outside, port.inside, port.protocol))
    return found


def _few(many: int) -> str:
    return "the first" if many == 1 else f"the first {many}"


def _any(service: Service, number: int, port: Port) -> Iterator[int]:
    """Ports outside for a service that names none, always in the same order."""
    yield port.inside
    first = zlib.crc32(f"{service.name}:{number}:{port.inside}".encode())
    for at in range(_FREE_PORTS):
        yield _FIRST_FREE + (first + at) % _FREE_PORTS


@dataclass(frozen=True, slots=True)
class _Way:
    """A floating IP with what it leads to; the containers behind one are behind one router."""

    project: Project
    forwards: list[Forward]

    def resources(self, name: str) -> dict[str, Resource]:
        """The floating IP, what leads from it to containers, and who is let in."""
        found: dict[str, Resource] = {
            name: {"type": "OS::Neutron::FloatingIP", "properties": {"floating_network": {"get_param": PUBLIC}}}
        }
        for name_of in dict.fromkeys(forward.service for forward in self.forwards):
            found[f"published:{name_of}"] = self._group(name_of)
        for forward in self.forwards:
            service = self.project.services[forward.service]
            port = f"port:{service.name}:{forward.number}:{_published_in(self.project, service)}"
            properties = {
                "floating_ip": {"get_resource": name},
                "external_port": forward.outside,
                "protocol": forward.protocol,
                "internal_port": {"get_resource": port},
                "internal_ip_address": {"get_attr": [port, "fixed_ips", 0, "ip_address"]},
                "internal_port_number": forward.inside,
            }
            found[_forward_name(forward)] = {"type": "OS::Neutron::FloatingIPPortForward", "properties": properties}
        return found

    def _group(self, service: str) -> Resource:
        opened = dict.fromkeys((each.inside, each.protocol) for each in self.forwards if each.service == service)
        rules = [
            {"protocol": protocol, "port_range_min": inside, "port_range_max": inside} for inside, protocol in opened
        ]
        name = f"{self.project.name}-{service}"
        group = {"name": name, "description": "Published ports are open to everybody", "rules": rules}
        return {"type": "OS::Neutron::SecurityGroup", "properties": group}


def _forward_name(forward: Forward) -> str:
    return f"forward:{forward.service}:{forward.number}:{forward.outside}:{forward.protocol}"


def _ways(project: Project, forwards: list[Forward], notes: Notes) -> dict[str, _Way]:
    """The floating IPs by name: one for all networks of the project, one for each that is external."""
    found: dict[str, _Way] = {}
    for forward in forwards:
        service = project.services[forward.service]
        key = _published_in(project, service)
        if key is None:
            notes.add(
                f"services.{service.name}.ports",
                "all networks of the service are internal, so nobody outside reaches it.",
            )
            continue
        name = f"address:{key}" if project.networks[key].external else "address"
        found.setdefault(name, _Way(project, [])).forwards.append(forward)
    return found


def check_addresses(project: Project) -> None:
    """Wrong: a service wants an address that is not in its network, or that another one has."""
    taken: dict[tuple[str, str], str] = {}
    for service in project.services.values():
        for plug in service.plugs:
            network = project.networks[plug.network]
            if not plug.address:
                continue
            path = f"services.{service.name}.networks.{plug.network}.ipv4_address"
            if network.range and ipaddress.ip_address(plug.address) not in ipaddress.ip_network(network.range.cidr):
                raise Wrong(path, f"{plug.address} is not in {network.range.cidr}, the range of the network.")
            other = taken.setdefault((plug.network, plug.address), service.name)
            if other != service.name:
                raise Wrong(path, f"{other} has {plug.address} already.")
