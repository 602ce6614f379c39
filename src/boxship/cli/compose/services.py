"""The services of a Compose file, read key by key."""

from __future__ import annotations

import ipaddress
import math
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from boxship.cli.compose import files, mounts, ports
from boxship.cli.compose.context import DEFAULT, KEY, Context
from boxship.cli.compose.fields import Field, Map
from boxship.cli.compose.model import SERVICE, SERVICE_UNHONOURED, Health, Network, Plug, Service, Volume

MOST_REPLICAS = 100
_LEAST_MEMORY, _MOST_MEMORY = 4, 8192
_LEAST_CPU, _MOST_CPU = 0.01, 16
_LONGEST_TEST = 255
_HOST = r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})"
_NO_HOST = "there is no way to a host of the cloud."
_CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}


def read(
    given: Map, networks: Mapping[str, Network], volumes: Mapping[str, Volume], context: Context
) -> dict[str, Service]:
    """The services that the profiles ask for. Wrong."""
    wanted = {}
    for name, each in given:
        if not re.fullmatch(KEY, name):
            raise each.wrong("the name of a service has letters, digits, '.', '-' and '_'.")
        entry = each.map().checked(SERVICE, SERVICE_UNHONOURED, context.notes)
        profiles = entry.get("profiles")
        if profiles is None or context.profiles & {*profiles.texts(), "*"}:
            wanted[name] = entry
    known = Known(networks, volumes, frozenset(wanted))
    found = {name: _Reader(name, entry, context, known).service() for name, entry in wanted.items()}
    for name, service in found.items():
        _check_dependencies(name, service, found, wanted[name])
    return found


