"""Containers and capsules of this cloud: OS::Zun::Container, OS::Zun::Capsule.

What upstream's OS::Zun::Container has is unchanged. Properties that begin with "An addition of this cloud" are more of what the
Container API takes, so that a template can say what a Compose file says (``boxship compose``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.resources.declaring import flag, pairs, row, rows, text, texts, whole
from boxship.services.orchestration.resources.interface import (
    Attribute,
    Failed,
    Kind,
    Property,
    ResourceType,
    Work,
)
from boxship.services.orchestration.resources.neutron import subnets_of
from boxship.services.orchestration.template.errors import StackValidationFailed
from boxship.services.orchestration.template.evaluation import UNRESOLVED

VERSION = "1.40"
"""The microversion of the Container API that is spoken."""
_NETWORK: Mapping[str, Property] = {
    "network": text("The network.", finds="network"),
    "fixed_ip": text("The address in it."),
    "port": text("A port that is there.", finds="port"),
}
_POLICIES = ("no", "always", "unless-stopped", "on-failure")
_ADDED = "An addition of this cloud: "
_ADDITIONS: Mapping[str, Property] = {
    "entrypoint": texts(f"{_ADDED}what runs before the words of the command, instead of the image's own."),
    "privileged": flag(f"{_ADDED}whether it may do all that the host may; for admins."),
    "healthcheck": row(
        f"{_ADDED}a command in it that tells whether it is well.",
        {
            "cmd": text("The command, for a shell.", required=True),
            "interval": whole("Seconds from one to the next.", 1),
            "timeout": whole("Seconds that it may take.", 1),
            "retries": whole("How often it must fail.", 0),
        },
    ),
    "files": rows(
        f"{_ADDED}files in it that it cannot change.",
        {
            "path": text("Where it is.", required=True),
            "content": text("What is in it, in base64; 64 KiB at the most.", required=True),
        },
    ),
    "exposed_ports": texts(
        f"{_ADDED}ports such as 80 or 53/udp that anybody may reach; it goes without security_groups."
    ),
    "wait_for": text(
        f"{_ADDED}when it counts as made: when it was started (which is so where nothing is said), when its healthcheck says "
        "that it is well, or when it ended with exit code 0.",
        among=("started", "healthy", "completed"),
        changes=True,
    ),
}
_AS_THEY_ARE = frozenset(
    {
        *(
            "name",
            "image",
            "cpu",
            "memory",
            "environment",
            "workdir",
            "labels",
            "image_pull_policy",
            "interactive",
            "tty",
        ),
        *("image_driver", "hints", "hostname", "entrypoint", "privileged"),
    }
)
"""Properties that are fields of the Container API."""


class Container(ResourceType):
    """A container; it is made when it runs, or ran to its end."""

    name = "OS::Zun::Container"
    since = "9.0.0"
    properties = {
        "name": text("Its name.", changes=True),
        "image": text("Its image, by name or id.", required=True),
        "command": text("What it runs."),
        "cpu": Property(Kind.NUMBER, "Cores.", update_allowed=True),
        "memory": whole("Memory in MiB.", changes=True),
        "environment": pairs("Environment variables."),
        "workdir": text("The directory it runs in."),
        "labels": pairs("Labels."),
        "image_pull_policy": text("When its image is fetched.", among=("ifnotpresent", "always", "never")),
        "restart_policy": text("no, always, unless-stopped or on-failure[:most times]."),
        "interactive": flag("Whether its input stays open."),
        "tty": flag("Whether it has a terminal."),
        "image_driver": text("Where its image comes from.", among=("docker", "glance")),
        "hints": pairs("Hints for its placement."),
        "hostname": text("Its host name."),
        "security_groups": texts("Its security groups.", default=[], finds="security_group"),
        "mounts": rows(
            "Volumes in it.",
            {
                "volume_id": text("A volume that is there.", finds="volume"),
                "volume_size": whole("The size in GiB of a new volume, which goes with the container.", 1),
                "mount_path": text("Where it is.", required=True),
                "read_only": flag(f"{_ADDED}whether it can only be read."),
            },
        ),
        "networks": rows("Its networks, in order.", _NETWORK, changes=True),
        **_ADDITIONS,
    }
    attributes = {
        "name": Attribute("Its name."),
        "addresses": Attribute("Its addresses by network, by name and by id.", Kind.MAP),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        try:
            _restart(properties.get("restart_policy"))
            for mount in _known(properties.get("mounts")):
                _mount(mount)
            for network in _known(properties.get("networks")):
                _net(network)
        except StackValidationFailed as error:
            return error.sentence
        if properties.get("exposed_ports") and properties.get("security_groups"):
            return "Cannot define the following properties at the same time: exposed_ports, security_groups."
        if properties.get("wait_for") == "healthy" and properties.get("healthcheck") is None:
            return "wait_for: healthy needs a healthcheck."
        return None

    async def create(self, it: Work) -> None:
        body = _body(it.properties)
        body.setdefault("name", it.physical_name)
        made = await it.ask("container", "POST", "/containers?run=true", body, version=VERSION)
        it.physical_id = made["uuid"]

    async def is_created(self, it: Work) -> bool:
        row = await self._row(it)
        status = row["status"]
        if status in {"Error", "Dead", "Unknown"}:
            reason = row.get("status_reason") or row.get("status_detail") or "Unknown"
            raise Failed(f"Error in creating container '{it.name}' - {reason}")
        if status == "Stopped" and row.get("interactive"):
            raise Failed(f"Error in creating container '{it.name}' - it was to wait for input and has stopped")
        if status not in {"Running", "Stopped"} or row.get("task_state"):
            return False
        return _is_awaited(it, row)

    async def _row(self, it: Work) -> dict[str, Any]:
        row = await self.shown(it)
        if row is None:
            raise Failed(f"The container {it.physical_id} is gone.")
        return dict(row)

    async def shown(self, it: Work) -> Any:
        if it.physical_id is None:
            return None
        return await it.has("container", f"/containers/{it.physical_id}", version=VERSION)

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        fields = {name: value for name, value in changed.items() if name in {"cpu", "memory"} and value is not None}
        if "name" in changed:
            fields["name"] = changed["name"] or it.physical_name
        if fields:
            await it.ask("container", "PATCH", f"/containers/{it.physical_id}", fields, version=VERSION)
        if "networks" in changed:
            await self._rewire(it)

    async def _rewire(self, it: Work) -> None:
        """Leave the networks that are not wanted any more, then join those that are."""
        old, new = it.before.get("networks") or [], it.properties["networks"] or []
        for network in old:
            if network not in new:
                await self._plug(it, "network_detach", network)
        for network in new:
            if network not in old:
                await self._plug(it, "network_attach", network)

    async def _plug(self, it: Work, verb: str, network: Mapping[str, Any]) -> None:
        named = {
            name: network[name]
            for name in ("network", "port", "fixed_ip")
            if network.get(name) and not (name == "network" and network.get("port"))
        }
        if verb == "network_detach":
            named.pop("fixed_ip", None)
        query = "&".join(f"{name}={value}" for name, value in named.items())
        await it.ask("container", "POST", f"/containers/{it.physical_id}/{verb}?{query}", version=VERSION)

    async def is_updated(self, it: Work) -> bool:
        row = await self._row(it)
        if row["status"] == "Error":
            raise Failed(f"Error in updating container '{it.name}' - {row.get('status_reason') or 'Unknown'}")
        return not row.get("task_state") and _is_awaited(it, row)

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask("container", "DELETE", f"/containers/{it.physical_id}?stop=true", version=VERSION)

    async def is_deleted(self, it: Work) -> bool:
        row = await self.shown(it)
        if row is not None and row["status"] == "Error" and not row.get("task_state"):
            raise Failed(f"Error in deleting container '{it.name}' - {row.get('status_reason') or 'Unknown'}")
        return row is None

    async def check(self, it: Work) -> None:
        row = await self._row(it)
        if row["status"] not in {"Running", "Stopped"}:
            raise Failed(f"The container is {row['status']}.")

    async def suspend(self, it: Work) -> None:
        """A container that runs is paused."""
        row = await self._row(it)
        if row["status"] == "Running":
            await it.ask("container", "POST", f"/containers/{it.physical_id}/pause", version=VERSION)
            it.data["paused"] = "true"

    async def is_suspended(self, it: Work) -> bool:
        return it.data.get("paused") != "true" or (await self._row(it))["status"] == "Paused"

    async def resume(self, it: Work) -> None:
        if it.data.get("paused") == "true":
            await it.ask("container", "POST", f"/containers/{it.physical_id}/unpause", version=VERSION)

    async def is_resumed(self, it: Work) -> bool:
        if it.data.get("paused") == "true" and (await self._row(it))["status"] == "Paused":
            return False
        it.data.pop("paused", None)
        return True

    async def attribute(self, it: Work, name: str) -> Any:
        row = await self.shown(it)
        if row is None:
            raise errors.NotFound(f"The container {it.physical_id} could not be found.")
        if name == "name":
            return row["name"]
        return await _addresses(it, row)

    def needs(self, own: Mapping[str, Any], others: Mapping[str, tuple[str, Mapping[str, Any]]]) -> set[str]:
        """The subnets of its networks."""
        found: set[str] = set()
        for network in _known(own.get("networks")):
            found |= subnets_of(network.get("network"), others) if isinstance(network, dict) else set()
        return found


async def _addresses(it: Work, row: Mapping[str, Any]) -> dict[str, Any]:
    """The addresses with their ports, by the id of the network and by its name."""
    found: dict[str, Any] = {}
    for network_id, addresses in (row.get("addresses") or {}).items():
        found[network_id] = addresses
        network = await it.has("network", f"/v2.0/networks/{network_id}")
        if network is not None and network["network"]["name"]:
            found[network["network"]["name"]] = addresses
    return found


def _body(given: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as the Container API takes them; those that are not given are left out."""
    body = {name: value for name, value in given.items() if value is not None and name in _AS_THEY_ARE}
    for name in ("environment", "labels"):
        if name in body:
            body[name] = {key: "" if value is None else str(value) for key, value in body[name].items()}
    files = [
        {"type": "bind", "source": file["content"], "destination": file["path"]} for file in given.get("files") or ()
    ]
    made = {
        "command": shlex.split(given["command"]) if given["command"] else None,
        "security_groups": given["security_groups"],
        "restart_policy": _restart(given["restart_policy"]),
        "mounts": [*(_mount(mount) for mount in given["mounts"] or ()), *files],
        "nets": [_net(network) for network in given["networks"] or ()],
        "healthcheck": {name: value for name, value in (given.get("healthcheck") or {}).items() if value is not None},
        "exposed_ports": {port: {} for port in given.get("exposed_ports") or ()},
    }
    return {**body, **{name: value for name, value in made.items() if value}}


