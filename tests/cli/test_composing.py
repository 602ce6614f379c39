"""From Compose files to templates, as a table: what each key becomes, what is noted, and what is refused, each with its place."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from boxship.cli import compose_files as files
from boxship.cli import compose_model as model
from boxship.cli import compose_names, composing
from boxship.cli import compose_reading as reading
from boxship.cli.compose_fields import Field, Map, Notes
from boxship.cli.failure import Failure

Document = dict[str, Any]


class Composed:
    """What a file becomes."""

    def __init__(self, text: str | Document, directory: Path = Path("/nowhere"), **environment: str) -> None:
        document = files.parse(text if isinstance(text, str) else yaml.safe_dump(text, sort_keys=False), "compose.yaml")
        variables, self._notes = files.Variables(environment), Notes()
        profiles = frozenset(filter(None, environment.get("COMPOSE_PROFILES", "").split(",")))
        context = reading.Context(directory, variables, profiles, self._notes, {})
        self.project = reading.read(files.filled(document, variables), "p", context)
        composing.check_addresses(self.project)
        made = composing.compose(self.project, self._notes, {})
        self.document, self.secrets = made.document, made.secrets
        self.resources: Document = made.document["resources"]

    @property
    def notes(self) -> dict[str, str]:
        return {note.path: note.reason for note in self._notes.found}

    def container(self, name: str = "web:1") -> Document:
        return dict(self.resources[f"service:{name}"]["properties"])

    def of(self, kind: str) -> list[str]:
        return [name for name in self.resources if name.partition(":")[0] == kind]


def one(**keys: Any) -> Document:
    """A file with one service."""
    return {"services": {"web": {"image": "busybox", **keys}}}


def two(**keys: Any) -> Document:
    """A service and another one that it may need; ``keys`` are those of the first."""
    health = {"test": "true"}
    return {"services": {"web": {"image": "busybox", **keys}, "db": {"image": "busybox", "healthcheck": health}}}


PROPERTIES: list[tuple[Document, Document]] = [
    ({"command": "httpd -f '-p 80'"}, {"command": "httpd -f '-p 80'"}),
    ({"command": ["sh", "-c", "echo $$HOME"]}, {"command": "sh -c 'echo $HOME'"}),
    ({"command": []}, {"command": None}),
    ({"entrypoint": "sh -c"}, {"entrypoint": ["sh", "-c"]}),
    ({"entrypoint": ["sh", "-c"]}, {"entrypoint": ["sh", "-c"]}),
    (
        {"environment": {"A": "1", "B": 2, "C": True, "D": ""}},
        {"environment": {"A": "1", "B": "2", "C": "true", "D": ""}},
    ),
    ({"environment": ["A=x=y", "HERE", "NOT_HERE"]}, {"environment": {"A": "x=y", "HERE": "here"}}),
    ({"working_dir": "/srv"}, {"workdir": "/srv"}),
    ({"hostname": "front"}, {"hostname": "front"}),
    ({"tty": True, "stdin_open": "true"}, {"tty": True, "interactive": True}),
    ({"tty": False}, {"tty": None}),
    ({"privileged": True}, {"privileged": True}),
    ({"container_name": "the-web"}, {"name": "the-web"}),
    ({}, {"name": "p-web-1", "image": "busybox"}),
    ({"restart": "no"}, {"restart_policy": None}),
    ({"restart": "always"}, {"restart_policy": "always"}),
    ({"restart": "on-failure:3"}, {"restart_policy": "on-failure:3"}),
    ({"restart": "unless-stopped"}, {"restart_policy": "unless-stopped"}),
    ({"deploy": {"restart_policy": {"condition": "any"}}}, {"restart_policy": "always"}),
    (
        {"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 2}}},
        {"restart_policy": "on-failure:2"},
    ),
    ({"deploy": {"restart_policy": {"condition": "none"}}}, {"restart_policy": None}),
    ({"deploy": {"resources": {"limits": {"cpus": "0.5", "memory": "512M"}}}}, {"cpu": 0.5, "memory": 512}),
    ({"cpus": 1.5, "mem_limit": "1.5gb"}, {"cpu": 1.5, "memory": 1536}),
    ({"mem_limit": 67108865}, {"memory": 65}),
    ({"mem_limit": 0}, {"memory": None}),
    (
        {"healthcheck": {"test": ["CMD", "wget", "a b"], "interval": "1m30s", "timeout": "500ms", "retries": 5}},
        {"healthcheck": {"cmd": "wget 'a b'", "interval": 90, "timeout": 1, "retries": 5}},
    ),
    (
        {"healthcheck": {"test": ["CMD-SHELL", "a || b"], "interval": "5s", "start_period": "12s"}},
        {"healthcheck": {"cmd": "a || b", "interval": 5, "timeout": 30, "retries": 6}},
    ),
    (
        {"healthcheck": {"test": "a | b"}},
        {"healthcheck": {"cmd": "a | b", "interval": 30, "timeout": 30, "retries": 3}},
    ),
    ({"volumes": ["/cache"]}, {"mounts": [{"mount_path": "/cache", "volume_size": 1}]}),
    ({"extra_hosts": ["a:1.2.3.4", "b=::1"]}, {"files": [{"path": "/etc/hosts"}]}),
    ({"expose": ["80"], "ipc": "private", "pull_policy": "missing", "init": False}, {"name": "p-web-1"}),
]


@pytest.mark.parametrize(("keys", "properties"), PROPERTIES)
def test_what_a_container_is(keys: Document, properties: Document) -> None:
    made = Composed(one(**keys), HERE="here")
    shown = made.container()
    for file in shown.get("files", ()):
        file.pop("content")
    assert {name: shown.get(name) for name in properties} == properties
    assert made.notes == {}


def test_labels_are_joined_by_the_project() -> None:
    labels = Composed(one(labels=["a=b", "c"])).container()["labels"]
    assert labels == {"a": "b", "c": "", "io.boxship.compose.project": "p", "io.boxship.compose.service": "web"}


NOTED: list[tuple[Document, str, str]] = [
    ({"cap_add": ["NET_ADMIN"]}, "services.web.cap_add", "privileged is all or nothing"),
    ({"user": "1000"}, "services.web.user", "as their image says"),
    ({"logging": {"driver": "syslog"}}, "services.web.logging", "boxship logs"),
    ({"devices": ["/dev/null"]}, "services.web.devices", "no part of its host"),
    ({"ulimits": {"nofile": 9}}, "services.web.ulimits", "cpus and memory"),
    ({"read_only": True}, "services.web.read_only", "writable"),
    ({"stop_grace_period": "1m"}, "services.web.stop_grace_period", "10 seconds"),
    ({"pull_policy": "always"}, "services.web.pull_policy", "only administrators"),
    ({"init": True}, "services.web.init", "its command"),
    ({"entrypoint": []}, "services.web.entrypoint", "not left out"),
    ({"deploy": {"mode": "global"}}, "services.web.deploy.mode", "that of replicas"),
    ({"deploy": {"placement": {"constraints": ["x"]}}}, "services.web.deploy.placement", "the cloud chooses"),
    ({"deploy": {"update_config": {"parallelism": 1}}}, "services.web.deploy.update_config", "made anew"),
    (
        {"deploy": {"resources": {"reservations": {"memory": "1g"}}}},
        "services.web.deploy.resources.reservations",
        "see limits",
    ),
    ({"healthcheck": {"disable": True}}, "services.web.healthcheck", "not switched off"),
    ({"healthcheck": {"test": ["NONE"]}}, "services.web.healthcheck", "not switched off"),
    (
        {"healthcheck": {"test": "x", "start_interval": "1s"}},
        "services.web.healthcheck.start_interval",
        "every interval",
    ),
    ({"ports": ["127.0.0.1:80:80"]}, "services.web.ports[0]", "not published"),
    ({"ports": ["10.1.2.3:80:80"]}, "services.web.ports[0]", "not at 10.1.2.3"),
    ({"ports": ["80/sctp"]}, "services.web.ports[0]", "only tcp and udp"),
    ({"ports": ["80:80"], "scale": 2}, "services.web.ports[0]", "the first of the 2 containers"),
    ({"volumes": ["./nowhere:/x"]}, "services.web.volumes[0]", "nothing of this host"),
    ({"volumes": ["/:/host"]}, "services.web.volumes[0]", "a directory of this host"),
    ({"volumes": [{"type": "tmpfs", "target": "/x"}]}, "services.web.volumes[0]", "no tmpfs"),
    ({"extra_hosts": ["host.docker.internal:host-gateway"]}, "services.web.extra_hosts", "no way to a host"),
    ({"networks": {"default": {"mac_address": "x"}}}, "services.web.networks.default.mac_address", "the cloud chooses"),
    ({"environment": ["A=$NOWHERE"]}, "", ""),
]


@pytest.mark.parametrize(("keys", "path", "reason"), NOTED)
def test_what_is_not_honoured_is_told(keys: Document, path: str, reason: str) -> None:
    notes = Composed(one(**keys)).notes
    assert list(notes) == ([path] if path else [])
    assert reason in notes.get(path, "")


WRONG: list[tuple[Document | str, str]] = [
    (one(build="."), "services.web.build: images are not built here"),
    (one(extends={"service": "x"}), "services.web.extends: services do not extend others"),
    (one(network_mode="host"), "services.web.network_mode: a container has networks of the cloud"),
    ({"services": {"web": {}}}, "services.web: it has no image"),
    ({"services": {}}, "services: there are none"),
    ({"volumes": {}}, "services: there are none"),
    ({"services": ["web"]}, "services: it has to be a map, and it is a list"),
    ({"services": {"web": "busybox"}}, "services.web: it has to be a map, and it is a text"),
    ({"services": {"a/b": {"image": "x"}}}, "services.a/b: the name of a service"),
    (one(imagee="x"), "services.web.imagee: a Compose file has no such key here"),
    ({**one(), "servces": {}}, "servces: a Compose file has no such key here"),
    (one(command={"a": 1}), "services.web.command: it has to be a list"),
    (one(command="'a"), "services.web.command: its quotes are not closed"),
    (one(environment="A"), "services.web.environment: it has to be a list"),
    (one(environment=["=x"]), "services.web.environment[0]: '=x' is not NAME=value"),
    (one(environment={"A": ["x"]}), "services.web.environment.A: it has to be a text, and it is a list"),
    (one(tty="perhaps"), "services.web.tty: it has to be true or false"),
    (one(working_dir="srv"), "services.web.working_dir: 'srv' is not an absolute path"),
    (one(hostname="a.b"), "services.web.hostname: 'a.b' is not a host name of one label"),
    (one(restart="sometimes"), "services.web.restart: 'sometimes' is not no, always"),
    (one(cpus="many"), "services.web.cpus: 'many' is no number"),
    (one(cpus=64), "services.web.cpus: 64 is no number up to 16"),
    (one(mem_limit="1x"), "services.web.mem_limit: '1x' is no amount of bytes"),
    (one(mem_limit="1m"), "services.web.mem_limit: '1m' is not between 4m and 8192m"),
    (one(scale=-1), "services.web.scale: '-1' is no whole number"),
    (one(scale=2, deploy={"replicas": 3}), "services.web.scale: services.web.deploy.replicas says another"),
    (one(scale=2, container_name="x1"), "services.web.container_name: 2 containers cannot have one name"),
    (one(healthcheck={"interval": "1s"}), "services.web.healthcheck: it has no test"),
    (one(healthcheck={"test": ["true"]}), "services.web.healthcheck.test: it is a text, or a list that begins with"),
    (one(healthcheck={"test": "x" * 256}), "services.web.healthcheck.test: it has more than 255 characters"),
    (one(healthcheck={"test": "x", "interval": "soon"}), "services.web.healthcheck.interval: 'soon' is no duration"),
    (one(ports="80"), "services.web.ports: it has to be a list"),
    (one(ports=["http"]), "services.web.ports[0]: 'http' is not [address:][outside:]inside"),
    (one(ports=["70000"]), "services.web.ports[0]: 70000 is no port"),
    (one(ports=["80-82:80-81"]), "services.web.ports[0]: the two ranges have to be of one length"),
    (one(ports=[{"published": "80"}]), "services.web.ports[0]: it has no target"),
    (one(ports=["80:80", "80:81"]), "services.web.ports[1]: the port 80/tcp is taken by services.web.ports[0]"),
    (one(volumes=["data:/data"]), "services.web.volumes[0]: the file describes no volume data"),
    (one(volumes=["/a", "/a"]), "services.web.volumes: /a is there twice"),
    (one(volumes=["data:data"]), "services.web.volumes[0]: 'data' is no absolute path"),
    (one(volumes=[{"source": "x"}]), "services.web.volumes[0]: it has no type"),
    (one(networks=["front"]), "services.web.networks[0]: the file describes no network front"),
    (one(networks={"default": {"ipv4_address": "x"}}), "services.web.networks.default.ipv4_address: 'x' is no IPv4"),
    (
        {
            **one(networks={"n": {"ipv4_address": "10.9.9.9"}}),
            "networks": {"n": {"ipam": {"config": [{"subnet": "10.8.0.0/24"}]}}},
        },
        "services.web.networks.n.ipv4_address: 10.9.9.9 is not in 10.8.0.0/24",
    ),
    (
        {**one(), "networks": {"n": {"ipam": {"config": [{"subnet": "x"}]}}}},
        "networks.n.ipam.config[0].subnet: 'x' is no range",
    ),
    (
        {**one(), "networks": {"n": {"ipam": {"config": [{"subnet": "10.8.0.0/24", "gateway": "10.9.0.1"}]}}}},
        "networks.n.ipam.config[0].gateway: '10.9.0.1' is no address in 10.8.0.0/24",
    ),
    ({**one(), "volumes": {"v": {"driver_opts": {"size": "0"}}}}, "volumes.v.driver_opts.size: '0' is no size"),
    (one(secrets=["pw"]), "services.web.secrets[0]: the file describes no secret pw"),
    ({**one(), "secrets": {"pw": {}}}, "secrets.pw: it has to have one of environment, file"),
    ({**one(), "secrets": {"pw": {"external": True}}}, "secrets.pw.external: the cloud keeps no secrets"),
    ({**one(), "secrets": {"pw": {"file": "nowhere"}}}, "secrets.pw.file: the file nowhere cannot be read"),
    ({**one(), "configs": {"c": {"environment": "NOWHERE"}}}, "configs.c.environment: the variable NOWHERE is not set"),
    (two(depends_on=["cache"]), "services.web.depends_on[0]: there is no service cache"),
    (two(depends_on={"db": {"condition": "ready"}}), "services.web.depends_on.db.condition: 'ready' is none of"),
    (
        {
            "services": {
                "web": {"image": "x", "depends_on": {"db": {"condition": "service_healthy"}}},
                "db": {"image": "x"},
            }
        },
        "services.web.depends_on: db has no healthcheck",
    ),
    (
        {"services": {"a": {"image": "x", "depends_on": ["b"]}, "b": {"image": "x", "links": ["a"]}}},
        "services.a.depends_on: a needs itself in the end",
    ),
    (one(image="${A:?say which}"), "services.web.image: the variable A has to be set: say which"),
    (one(image="${A"), "services.web.image: the brace of '${A' is not closed"),
    (one(image="a$"), "services.web.image: '$' is no variable"),
    (one(image="${A/b}"), "services.web.image: '${A/b}' is none of"),
    (one(env_file="nowhere.env"), "services.web.env_file: the file nowhere.env cannot be read"),
    ("services: [", "compose.yaml, line 1: "),
    ("a: 1\na: 2", "compose.yaml, line 1: a is there twice"),
    ("- 1", "compose.yaml: a Compose file is a map"),
]


@pytest.mark.parametrize(("document", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_is_wrong_is_told_with_its_place(document: Document | str, sentence: str) -> None:
    with pytest.raises(Failure) as failed:
        Composed(document)
    assert failed.value.sentence.startswith(sentence), failed.value.sentence


# Ports.

PORTS: list[tuple[Any, list[tuple[int, int, str]]]] = [
    ("80", [(80, 80, "tcp")]),
    ("8080:80", [(8080, 80, "tcp")]),
    ("53:53/udp", [(53, 53, "udp")]),
    ("0.0.0.0:8080:80", [(8080, 80, "tcp")]),
    ("8000-8002:90-92", [(8000, 90, "tcp"), (8001, 91, "tcp"), (8002, 92, "tcp")]),
    ("90-91", [(90, 90, "tcp"), (91, 91, "tcp")]),
    ("22:22", [(22, 22, "tcp")]),
    ({"target": 80, "published": "8080", "protocol": "tcp", "mode": "ingress", "name": "web"}, [(8080, 80, "tcp")]),
    ({"target": 80}, [(80, 80, "tcp")]),
]


@pytest.mark.parametrize(("given", "ways"), PORTS)
def test_ports_are_forwarded(given: Any, ways: list[tuple[int, int, str]]) -> None:
    made = Composed(
        f"services: {{web: {{image: x, ports: [{given}]}}}}" if isinstance(given, str) else one(ports=[given])
    )
    found = [made.resources[name]["properties"] for name in made.of("forward")]
    assert [(each["external_port"], each["internal_port_number"], each["protocol"]) for each in found] == ways
    rules = made.resources["published:web"]["properties"]["rules"]
    assert [(rule["port_range_min"], rule["protocol"]) for rule in rules] == [
        (inside, protocol) for _, inside, protocol in ways
    ]
    told = made.document["outputs"]["published"]["value"]
    assert [(each["port"], each["inside"], each["protocol"]) for each in told] == ways
    assert made.notes == {}


def test_members_share_a_range_of_ports() -> None:
    made = Composed(one(ports=["8000-8002:80"], scale=3))
    assert made.of("forward") == [f"forward:web:{number}:{7999 + number}:tcp" for number in (1, 2, 3)]
    assert made.notes == {}


def test_a_port_without_a_number_outside_gets_a_free_one() -> None:
    document = {"services": {"a": {"image": "x", "ports": ["80"]}, "b": {"image": "x", "ports": ["80:1"]}}}
    made = Composed(document)
    own, other = (made.resources[name]["properties"]["external_port"] for name in made.of("forward"))
    assert (own, other >= 32768) == (80, True)
    assert Composed(document).resources == made.resources, "the same every time"


def test_the_way_in_and_out() -> None:
    made = Composed(one(ports=["80"]))
    assert made.document["parameters"]["public_network"]["default"] == "public"
    gateway = made.resources["router"]["properties"]["external_gateway_info"]
    assert gateway == {"network": {"get_param": "public_network"}}
    assert made.resources["leg:default"]["properties"]["subnet"] == {"get_resource": "subnet:default"}
    forward = made.resources["forward:web:1:80:tcp"]["properties"]
    assert forward["floating_ip"] == {"get_resource": "address"}
    assert forward["internal_port"] == {"get_resource": "port:web:1:default"}


def test_internal_networks_have_no_way() -> None:
    made = Composed({**one(ports=["80"], networks=["n"]), "networks": {"n": {"internal": True}}})
    assert [*made.of("router"), *made.of("leg"), *made.of("address"), *made.of("forward"), *made.of("published")] == []
    assert "parameters" not in made.document
    assert "outputs" not in made.document
    assert made.notes["services.web.ports"].startswith("all networks of the service are internal")


# Networks.


def test_networks() -> None:
    networks = {
        "n": {"ipam": {"config": [{"subnet": "10.8.0.0/24", "gateway": "10.8.0.9", "ip_range": "10.8.0.0/28"}]}},
        "unused": {},
        "office": {"external": True, "name": "corporate"},
    }
    made = Composed({**one(networks=["n", "office"], ports=["80"]), "networks": networks})
    assert made.of("network") == ["network:n"]
    subnet = made.resources["subnet:n"]["properties"]
    assert (subnet["cidr"], subnet["gateway_ip"]) == ("10.8.0.0/24", "10.8.0.9")
    assert subnet["allocation_pools"] == [{"start": "10.8.0.1", "end": "10.8.0.15"}]
    port = made.resources["port:web:1:office"]["properties"]
    assert (port["network"], port["security_groups"], port["dns_name"]) == ("corporate", ["default"], "web")
    assert [each["port"] for each in made.container()["networks"]] == [
        {"get_resource": "port:web:1:n"},
        {"get_resource": "port:web:1:office"},
    ]


def test_ranges_do_not_depend_on_others() -> None:
    def ranges(*keys: str) -> dict[str, str]:
        made = Composed({**one(networks=list(keys)), "networks": {key: {} for key in keys}})
        return {name: made.resources[name]["properties"]["cidr"] for name in made.of("subnet")}

    all = ranges("a", "b", "c")
    assert len(set(all.values())) == 3
    assert ranges("b") == {"subnet:b": all["subnet:b"]}


def test_an_external_network_has_a_floating_ip_of_its_own() -> None:
    document = {
        "services": {
            "a": {"image": "x", "ports": ["80"], "networks": ["office"]},
            "b": {"image": "x", "ports": ["81"]},
        },
        "networks": {"office": {"external": True}},
    }
    assert Composed(document).of("address") == ["address:office", "address"]


def test_services_are_called_by_their_names() -> None:
    made = Composed({"services": {"My_Web": {"image": "x"}}})
    assert made.resources["port:My_Web:1:default"]["properties"]["dns_name"] == "my-web"


def test_dns_is_asked_by_the_network() -> None:
    subnet = Composed(one(dns=["9.9.9.9"])).resources["subnet:default"]["properties"]
    assert subnet["dns_nameservers"] == ["9.9.9.9"]


def hosts(made: Composed, name: str) -> dict[str, list[str]]:
    """What /etc/hosts of a container says beside itself and localhost."""
    found: dict[str, list[str]] = {}
    for file in made.container(name).get("files", ()):
        if file["path"] == "/etc/hosts":
            for line in base64.b64decode(file["content"]).decode().splitlines()[2:]:
                address, *names = line.split()
                for each in names:
                    found.setdefault(each, []).append(address)
    found.pop(f"p-{name.replace(':', '-')}", None)
    return found


def test_names_on_other_networks_and_aliases() -> None:
    document = {
        "services": {
            "web": {"image": "x", "networks": ["front", "back"], "links": ["db:database"]},
            "db": {"image": "x", "networks": {"back": {"aliases": ["store"]}}, "scale": 2},
            "proxy": {"image": "x", "networks": ["front"]},
        },
        "networks": {"front": {}, "back": {}},
    }
    made = Composed(document)
    found = hosts(made, "web:1")
    addresses = [made.resources[f"port:db:{at}:back"]["properties"]["fixed_ips"][0]["ip_address"] for at in (1, 2)]
    assert found == {"db": addresses, "store": addresses, "database": addresses}
    assert hosts(made, "proxy:1") == {}
    assert "files" not in made.container("proxy:1"), "its network's name service is enough"
    assert "fixed_ips" not in made.resources["port:proxy:1:front"]["properties"]
    (pool,) = made.resources["subnet:back"]["properties"]["allocation_pools"]
    assert all(ipaddress.ip_address(each) < ipaddress.ip_address(pool["start"]) for each in addresses)


def test_addresses_that_are_asked_for_are_nobody_elses() -> None:
    ranged = {"ipam": {"config": [{"subnet": "10.8.0.0/29"}]}}
    service = {"image": "x", "networks": {"n": {"ipv4_address": "10.8.0.4"}}}
    made = Composed({"services": {"web": service}, "networks": {"n": ranged}})
    assert made.resources["port:web:1:n"]["properties"]["fixed_ips"] == [{"ip_address": "10.8.0.4"}]
    pools = made.resources["subnet:n"]["properties"]["allocation_pools"]
    assert pools == [{"start": "10.8.0.2", "end": "10.8.0.3"}, {"start": "10.8.0.5", "end": "10.8.0.6"}]


def test_a_network_that_is_full() -> None:
    """Who finds no address is found by nobody, which is no reason to fail here; the cloud says what is wrong."""
    network = model.Network("n", "n", range=model.Range("10.0.0.0/30"))
    assert compose_names.Names({}, {}).pools(network) == [("10.0.0.2", "10.0.0.2")]


# Volumes, files, order.


def test_volumes() -> None:
    document = {
        **one(
            volumes=[
                "data:/data",
                "old:/old:ro",
                {"type": "volume", "source": "data", "target": "/more", "read_only": True},
            ]
        ),
        "volumes": {
            "data": {"driver_opts": {"size": "10g"}},
            "old": {"external": True, "name": "archive"},
            "unused": {},
        },
    }
    made = Composed(document)
    assert made.of("volume") == ["volume:data"]
    volume = made.resources["volume:data"]
    assert (volume["deletion_policy"], volume["properties"]["size"], volume["properties"]["name"]) == (
        "retain",
        10,
        "p_data",
    )
    assert "external_id" not in volume
    assert made.container()["mounts"] == [
        {"mount_path": "/data", "volume_id": {"get_resource": "volume:data"}},
        {"mount_path": "/old", "volume_id": "archive", "read_only": True},
        {"mount_path": "/more", "volume_id": {"get_resource": "volume:data"}, "read_only": True},
    ]
    again = composing.compose(made.project, Notes(), {"data": "some-id"}).document
    assert again["resources"]["volume:data"]["external_id"] == "some-id"


@pytest.mark.parametrize(("size", "gibibytes"), [("1", 1), ("10", 10), ("1500m", 2), ("2gb", 2), ("1t", 1024)])
def test_sizes_of_volumes(size: str, gibibytes: int) -> None:
    document = {**one(volumes=["v:/v"]), "volumes": {"v": {"driver_opts": {"size": size}}}}
    assert Composed(document).resources["volume:v"]["properties"]["size"] == gibibytes


def test_secrets_and_configs(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hush")
    (tmp_path / "nginx.conf").write_text("listen")
    document = {
        **one(
            secrets=["pw", {"source": "token", "target": "/etc/token", "mode": "0400"}],
            configs=[{"source": "text", "target": "/etc/text"}, "text"],
            volumes=["./nginx.conf:/etc/nginx.conf:ro"],
        ),
        "secrets": {"pw": {"file": "./pw"}, "token": {"environment": "TOKEN"}},
        "configs": {"text": {"content": "user ${NAME}"}},
    }
    made = Composed(document, tmp_path, TOKEN="abc", NAME="joe")
    found = {file["path"]: file["content"] for file in made.container()["files"]}
    assert found["/run/secrets/pw"] == {"get_param": "secret:pw"}
    assert found["/etc/token"] == {"get_param": "secret:token"}
    assert base64.b64decode(found["/etc/text"]) == base64.b64decode(found["/text"]) == b"user joe"
    assert base64.b64decode(found["/etc/nginx.conf"]) == b"listen"
    assert {name: base64.b64decode(value) for name, value in made.secrets.items()} == {
        "secret:pw": b"hush",
        "secret:token": b"abc",
    }
    assert all(made.document["parameters"][name]["hidden"] for name in made.secrets)
    assert list(made.notes) == ["services.web.volumes[0]", "services.web.secrets[1].mode"]


ORDERS: list[tuple[Any, str | None]] = [
    (["db"], None),
    ({"db": {"condition": "service_started"}}, None),
    ({"db": {"condition": "service_healthy"}}, "healthy"),
    ({"db": {"condition": "service_completed_successfully"}}, "completed"),
]


@pytest.mark.parametrize(("given", "awaited"), ORDERS)
def test_order(given: Any, awaited: str | None) -> None:
    made = Composed(two(depends_on=given))
    assert made.resources["service:web:1"]["depends_on"] == ["service:db:1"]
    assert made.container("db:1").get("wait_for") == awaited


def test_what_need_not_be_there() -> None:
    made = Composed(two(depends_on={"cache": {"condition": "service_started", "required": False}}))
    assert "depends_on" not in made.resources["service:web:1"]


def test_profiles() -> None:
    document = {"services": {"web": {"image": "x"}, "debug": {"image": "x", "profiles": ["debug"]}}}
    assert Composed(document).of("service") == ["service:web:1"]
    assert Composed(document, COMPOSE_PROFILES="debug").of("service") == ["service:web:1", "service:debug:1"]


def test_env_files(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=1\nB=${HERE}-$A\nC='$A'\nD=\"x\\ny\" # z\nHERE\n\n# no\nexport E=a # b\n")
    (tmp_path / "b.env").write_text("A=2\nRAW='x' # y\n")
    files_given = ["a.env", {"path": "b.env", "format": "raw"}, {"path": "nowhere.env", "required": False}]
    made = Composed(one(env_file=files_given, environment={"F": "6"}), tmp_path, HERE="here")
    assert made.container()["environment"] == {
        **{"A": "2", "B": "here-1", "C": "$A", "D": "x\ny", "HERE": "here", "E": "a"},
        **{"RAW": "'x' # y", "F": "6"},
    }


VARIABLES: list[tuple[str, str]] = [
    ("$A-${A}", "1-1"),
    ("$$A", "$A"),
    ("${E}x", "x"),
    ("${E:-d}${E-d}", "d"),
    ("${N:-d}${N-d}", "dd"),
    ("${A:-d}", "1"),
    ("${N:-${A}}", "1"),
    ("${N:-a}b}", "ab}"),
    ("${A:+y}${E:+y}${E+y}${N+y}", "yy"),
    ("${A:?no}${E?no}", "1"),
]


@pytest.mark.parametrize(("given", "filled"), VARIABLES)
def test_variables(given: str, filled: str) -> None:
    assert files.expand(given, files.Variables({"A": "1", "E": ""}), "x") == filled


def test_a_variable_that_is_not_set_is_told() -> None:
    variables = files.Variables({})
    assert files.expand("$N${N}", variables, "x") == ""
    assert variables.missing == ["N"]


def test_plain_scalars_stay_what_they_are() -> None:
    text = "a: no\nb: 22:22\nc: 0644\nd: 1.10\ne: true\nf: ~\ng:\nh: &x {i: 1}\nj: {<<: *x, k: nothing}\n80: x\n"
    assert files.parse(text, "x") == {
        **{"a": "no", "b": "22:22", "c": "0644", "d": "1.10", "e": True, "f": None, "g": None},
        **{"h": {"i": "1"}, "j": {"i": "1", "k": "nothing"}, "80": "x"},
    }


NAMES: list[tuple[str | None, Document, Mapping[str, str], str]] = [
    ("given", {"name": "own"}, {"COMPOSE_PROJECT_NAME": "env"}, "given"),
    (None, {"name": "own"}, {"COMPOSE_PROJECT_NAME": "env"}, "env"),
    (None, {"name": "own"}, {}, "own"),
    (None, {}, {}, "my-shop2"),
]


@pytest.mark.parametrize(("given", "document", "environment", "name"), NAMES)
def test_the_name_of_the_project(
    given: str | None, document: Document, environment: Mapping[str, str], name: str
) -> None:
    assert reading.project_name(given, Map(document, ""), Path("/srv/My-Shop.2"), environment) == name


@pytest.mark.parametrize("name", ["Shop", "1shop", "a", "a.b", "x" * 64])
def test_what_a_project_cannot_be_called(name: str) -> None:
    with pytest.raises(Failure, match="Choose one with -p"):
        reading.project_name(name, Map({}, ""), Path("/"), {})


# What goes before a change.


def test_what_leaves_before_a_change() -> None:
    document = Composed({**two(depends_on=["db"], ports=["80"], volumes=["v:/v"]), "volumes": {"v": {}}}).document
    gone = composing.leaving(document, {"service:db:1", "volume:v", "unknown"}, set())
    assert gone == {"service:db:1"}
    fewer = composing.without(document, gone)
    assert set(document["resources"]) - set(fewer["resources"]) == gone
    assert "depends_on" not in fewer["resources"]["service:web:1"]
    assert composing.leaving(document, set(), {"port:web:1:default"}) == {"forward:web:1:80:tcp"}
    everything = composing.leaving(document, {"subnet:default"}, set())
    assert set(document["resources"]) - everything == {
        *("router", "volume:v", "address", "published:web", "members:default")
    }


def test_every_resource_has_a_name_of_its_own() -> None:
    """Names of services and networks cannot be put together so that two resources become one."""
    document = {
        "services": {
            "a": {"image": "x", "networks": ["1-b", "b"]},
            "a-1": {"image": "x", "networks": ["b"]},
        },
        "networks": {"1-b": {}, "b": {}},
    }
    assert len(Composed(document).of("port")) == 3


def test_a_field_says_what_it_is() -> None:
    assert Field("1h2m", "x").seconds() == 3720
