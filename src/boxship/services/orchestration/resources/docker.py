"""DockerInc::Docker::Container: a container described in Docker's own words, in this cloud, or on a Docker engine that an admin's
template names.

In this cloud it is a container like any other (``zun.Container``), and what such a container cannot be is an error that names the
property. On an engine elsewhere it is found again by a label, so that it is made once, whoever is killed when.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.resources import zun
from boxship.services.orchestration.resources.declaring import flag, pairs, rows, text, texts, whole
from boxship.services.orchestration.resources.interface import (
    Attribute,
    Engine,
    Failed,
    Kind,
    Property,
    ResourceType,
    Work,
)
from boxship.services.orchestration.template.constraints import AllowedValues
from boxship.services.orchestration.template.evaluation import UNRESOLVED

LABEL = "io.boxship.resource"
"""On a container elsewhere: the id of the resource that it is the substance of."""
_MIB = 1 << 20
_LEAST_MEMORY = 4
_SHARES = 1024
"""Of a core (Docker Engine API, "CpuShares")."""
_LOGS = 1 << 20
_SILENCE = 600.0
_ELSEWHERE_ONLY = (
    *("user", "stdin_once", "dns", "volumes_from", "port_bindings", "links"),
    *("cap_add", "cap_drop", "read_only", "devices", "cpu_set"),
)
"""Properties that only an engine elsewhere can honour."""
_INSTEAD = {
    "port_bindings": "a container has an address of its own; OS::Neutron::FloatingIPPortForward brings a port outside",
    "links": "the containers of a network find each other by name",
    "volumes_from": "OS::Cinder::Volume of a type with multiattach is in several containers",
}


class Container(ResourceType):
    """A container in Docker's words (heat-docker, contrib/heat_docker)."""

    name = "DockerInc::Docker::Container"
    properties = {
        "docker_endpoint": text(
            "The engine (tcp://host:2376 with TLS, unix:///path), for admins; this cloud by default."
        ),
        "hostname": text("Its host name.", default=""),
        "user": text("User or user id.", default=""),
        "memory": whole("Bytes of memory at the most.", 0, default=0),
        "port_specs": texts("Ports that it serves, such as 80 or 53/udp."),
        "port_bindings": pairs("Ports of the host, by ports of the container."),
        "links": pairs("Aliases of other containers, by their names."),
        "name": text("Its name."),
        "privileged": flag("Whether it may do all that the host may.", default=False),
        "tty": flag("Whether it has a terminal.", default=False),
        "open_stdin": flag("Whether its input stays open.", default=False),
        "stdin_once": flag("Whether its input is closed when the first client goes.", default=False),
        "env": texts("Environment variables, NAME=VALUE."),
        "cmd": texts("What it runs.", default=[]),
        "dns": texts("Its name servers."),
        "image": text("Its image.", required=True),
        "volumes": pairs(
            "What is mounted: volumes of the project, or directories of the engine's host, each with {bind: path, ro: boolean}.",
            default={},
        ),
        "volumes_from": texts("Containers whose volumes it has, too.", default=[]),
        "restart_policy": Property(
            Kind.MAP,
            "When it is started again.",
            default={},
            fields={
                "Name": text("The policy.", among=("", "no", "on-failure", "always", "unless-stopped"), default="no"),
                "MaximumRetryCount": whole("How often, for on-failure.", 0, default=0),
            },
        ),
        "cap_add": texts("Capabilities that it gets."),
        "cap_drop": texts("Capabilities that are taken from it."),
        "read_only": flag("Whether its file system can only be read.", default=False),
        "cpu_shares": whole("Its weight; 1024 is a core.", 0, default=0),
        "devices": rows(
            "Devices of the host.",
            {
                "path_on_host": text("Which.", required=True),
                "path_in_container": text("Where."),
                "permissions": Property(
                    Kind.STRING,
                    "What is allowed.",
                    default="rwm",
                    constraints=(AllowedValues(("r", "w", "m", "rw", "rm", "wm", "rwm")),),
                ),
            },
        ),
        "cpu_set": text("The cores that it may use, such as 0-2,4."),
    }
    attributes = {
        "info": Attribute("All about it.", Kind.MAP),
        "network_info": Attribute("Its networks.", Kind.MAP),
        "network_ip": Attribute("Its address."),
        "network_gateway": Attribute("The gateway of its network."),
        "network_tcp_ports": Attribute("The TCP ports that it can be reached at, with commas."),
        "network_udp_ports": Attribute("The UDP ports that it can be reached at, with commas."),
        "logs": Attribute("What it wrote."),
        "logs_head": Attribute("The first line of that."),
        "logs_tail": Attribute("The last line of that."),
    }

    def __init__(self) -> None:
        self._here = zun.Container()

    def is_outside(self, properties: Mapping[str, Any]) -> bool:
        return bool(properties.get("docker_endpoint"))

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        if properties.get("docker_endpoint"):
            return None
        for name in _ELSEWHERE_ONLY:
            if properties.get(name):
                instead = f"; {_INSTEAD[name]}" if name in _INSTEAD else ""
                return f"{name}: containers of this cloud do not have it{instead}. An admin can give a docker_endpoint."
        for source, place in (properties.get("volumes") or {}).items():
            if place is not UNRESOLVED and not (isinstance(place, dict) and place.get("bind")):
                return f"volumes.{source}: give {{bind: path in the container}}."
        return None

    # What the engine of the stack asks.

    async def create(self, it: Work) -> None:
        if self.is_outside(it.properties):
            it.caller.require("stacks:use_docker_endpoint")
            _ = it.physical_name
            return
        made = await it.ask("container", "POST", "/containers?run=true", wish(it), version=zun.VERSION)
        it.physical_id = made["uuid"]

    async def is_created(self, it: Work) -> bool:
        if not self.is_outside(it.properties):
            return await self._here.is_created(it)
        async with _engine(it) as engine:
            found = await _found(engine, it) or await _made(engine, it)
            it.physical_id = found["Id"]
            state = found["State"]
            if state["Status"] == "created":
                await engine.json("POST", f"/containers/{it.physical_id}/start")
                return False
            if not state["Running"]:
                raise Failed(f"The container ended with {state['ExitCode']}: {state.get('Error') or 'see its logs'}")
        return True

    async def delete(self, it: Work) -> None:
        if not self.is_outside(it.properties):
            await self._here.delete(it)

    async def is_deleted(self, it: Work) -> bool:
        if not self.is_outside(it.properties):
            return await self._here.is_deleted(it)
        async with _engine(it) as engine:
            found = await _found(engine, it)
            if found is not None:
                await engine.json("DELETE", f"/containers/{found['Id']}", force=True, v=True)
        return found is None

    async def check(self, it: Work) -> None:
        if not self.is_outside(it.properties):
            await self._here.check(it)

    async def is_checked(self, it: Work) -> bool:
        if self.is_outside(it.properties):
            async with _engine(it) as engine:
                found = await _found(engine, it)
            if found is None or not found["State"]["Running"]:
                raise Failed(f"The container is {found['State']['Status'] if found else 'gone'}.")
        return True

    async def suspend(self, it: Work) -> None:
        if not self.is_outside(it.properties):
            await self._here.suspend(it)

    async def is_suspended(self, it: Work) -> bool:
        return await self._brought(it, "stop") if self.is_outside(it.properties) else await self._here.is_suspended(it)

    async def resume(self, it: Work) -> None:
        if not self.is_outside(it.properties):
            await self._here.resume(it)

    async def is_resumed(self, it: Work) -> bool:
        return await self._brought(it, "start") if self.is_outside(it.properties) else await self._here.is_resumed(it)

    async def _brought(self, it: Work, verb: str) -> bool:
        """Whether a container elsewhere runs (``start``) or does not (``stop``); if not so yet, it is begun."""
        async with _engine(it) as engine:
            found = await _found(engine, it)
            if found is None:
                raise Failed("The container is gone.")
            if found["State"]["Running"] == (verb == "start"):
                return True
            await engine.json("POST", f"/containers/{found['Id']}/{verb}")
        return False

    # What it says of itself.

    async def shown(self, it: Work) -> Any:
        if not self.is_outside(it.properties):
            return await self._here.shown(it)
        if it.physical_id is None:
            return None
        async with _engine(it) as engine:
            return await _found(engine, it)

    async def attribute(self, it: Work, name: str) -> Any:
        if name.startswith("logs"):
            logs = await (self._logs_elsewhere(it) if self.is_outside(it.properties) else self._logs(it))
            lines = logs.splitlines() or [""]
            return {"logs": logs, "logs_head": lines[0], "logs_tail": lines[-1]}[name]
        found = await self.shown(it)
        if found is None:
            raise errors.NotFound(f"The container {it.physical_id} could not be found.")
        if name == "info":
            return found
        networks = _networks_elsewhere(found) if self.is_outside(it.properties) else await _networks(it, found)
        if name == "network_info":
            return networks
        key = {"network_ip": "IPAddress", "network_gateway": "Gateway", "network_tcp_ports": "TcpPorts"}
        return networks[key.get(name, "UdpPorts")]

    async def _logs(self, it: Work) -> str:
        return str(await it.ask("container", "GET", f"/containers/{it.physical_id}/logs", version=zun.VERSION))

    async def _logs_elsewhere(self, it: Work) -> str:
        async with _engine(it) as engine:
            found = await _found(engine, it)
            if found is None:
                raise errors.NotFound(f"The container {it.physical_id} could not be found.")
            path = f"/containers/{found['Id']}/logs"
            content = await engine.content("GET", path, limit=_LOGS, seconds=10.0, stdout=True, stderr=True)
        return plain(content) if not found["Config"]["Tty"] else content.decode("utf-8", errors="replace")