def _is_awaited(it: Work, row: Mapping[str, Any]) -> bool:
    """Whether a container that runs, or ran, is what ``wait_for`` says. Failed: it never will be.

    The Container API tells health and exit code in ``status_detail`` only: ``Up 5 seconds (healthy)``, ``Exited(0) 2 hours ago``.
    """
    wanted, detail = it.properties.get("wait_for"), str(row.get("status_detail") or "")
    if wanted not in {"healthy", "completed"}:
        return True
    ended = re.match(r"Exited\((-?[0-9]+)\)", detail)
    if wanted == "completed":
        if ended and ended[1] != "0":
            raise Failed(f"Container '{it.name}' was to end well and ended with exit code {ended[1]}")
        return ended is not None
    if row["status"] == "Stopped":
        code = f" with exit code {ended[1]}" if ended else ""
        raise Failed(f"Container '{it.name}' was to become healthy and has stopped{code}")
    if detail.endswith("(unhealthy)"):
        raise Failed(f"Container '{it.name}' was to become healthy and is unhealthy")
    return detail.endswith("(healthy)")


def _known(value: Any) -> list[Any]:
    return [each for each in value if each is not UNRESOLVED] if isinstance(value, list) else []


def _restart(policy: Any) -> dict[str, Any] | None:
    if not policy or policy is UNRESOLVED:
        return None
    name, _, times = str(policy).partition(":")
    if name not in _POLICIES or (times and (name != "on-failure" or not times.isdigit())):
        raise StackValidationFailed(
            f'restart_policy "{policy}" is invalid. Valid values are "no", "on-failure[:max-retry]", "always", and '
            '"unless-stopped".'
        )
    return {"Name": name, "MaximumRetryCount": int(times or 0)}


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    volume, size = mount.get("volume_id"), mount.get("volume_size")
    if (volume is None) == (size is None):
        raise StackValidationFailed("mounts: give either volume_id or volume_size, and not both.")
    source: dict[str, Any] = {"source": volume} if volume is not None else {"size": size}
    if mount.get("read_only"):
        source["read_only"] = True
    return {"destination": mount["mount_path"], **source}


