"""From Compose files to templates, as a table: what each key becomes, and what is noted, each with its place."""

from __future__ import annotations

import base64
import ipaddress
from pathlib import Path
from typing import Any

import pytest

from boxship.cli.compose import model, names, translation
from boxship.cli.compose.fields import Notes
from tests.cli.composed import Composed, Document, one, two

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
    assert all(ipaddress.IPv4Address(each) < ipaddress.IPv4Address(pool["start"]) for each in addresses)


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
    assert names.Names({}, {}).pools(network) == [("10.0.0.2", "10.0.0.2")]


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
    again = translation.compose(made.project, Notes(), {"data": "some-id"}).document
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


# What goes before a change.


def test_what_leaves_before_a_change() -> None:
    document = Composed({**two(depends_on=["db"], ports=["80"], volumes=["v:/v"]), "volumes": {"v": {}}}).document
    gone = translation.leaving(document, {"service:db:1", "volume:v", "unknown"}, set())
    assert gone == {"service:db:1"}
    fewer = translation.without(document, gone)
    assert set(document["resources"]) - set(fewer["resources"]) == gone
    assert "depends_on" not in fewer["resources"]["service:web:1"]
    assert translation.leaving(document, set(), {"port:web:1:default"}) == {"forward:web:1:80:tcp"}
    everything = translation.leaving(document, {"subnet:default"}, set())
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