def wish(it: Work) -> dict[str, Any]:
    """The request for a container of this cloud."""
    given = it.properties
    body: dict[str, Any] = {
        "name": given["name"] or it.physical_name,
        "image": given["image"],
        "interactive": given["open_stdin"],
        "tty": given["tty"],
        "labels": {LABEL: it.id},
    }
    if given["hostname"]:
        body["hostname"] = given["hostname"]
    if given["memory"]:
        body["memory"] = max(_LEAST_MEMORY, math.ceil(given["memory"] / _MIB))
    if given["cpu_shares"]:
        body["cpu"] = given["cpu_shares"] / _SHARES
    if given["privileged"]:
        body["privileged"] = True
    if given["cmd"]:
        body["command"] = given["cmd"]
    if given["env"]:
        body["environment"] = dict(_variable(each) for each in given["env"])
    if given["port_specs"]:
        body["exposed_ports"] = {_port(each): {} for each in given["port_specs"]}
    if given["volumes"]:
        body["mounts"] = [
            {"source": source, "destination": place["bind"], "read_only": bool(place.get("ro"))}
            for source, place in given["volumes"].items()
        ]
    if (given["restart_policy"] or {}).get("Name"):
        body["restart_policy"] = dict(given["restart_policy"])
    return body


def description(it: Work) -> dict[str, Any]:
    """The request for a container of an engine (Docker Engine API, "Create a container")."""
    given = it.properties
    bound = {_port(port): _hosts(place) for port, place in (given["port_bindings"] or {}).items()}
    exposed = [*(given["port_specs"] or ()), *bound]
    binds = [
        f"{source}:{place['bind']}:{'ro' if place.get('ro') else 'rw'}"
        for source, place in (given["volumes"] or {}).items()
    ]
    return {
        "Image": given["image"],
        "Cmd": given["cmd"] or None,
        "Env": given["env"] or None,
        "Hostname": given["hostname"] or "",
        "User": given["user"] or "",
        "Tty": given["tty"],
        "OpenStdin": given["open_stdin"],
        "StdinOnce": given["stdin_once"],
        "ExposedPorts": {_port(port): {} for port in exposed},
        "Labels": {LABEL: it.id},
        "HostConfig": {
            "Memory": given["memory"],
            "CpuShares": given["cpu_shares"],
            "CpusetCpus": given["cpu_set"] or "",
            "Privileged": given["privileged"],
            "ReadonlyRootfs": given["read_only"],
            "Binds": binds,
            "VolumesFrom": given["volumes_from"] or None,
            "PortBindings": bound,
            "Links": [f"{name}:{alias}" for name, alias in (given["links"] or {}).items()],
            "Dns": given["dns"] or [],
            "RestartPolicy": given["restart_policy"] or {},
            "CapAdd": given["cap_add"] or None,
            "CapDrop": given["cap_drop"] or None,
            "Devices": [
                {
                    "PathOnHost": each["path_on_host"],
                    "PathInContainer": each["path_in_container"] or each["path_on_host"],
                    "CgroupPermissions": each["permissions"],
                }
                for each in given["devices"] or ()
            ],
        },
    }