def _net(network: Mapping[str, Any]) -> dict[str, Any]:
    name, port, address = network.get("network"), network.get("port"), network.get("fixed_ip")
    if name is None and port is None:
        raise StackValidationFailed("networks: give either network or port.")
    if address and port is not None:
        raise StackValidationFailed("networks: a port has its addresses already, so fixed_ip goes with network only.")
    if port is not None:
        return {"port": port}
    if not address or address is UNRESOLVED:
        return {"network": name}
    return {"network": name, "v6-fixed-ip" if ":" in address else "v4-fixed-ip": address}


class Capsule(ResourceType):
    """A capsule: containers that share network and volumes, in the form that Zun takes them."""

    name = "OS::Zun::Capsule"
    since = "14.0.0"
    properties = {"template": pairs("The capsule, as ``openstack capsule create`` takes it.", required=True)}
    attributes = {
        "name": Attribute("Its name."),
        "addresses": Attribute("Its addresses by network, by name and by id.", Kind.MAP),
        "status": Attribute("Its status."),
    }

    async def create(self, it: Work) -> None:
        template = dict(it.properties["template"])
        template.setdefault("kind", "capsule")
        template.setdefault("capsuleVersion", "beta")
        template["metadata"] = {"name": it.physical_name, **(template.get("metadata") or {})}
        made = await it.ask("container", "POST", "/capsules", {"template": template}, version=VERSION)
        it.physical_id = made["uuid"]

    async def shown(self, it: Work) -> Any:
        if it.physical_id is None:
            return None
        return await it.has("container", f"/capsules/{it.physical_id}", version=VERSION)

    async def is_created(self, it: Work) -> bool:
        row = await self.shown(it)
        if row is None:
            raise Failed(f"The capsule {it.physical_id} is gone.")
        if row["status"] in {"Failed", "Error", "Unknown"}:
            raise Failed(f"Error in creating capsule '{it.name}' - {row.get('status_reason') or 'Unknown'}")
        return row["status"] in {"Running", "Succeeded", "Stopped"}

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask("container", "DELETE", f"/capsules/{it.physical_id}", version=VERSION)

    async def is_deleted(self, it: Work) -> bool:
        return await self.shown(it) is None

    async def check(self, it: Work) -> None:
        row = await self.shown(it)
        if row is None or row["status"] not in {"Running", "Succeeded"}:
            raise Failed(f"The capsule is {row['status'] if row else 'gone'}.")

    async def attribute(self, it: Work, name: str) -> Any:
        row = await self.shown(it)
        if row is None:
            raise errors.NotFound(f"The capsule {it.physical_id} could not be found.")
        return await _addresses(it, row) if name == "addresses" else row.get(name)


TYPES: tuple[ResourceType, ...] = (Container(), Capsule())