def _check_dependencies(name: str, service: Service, found: Mapping[str, Service], entry: Map) -> None:
    """Wrong: a service needs itself, by whatever way, or the health of one without a healthcheck."""
    path = entry.at("depends_on")
    for other, condition in (service.depends_on or {}).items():
        if condition == "healthy" and found[other].health is None:
            raise files.Wrong(path, f"{other} has no healthcheck in this file, so nobody can wait until it is healthy.")
    reached, ahead = set(), [*(service.depends_on or ())]
    while ahead:
        other = ahead.pop()
        if other == name:
            raise files.Wrong(path, f"{name} needs itself in the end.")
        if other not in reached:
            reached.add(other)
            ahead += found[other].depends_on or ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a service may name: networks and volumes by key, and other services."""

    networks: Mapping[str, Network]
    volumes: Mapping[str, Volume]
    services: Collection[str]


class _Reader:
    """Reads one service."""

    def __init__(self, name: str, entry: Map, context: Context, known: Known) -> None:
        self._name = name
        self._entry = entry
        self._context = context
        self._notes = context.notes
        self._networks = known.networks
        self._volumes = known.volumes
        self._services = known.services

    def service(self) -> Service:
        """All that is honoured of it."""
        self._refuse()
        get = self._entry.get
        image = get("image")
        if image is None:
            raise files.Wrong(self._entry.path, "it has no image.")
        limits = self._limits()
        replicas = self._replicas()
        container_name, workdir, hostname = get("container_name"), get("working_dir"), get("hostname")
        if container_name is not None and replicas > 1:
            raise container_name.wrong(f"{replicas} containers cannot have one name.")
        return Service(
            self._name,
            image.text(),
            container_name=container_name.matching(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", "the name of a container")
            if container_name
            else "",
            replicas=replicas,
            command=self._words("command"),
            entrypoint=self._words("entrypoint"),
            environment=self._environment(),
            labels=self._labels(),
            working_dir=workdir.matching(r"/.*", "an absolute path") if workdir else "",
            hostname=hostname.matching(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?", "a host name of one label")
            if hostname
            else "",
            tty=self._flag("tty"),
            stdin_open=self._flag("stdin_open"),
            privileged=self._flag("privileged"),
            restart=self._restart(),
            cpus=limits[0],
            memory=limits[1],
            health=self._health(),
            plugs=self._plugs(),
            ports=ports.read(get("ports"), self._notes),
            mounts=mounts.volumes(get("volumes"), self._volumes, self._context)[0],
            files=self._files(),
            dns=self._dns(),
            extra_hosts=self._extra_hosts(),
            aliases=self._aliases(),
            depends_on=self._dependencies(),
        )

    def _refuse(self) -> None:
        """Wrong: what a container cannot be without. Keys whose usual value changes nothing are looked at."""
        build, mode = self._entry.get("build"), self._entry.get("network_mode")
        if build is not None:
            raise build.wrong(
                "images are not built here. Build the image elsewhere (docker build), put it into a registry or into the cloud "
                "(openstack image create --container-format docker), and name it as image."
            )
        if mode is not None and mode.text() not in {"bridge", "default"}:
            raise mode.wrong(f"a container has networks of the cloud, and not {mode.value!r}.")
        usual = {
            "pull_policy": ({"missing", "if_not_present"}, "only administrators say when an image is fetched."),
            "init": (set[str](), "the first process of a container is its command."),
            "cgroup": ({"private"}, "a container has no part of its host."),
            "ipc": ({"private", "none", "shareable"}, "a container has no part of its host."),
        }
        for name, (fine, reason) in usual.items():
            given = self._entry.get(name)
            if given is not None and given.value is not False and given.plain() not in {*fine, "false"}:
                self._notes.add(given.path, reason)

    def _flag(self, name: str) -> bool:
        given = self._entry.get(name)
        return given is not None and given.flag()

    def _words(self, name: str) -> tuple[str, ...]:
        given = self._entry.get(name)
        found = () if given is None else tuple(given.words())
        if given is not None and not found and name == "entrypoint":
            self._notes.add(given.path, "the entrypoint of an image can be replaced, and not left out.")
        return found

    # Environment and labels.

    def _environment(self) -> dict[str, str]:
        """Those of the files, then those of the service; a name alone has the value that it has here."""
        found: dict[str, str | None] = {}
        given = self._entry.get("env_file")
        for each in [] if given is None else [given] if given.is_text() else given.items():
            found |= self._env_file(each)
        own = self._entry.get("environment")
        found |= own.pairs() if own else {}
        here = self._context.variables.values
        return {
            name: here[name] if value is None else value
            for name, value in found.items()
            if value is not None or name in here
        }

    def _env_file(self, given: Field) -> dict[str, str | None]:
        entry = None if given.is_text() else given.map().checked({"path", "required", "format"}, {}, self._notes)
        path = given if entry is None else entry.get("path")
        if path is None:
            raise given.wrong("it has no path.")
        required, form = (entry.get("required"), entry.get("format")) if entry else (None, None)
        file = self._context.directory / path.text()
        if required is not None and not required.flag() and not file.is_file():
            return {}
        raw = form is not None and form.word("raw", "dotenv") == "raw"
        text = self._context.content(path).decode(errors="replace")
        return files.assignments(text, path.text(), self._context.variables.values, literally=raw)

    def _labels(self) -> dict[str, str]:
        given = self._entry.get("labels")
        return {name: value or "" for name, value in given.pairs().items()} if given else {}

    # Limits, number, restarts.

    def _deploy(self) -> Map:
        given = self._entry.get("deploy")
        known = {"mode", "replicas", "resources", "restart_policy"}
        service = "a container has them as labels of the service."
        rolling = "a service that changed is stopped and made anew."
        ignored = {
            "labels": service,
            "update_config": rolling,
            "rollback_config": rolling,
            "placement": "the cloud chooses where containers run.",
            "endpoint_mode": "the name of a service leads to the addresses of all its containers.",
        }
        return (given or Field({}, self._entry.at("deploy"))).map().checked(known, ignored, self._notes)

    def _replicas(self) -> int:
        deploy = self._deploy()
        mode = deploy.get("mode")
        if mode is not None and mode.text() != "replicated":
            self._notes.add(mode.path, "the number of containers is that of replicas, wherever they run.")
        given = [each for each in (self._entry.get("scale"), deploy.get("replicas")) if each is not None]
        numbers = [each.whole(0, MOST_REPLICAS) for each in given]
        if len(set(numbers)) > 1:
            raise given[0].wrong(f"{given[1].path} says another number.")
        return numbers[0] if numbers else 1

    def _limits(self) -> tuple[float | None, int | None]:
        """Cores and MiB."""
        resources = self._deploy().get("resources")
        entry = (resources or Field({}, "")).map()
        kept = "what a container may have at the most is kept for it; see limits."
        entry.checked({"limits"}, {"reservations": kept}, self._notes)
        limits = (entry.get("limits") or Field({}, "")).map()
        ignored = {"pids": "a container may have any number of processes.", "devices": "a container has no devices."}
        limits.checked({"cpus", "memory"}, ignored, self._notes)
        cpus = limits.get("cpus") or self._entry.get("cpus")
        memory = limits.get("memory") or self._entry.get("mem_limit")
        return (
            cpus.number(_LEAST_CPU, _MOST_CPU) if cpus and cpus.text() not in {"0", "0.0"} else None,
            _mebibytes(memory) if memory and memory.size() else None,
        )

    def _restart(self) -> str:
        given, policy = self._entry.get("restart"), self._deploy().get("restart_policy")
        if policy is not None:
            return self._restart_policy(policy)
        if given is None or given.value is False:
            return ""
        form = r"no|always|unless-stopped|on-failure(:[0-9]{1,3})?"
        found = given.matching(form, "no, always, unless-stopped or on-failure[:times]")
        return "" if found == "no" else found

    def _restart_policy(self, policy: Field) -> str:
        timing = "a container is started again at once."
        entry = policy.map().checked({"condition", "max_attempts"}, {"delay": timing, "window": timing}, self._notes)
        condition, most = entry.get("condition"), entry.get("max_attempts")
        asked = condition.word("none", "on-failure", "any") if condition else "any"
        if asked == "on-failure" and most is not None:
            return f"on-failure:{most.whole(0, 999)}"
        return {"none": "", "on-failure": "on-failure", "any": "always"}[asked]

    # Health.

    def _health(self) -> Health | None:
        given = self._entry.get("healthcheck")
        if given is None:
            return None
        entry = given.map().checked(
            {"test", "interval", "timeout", "retries", "start_period", "disable"},
            {"start_interval": "a check comes at every interval."},
            self._notes,
        )
        disabled, test = entry.get("disable"), entry.get("test")
        words = [] if test is None or test.is_text() else test.words()
        if (disabled is not None and disabled.flag()) or words == ["NONE"]:
            self._notes.add(given.path, "the healthcheck of an image can be replaced, and not switched off.")
            return None
        if test is None:
            raise given.wrong("it has no test; that of the image cannot be changed in part.")
        interval = _whole_seconds(entry.get("interval"), 30)
        retries = entry.get("retries")
        most, spared = retries.whole(1, 1000) if retries else 3, entry.get("start_period")
        # The Container API knows no start period: failures in it are made up for by more of them.
        extra = math.ceil(spared.seconds() / interval) if spared else 0
        return Health(_test(test, words), interval, _whole_seconds(entry.get("timeout"), 30), min(most + extra, 1000))

    # Networks, files, order.

    def _plugs(self) -> tuple[Plug, ...]:
        given = self._entry.get("networks")
        if given is None or given.value in ([], {}):
            return (Plug(DEFAULT),)
        entries = (
            [(name, each) for name, each in given.map()]
            if given.is_map()
            else [(each.text(), Field(None, each.path)) for each in given.items()]
        )
        found: list[tuple[float, Plug]] = []
        for name, each in entries:
            if name not in self._networks and name != DEFAULT:
                raise each.wrong(f"the file describes no network {name}.")
            found.append(self._plug(name, each))
        # The first network is where names are looked up; the one with the highest priority comes first.
        return tuple(plug for _, plug in sorted(found, key=lambda pair: -pair[0]))

    def _plug(self, name: str, given: Field) -> tuple[float, Plug]:
        ignored = {
            "ipv6_address": "networks of projects have IPv4 only.",
            "link_local_ips": "a container has no such addresses.",
            "mac_address": "the cloud chooses it.",
            "driver_opts": "there are none.",
            "interface_name": "interfaces are called eth0, eth1 and so on.",
            "gw_priority": "the way out is by the first network.",
        }
        entry = (given if given.value is not None else Field({}, given.path)).map()
        entry.checked({"aliases", "ipv4_address", "priority"}, ignored, self._notes)
        address, aliases, priority = entry.get("ipv4_address"), entry.get("aliases"), entry.get("priority")
        others = tuple(each for each in (aliases.texts() if aliases else ()) if each != self._name)
        for each in others:
            if aliases is not None and not re.fullmatch(_HOST, each):
                raise aliases.wrong(f"{each!r} is no host name.")
        if address is not None:
            try:
                ipaddress.IPv4Address(address.text())
            except ValueError as error:
                raise address.wrong(f"{address.value!r} is no IPv4 address.") from error
            if self._replicas() > 1:
                raise address.wrong("several containers cannot have one address.")
        rank = priority.number(-math.inf) if priority else 0.0
        return rank, Plug(name, address.text() if address else "", others)

    def _dns(self) -> tuple[str, ...]:
        """Name servers that those of its networks ask."""
        given = self._entry.get("dns")
        found = given.texts() if given else []
        for each in found:
            if given is not None and not re.fullmatch(r"[0-9.]{7,15}", each):
                raise given.wrong(f"{each!r} is no IPv4 address of a name server.")
        return tuple(found)

    def _extra_hosts(self) -> tuple[tuple[str, str], ...]:
        """Names and addresses. Wrong: an address is none; host-gateway is noted, as there is no way to a host."""
        given = self._entry.get("extra_hosts")
        found = []
        for name, address in self._named_hosts(given) if given else ():
            if address == "host-gateway":
                self._notes.add(self._entry.at("extra_hosts"), f"{name}: {_NO_HOST}")
            elif given is not None and not re.fullmatch(rf"{_HOST} \[?[0-9a-fA-F.:]+\]?", f"{name} {address}"):
                raise given.wrong(f"{name!r} and {address!r} are no host name and address.")
            else:
                found.append((name, address.strip("[]")))
        return tuple(found)

    def _named_hosts(self, given: Field) -> list[tuple[str, str]]:
        if given.is_map():
            return [(name, address) for name, each in given.map() for address in each.texts()]
        pairs = []
        for each in given.items():
            name, sign, address = each.text().partition("=")
            if not sign:
                name, _, address = name.partition(":")
            pairs.append((name, address))
        return pairs

    def _aliases(self) -> dict[str, str]:
        """What ``links`` calls other services."""
        found = {}
        for each in links.items() if (links := self._entry.get("links")) else ():
            name, _, alias = each.text().partition(":")
            if alias and alias != name:
                found[name] = Field(alias, each.path).matching(_HOST, "a host name")
        return found

    def _files(self) -> tuple[Any, ...]:
        found = [
            *mounts.volumes(self._entry.get("volumes"), self._volumes, self._context)[1],
            *mounts.contents(self._entry.get("secrets"), "secrets", self._context),
            *mounts.contents(self._entry.get("configs"), "configs", self._context),
        ]
        paths = [file.path for file in found]
        for path in paths:
            if paths.count(path) > 1:
                raise files.Wrong(self._entry.path, f"{path} is given twice, by volumes, secrets or configs.")
        return tuple(found)

    def _dependencies(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in links.items() if (links := self._entry.get("links")) else ():
            name = each.text().partition(":")[0]
            found[self._known(name, each)] = "started"
        given = self._entry.get("depends_on")
        if given is not None and given.is_map():
            for name, each in given.map():
                entry = each.map().checked(
                    {"condition", "required"},
                    {"restart": "a service is not started again with another one."},
                    self._notes,
                )
                required, condition = entry.get("required"), entry.get("condition")
                if required is not None and not required.flag() and name not in self._services:
                    continue
                asked = condition.word(*_CONDITIONS) if condition else "service_started"
                found[self._known(name, each)] = _CONDITIONS[asked]
        elif given is not None:
            for each in given.items():
                found[self._known(each.text(), each)] = "started"
        return found

    def _known(self, name: str, given: Field) -> str:
        if name not in self._services:
            raise given.wrong(f"there is no service {name}, or its profile is not asked for.")
        return name


def _mebibytes(given: Field) -> int:
    found = -(-given.size() >> 20)
    if not _LEAST_MEMORY <= found <= _MOST_MEMORY:
        raise given.wrong(f"{given.value!r} is not between {_LEAST_MEMORY}m and {_MOST_MEMORY}m.")
    return found


def _whole_seconds(given: Field | None, default: int) -> int:
    """At least one: the Container API counts whole seconds."""
    return default if given is None else min(max(math.ceil(given.seconds()), 1), 86400)


def _test(given: Field, words: list[str]) -> str:
    """The command of a healthcheck, for a shell."""
    if given.is_text():
        found = given.text()
    elif words[:1] == ["CMD-SHELL"] and len(words) == 2:
        found = words[1]
    elif words[:1] == ["CMD"] and len(words) > 1:
        found = shlex.join(words[1:])
    else:
        raise given.wrong("it is a text, or a list that begins with CMD, CMD-SHELL or NONE.")
    if len(found) > _LONGEST_TEST:
        raise given.wrong(f"it has more than {_LONGEST_TEST} characters; put it into a script.")
    return found