def _variable(given: str) -> tuple[str, str]:
    name, _, value = given.partition("=")
    return name, value


def _port(given: Any) -> str:
    return str(given) if "/" in str(given) else f"{given}/tcp"


def _hosts(given: Any) -> list[dict[str, str]]:
    """Ports of the host as Docker has them: a number, ``address:port``, or several of these."""
    found = []
    for each in given if isinstance(given, list) else [given]:
        address, _, port = str(each).rpartition(":")
        found.append({"HostIp": address.strip("[]"), "HostPort": port})
    return found


@asynccontextmanager
async def _engine(it: Work) -> AsyncIterator[Engine]:
    """The engine that the template names; asked again each time whether the owner of the stack may name one."""
    it.caller.require("stacks:use_docker_endpoint")
    async with it.engines.open(it.properties["docker_endpoint"]) as engine:
        yield engine


async def _found(engine: Engine, it: Work) -> dict[str, Any] | None:
    """The container with our label; None: there is none."""
    filters = json.dumps({"label": [f"{LABEL}={it.id}"]})
    rows = await engine.json("GET", "/containers/json", all=True, filters=filters)
    if not rows:
        return None
    try:
        shown: dict[str, Any] = await engine.json("GET", f"/containers/{rows[0]['Id']}/json")
    except errors.Absent:
        return None
    return shown


