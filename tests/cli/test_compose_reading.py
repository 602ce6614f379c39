"""Compose files read: variables, files beside them, names; and what is wrong in them, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from boxship.cli.compose import files, merging, reading
from boxship.cli.compose.fields import Field, Map
from boxship.cli.failure import Failure
from tests.cli.composed import Composed, Document, one, two

WRONG: list[tuple[Document | str, str]] = [
    (one(build="."), "services.web.build: images are not built here"),
    (one(extends={"service": "x"}), "services.web.extends: there is no service x"),
    (
        one(extends={"service": "web", "file": "x.yaml"}),
        "services.web.extends.file: a service extends one of the same file",
    ),
    (one(extends="web"), "services.web.extends: web extends itself in the end"),
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


def test_a_field_says_what_it_is() -> None:
    assert Field("1h2m", "x").seconds() == 3720


MERGED: list[tuple[Document, Document, Document]] = [
    ({"image": "a"}, {"image": "b"}, {"image": "b"}),
    ({"command": ["a", "b"]}, {"command": ["c"]}, {"command": ["c"]}),
    ({"environment": ["A=1", "B"]}, {"environment": {"A": "2"}}, {"environment": {"A": "2", "B": None}}),
    (
        {"environment": {"dns": "1", "test": "x"}},
        {"environment": {"dns": "2"}},
        {"environment": {"dns": "2", "test": "x"}},
    ),
    ({"ports": ["80", "81"]}, {"ports": ["81", "82"]}, {"ports": ["80", "81", "82"]}),
    ({"volumes": ["a:/a", "b:/b"]}, {"volumes": ["c:/a:ro"]}, {"volumes": ["b:/b", "c:/a:ro"]}),
    (
        {"volumes": ["a:/a"]},
        {"volumes": [{"type": "volume", "target": "/a"}]},
        {"volumes": [{"type": "volume", "target": "/a"}]},
    ),
    ({"env_file": "a"}, {"env_file": ["b"]}, {"env_file": ["a", "b"]}),
    ({"networks": ["a"]}, {"networks": {"b": {"priority": 1}}}, {"networks": {"a": None, "b": {"priority": 1}}}),
    (
        {"depends_on": ["a"]},
        {"depends_on": {"a": {"condition": "service_healthy"}}},
        {"depends_on": {"a": {"condition": "service_healthy"}}},
    ),
    (
        {"healthcheck": {"test": ["CMD", "a"], "retries": 1}},
        {"healthcheck": {"test": ["CMD", "b"]}},
        {"healthcheck": {"test": ["CMD", "b"], "retries": 1}},
    ),
    ({"deploy": {"replicas": 2}}, {"deploy": None}, {"deploy": {"replicas": 2}}),
]


@pytest.mark.parametrize(("under", "over", "found"), MERGED)
def test_files_are_laid_over_one_another(under: Document, over: Document, found: Document) -> None:
    first: Document = {"services": {"web": under}}
    second: Document = {"services": {"web": over, "db": {}}}
    assert merging.merged(first, second) == {"services": {"web": found, "db": {}}}
    first, second = {"services": {"test": under}, "x-a": 1}, {"services": {"test": over}, "networks": {}}
    assert merging.merged(first, second) == {"services": {"test": found}, "x-a": 1, "networks": {}}


def test_services_extend_others() -> None:
    document = {
        "services": {
            "base": {"image": "x", "environment": ["A=1"], "depends_on": ["db"], "profiles": ["never"]},
            "web": {"extends": {"service": "base"}, "environment": {"B": "2"}, "profiles": None},
            "db": {"image": "x", "extends": "web", "profiles": ["never"]},
        }
    }
    assert merging.extended(document)["services"]["web"] == {
        "image": "x",
        "environment": {"A": "1", "B": "2"},
        "depends_on": ["db"],
        "profiles": ["never"],
    }


def test_an_override_is_found(tmp_path: Path) -> None:
    for name in ("docker-compose.yml", "docker-compose.override.yml"):
        (tmp_path / name).write_text("services: {}")
    assert [path.name for path in files.find(tmp_path)] == ["docker-compose.yml", "docker-compose.override.yml"]
    (tmp_path / "compose.yaml").write_text("services: {}")
    assert [path.name for path in files.find(tmp_path)] == ["compose.yaml"]