async def _made(engine: Engine, it: Work) -> dict[str, Any]:
    """A new container, its image fetched where the engine has it not."""
    image = it.properties["image"]
    try:
        await engine.json("GET", f"/images/{image}/json")
    except errors.Absent:
        async for line in engine.lines("POST", "/images/create", silence=_SILENCE, **_source(image)):
            if "error" in line:
                raise Failed(f"The image {image} could not be fetched: {line['error']}") from None
    made = await engine.json(
        "POST", "/containers/create", description(it), name=it.properties["name"] or it.physical_name
    )
    shown: dict[str, Any] = await engine.json("GET", f"/containers/{made['Id']}/json")
    return shown


def _source(image: str) -> dict[str, str]:
    """The image with ``latest`` where it says nothing: without a tag the engine fetches all of them."""
    tagged = "@" in image or ":" in image.rpartition("/")[2]
    return {"fromImage": image if tagged else f"{image}:latest"}


def _networks_elsewhere(found: Mapping[str, Any]) -> dict[str, Any]:
    networks = dict(found["NetworkSettings"])
    reached: dict[str, list[str]] = {"tcp": [], "udp": []}
    for port, hosts in (networks.get("Ports") or {}).items():
        protocol = port.partition("/")[2]
        if hosts and protocol in reached:
            reached[protocol].append(hosts[0]["HostPort"])
    return {**networks, "TcpPorts": ",".join(reached["tcp"]), "UdpPorts": ",".join(reached["udp"])}


async def _networks(it: Work, found: Mapping[str, Any]) -> dict[str, Any]:
    """The networks of a container of this cloud, under Docker's names for the first address."""
    entries = [entry for each in (found.get("addresses") or {}).values() for entry in each]
    gateway = None
    if entries:
        subnet = await it.has("network", f"/v2.0/subnets/{entries[0]['subnet_id']}")
        gateway = subnet and subnet["subnet"]["gateway_ip"]
    ports = [_port(each).partition("/") for each in it.properties["port_specs"] or ()]
    return {
        "IPAddress": entries[0]["addr"] if entries else "",
        "Gateway": gateway or "",
        "TcpPorts": _numbers(ports, "tcp"),
        "UdpPorts": _numbers(ports, "udp"),
        "Networks": found.get("addresses") or {},
    }


def _numbers(ports: Sequence[tuple[str, str, str]], protocol: str) -> str:
    return ",".join(number for number, _, each in ports if each == protocol)


def plain(content: bytes) -> str:
    """The text in a log of two streams, each piece of which has a head of eight bytes (Docker Engine API, "Stream format")."""
    parts = []
    while len(content) >= 8:
        size = int.from_bytes(content[4:8], "big")
        parts.append(content[8 : 8 + size])
        content = content[8 + size :]
    return b"".join(parts).decode("utf-8", errors="replace")


TYPES: tuple[ResourceType, ...] = (Container(),)
