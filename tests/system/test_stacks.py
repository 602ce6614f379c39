"""``openstack stack`` of the official client, unmodified, on a real cloud: an application of three tiers on real containers,
networks and volumes, from birth to death, and every command that the client has."""

from __future__ import annotations

import json
import secrets
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system import audit
from tests.system.clients import ROOT, Clients
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

THREE_TIERS = str(ROOT / "docs" / "templates" / "three-tiers.yaml")


class Stacks:
    """The commands of stacks, with what they show."""

    def __init__(self, openstack: Clients) -> None:
        self._openstack = openstack
        self.json = openstack.json
        self.run = openstack.run

    def show(self, name: str) -> dict[str, Any]:
        return dict(self.json("stack", "show", name))

    def becomes(self, name: str, status: str, seconds: float = 60) -> dict[str, Any]:
        """The stack once it is so. AssertionError: it is not, or failed."""

        def reached() -> bool:
            seen = self.show(name)
            assert "FAILED" in status or "FAILED" not in seen["stack_status"], seen["stack_status_reason"]
            return bool(seen["stack_status"] == status)

        until(reached, f"{name} is {status}", seconds, pause=0.2)
        return self.show(name)


@pytest.fixture
def stacks(cloud: Installation, openstack: Clients) -> Iterator[Stacks]:
    """At the end no stack is left, and the host is as the database says."""
    found = Stacks(openstack)
    yield found
    for stack in found.json("stack", "list"):
        found.run("stack", "delete", "--yes", stack["ID"])
    until(lambda: found.json("stack", "list") == [], "no stack is left", 60, pause=0.3)
    audit.assert_sound(cloud)


@pytest.fixture
def name() -> str:
    return f"st-{secrets.token_hex(3)}"


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (an address of this host)
        return str(answer.read().decode())


class Watch:
    """Fetches a page again and again, and counts how often nobody answered."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[str] = []
        self.missed: list[str] = []

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            try:
                self.seen.append(page(self._url))
            except OSError as error:
                self.missed.append(str(error))


def test_an_application_of_three_tiers(stacks: Stacks, name: str) -> None:
    stacks.run("stack", "create", "-t", THREE_TIERS, "--parameter", "greeting=hello", name)
    stack = stacks.becomes(name, "CREATE_COMPLETE")
    url = next(output["output_value"] for output in stack["outputs"] if output["output_key"] == "url")
    until(lambda: page(url).split("\n")[:2] == ["hello from 0", "first"], "all three tiers answer", 20)

    with Watch(url) as watch:
        stacks.run("stack", "update", "--existing", "--parameter", "members=5", name)
        stacks.becomes(name, "UPDATE_COMPLETE")
        stacks.run("stack", "update", "--existing", "--parameter", "greeting=good day", name)
        stacks.becomes(name, "UPDATE_COMPLETE", 120)
        until(lambda: page(url).startswith("good day from"), "the new members answer", 20)
        stacks.run("stack", "update", "--existing", "--parameter", "members=2", name)
        stacks.becomes(name, "UPDATE_COMPLETE")
    assert watch.seen
    assert not [answer for answer in watch.seen if "from" not in answer], "somebody answered all the time"
    assert not watch.missed

    stacks.run("stack", "update", "--existing", "--rollback", "enabled", "--parameter", "image=no-such-image", name)
    stacks.becomes(name, "ROLLBACK_COMPLETE", 120)
    assert page(url).startswith("good day from")

    stacks.run("stack", "suspend", name)
    stacks.becomes(name, "SUSPEND_COMPLETE")
    stacks.run("stack", "resume", name)
    stacks.becomes(name, "RESUME_COMPLETE")
    until(lambda: page(url).startswith("good day from"), "it answers again", 20)

    saved = snapshot(stacks, name)
    stacks.run("appcontainer", "exec", "database", "sh", "-c", "echo second > /data/www/index.html")
    assert page(url).split("\n")[1] == "second"
    stacks.run("stack", "snapshot", "restore", name, saved)
    stacks.becomes(name, "RESTORE_COMPLETE", 120)
    until(lambda: page(url).split("\n")[:2] == ["good day from 0", "first"], "the data are those of the snapshot", 20)
    stacks.run("stack", "delete", "--yes", "--wait", name)


def snapshot(stacks: Stacks, name: str, *words: str) -> str:
    """A snapshot of the stack, taken; its id."""
    made = stacks.json("stack", "snapshot", "create", *words, name)["ID"]

    def is_taken() -> bool:
        shown = stacks.json("stack", "snapshot", "show", name, made)
        return bool(shown.get("snapshot", shown)["status"] == "COMPLETE")

    until(is_taken, "the snapshot is taken", 30)
    return str(made)


def docker_template(**properties: str) -> dict[str, Any]:
    wanted = {
        "image": "busybox",
        "cmd": ["sh", "-c", "echo one; echo two; trap exit TERM; sleep 900 & wait"],
        **properties,
    }
    container = {"type": "DockerInc::Docker::Container", "properties": wanted}
    output = {"value": {"get_attr": ["one", "logs_head"]}}
    return {"heat_template_version": "2021-04-16", "resources": {"one": container}, "outputs": {"said": output}}


def test_containers_in_the_words_of_docker(
    stacks: Stacks, cloud: Installation, engine: Engine, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "docker.json"
    path.write_text(json.dumps(docker_template(docker_endpoint=f"unix://{engine.socket}", name=name)))
    refused = stacks._openstack.end("stack", "create", "-t", str(path), "--wait", name)
    assert "use_docker_endpoint" in stacks.show(name)["stack_status_reason"], refused.errors
    stacks.run("stack", "delete", "--yes", "--wait", name)
    stacks._openstack.run("stack", "create", "-t", str(path), "--wait", name, cloud="boxship-admin")
    try:
        shown = stacks._openstack.json("stack", "output", "show", name, "said", cloud="boxship-admin")
        assert shown["output_value"] == "one"
        assert engine.docker("inspect", "--format", "{{.State.Running}}", name).strip() == "true"
    finally:
        stacks._openstack.run("stack", "delete", "--yes", "--wait", name, cloud="boxship-admin")
    assert name not in engine.docker("ps", "--all", "--format", "{{.Names}}")

    here = docker_template()
    subnet = {"network": {"get_resource": "net"}, "cidr": "10.63.0.0/24"}
    here["resources"]["net"] = {"type": "OS::Neutron::Net"}
    here["resources"]["subnet"] = {"type": "OS::Neutron::Subnet", "properties": subnet}
    here["resources"]["one"]["depends_on"] = "subnet"
    path.write_text(json.dumps(here))
    stacks.run("stack", "create", "-t", str(path), "--wait", name)
    until(lambda: stacks.json("stack", "output", "show", name, "said")["output_value"] == "one", "it says one")
    stacks.run("stack", "delete", "--yes", "--wait", name)


NOTHING = {
    "heat_template_version": "2021-04-16",
    "description": "what needs nobody",
    "parameters": {"length": {"type": "number", "default": 8}, "value": {"type": "string", "default": "one"}},
    "resources": {
        "text": {"type": "OS::Heat::RandomString", "properties": {"length": {"get_param": "length"}}},
        "thing": {"type": "OS::Heat::TestResource", "properties": {"value": {"get_param": "value"}}},
        "handle": {"type": "OS::Heat::WaitConditionHandle"},
    },
    "outputs": {"text": {"description": "some text", "value": {"get_attr": ["text", "value"]}}},
}


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(NOTHING))
    return str(path)


def test_commands_of_stacks(stacks: Stacks, name: str, template: str, tmp_path: Path) -> None:
    dry = stacks.json("stack", "create", "--dry-run", "-t", template, name)
    assert dry["stack_name"] == name
    stacks.run("stack", "create", "-t", template, "--tags", "a,b", "--wait", name)
    assert stacks.show(name)["stack_status"] == "CREATE_COMPLETE"
    (listed,) = stacks.json("stack", "list", "--tags", "a")
    assert (listed["Stack Name"], listed["Stack Status"]) == (name, "CREATE_COMPLETE")
    assert stacks.json("stack", "list", "--nested")
    assert {row["resource_name"] for row in stacks.json("stack", "resource", "list", name)} == {
        "text",
        "thing",
        "handle",
    }
    assert stacks.json("stack", "resource", "show", name, "thing")["attributes"]["output"] == "one"
    assert stacks.json("stack", "resource", "metadata", name, "thing") == {}
    stacks.run("stack", "resource", "signal", name, "handle", "--data", '{"status": "SUCCESS"}')
    stacks.run("stack", "resource", "mark", "unhealthy", name, "thing", "tired")
    assert stacks.json("stack", "resource", "show", name, "thing")["resource_status"] == "CHECK_FAILED"
    stacks.run("stack", "resource", "mark", "unhealthy", "--reset", name, "thing")
    events = stacks.json("stack", "event", "list", name)
    assert events
    event = next(row for row in events if row["resource_name"] == "text")
    assert stacks.json("stack", "event", "show", name, "text", event["id"])["resource_name"] == "text"
    assert stacks.json("stack", "output", "list", name)[0]["output_key"] == "text"
    assert len(stacks.json("stack", "output", "show", name, "text")["output_value"]) == 8
    assert stacks.json("stack", "template", "show", name)["description"] == "what needs nobody"
    assert stacks.json("stack", "environment", "show", name)["parameters"] == {}
    assert stacks.json("stack", "file", "list", name) == {"files": {}}
    update = ("stack", "update", "-t", template, "--parameter", "length=9")
    stacks.run(*update, "--dry-run", name)
    stacks.run(*update, "--wait", name)
    assert stacks.show(name)["stack_status"] == "UPDATE_COMPLETE"
    assert len(stacks.json("stack", "output", "show", name, "text")["output_value"]) == 9
    for action in ("check", "suspend", "resume"):
        stacks.run("stack", action, "--wait", name)
    saved = snapshot(stacks, name, "--name", "before")
    assert [row["id"] for row in stacks.json("stack", "snapshot", "list", name)] == [saved]
    stacks.run("stack", "snapshot", "restore", name, saved)
    stacks.becomes(name, "RESTORE_COMPLETE")
    stacks.run("stack", "snapshot", "delete", "--yes", name, saved)
    kept = tmp_path / "kept.json"
    stacks.run("stack", "export", "--output-file", str(kept), name)
    stacks.run("stack", "abandon", "--output-file", str(kept), name)
    stacks.run("stack", "adopt", "--adopt-file", str(kept), "--wait", name)
    assert stacks.show(name)["stack_status"] == "ADOPT_COMPLETE"
    stacks.run("stack", "delete", "--yes", "--wait", name)


def test_commands_of_orchestration(stacks: Stacks, name: str, template: str, tmp_path: Path) -> None:
    assert stacks.json("orchestration", "build", "info")
    types = {row["Resource Type"] for row in stacks.json("orchestration", "resource", "type", "list")}
    assert {"OS::Zun::Container", "OS::Heat::ResourceGroup", "OS::Cinder::Volume"} <= types
    shown = stacks.json("orchestration", "resource", "type", "show", "OS::Heat::RandomString")
    assert shown["properties"]["length"]["default"] == 32
    versions = stacks.json("orchestration", "template", "version", "list")
    assert "heat_template_version.2021-04-16" in {row["Version"] for row in versions}
    functions = stacks.json("orchestration", "template", "function", "list", "heat_template_version.2021-04-16")
    assert "get_attr" in {row["Functions"] for row in functions}
    assert stacks.json("orchestration", "template", "validate", "-t", template)["Description"] == "what needs nobody"
    services = stacks._openstack.json("orchestration", "service", "list", cloud="boxship-admin")
    assert services[0]["Status"] == "up"
    config_file = tmp_path / "config.sh"
    config_file.write_text("echo hello")
    config = stacks.json("software", "config", "create", "--config-file", str(config_file), "--group", "script", name)
    assert [row["id"] for row in stacks.json("software", "config", "list")] == [config["id"]]
    assert stacks.json("software", "config", "show", config["id"])["config"] == "echo hello"
    transport = ("--signal-transport", "NO_SIGNAL")
    deployment = stacks.json(
        "software", "deployment", "create", "--config", config["id"], "--server", name, *transport, f"{name}-deployed"
    )
    assert stacks.json("software", "deployment", "show", deployment["id"])["server_id"] == name
    assert json.loads(stacks.run("software", "deployment", "metadata", "show", name))[0]["group"] == "script"
    assert [row["id"] for row in stacks.json("software", "deployment", "list")] == [deployment["id"]]
    stacks.run("software", "deployment", "delete", deployment["id"])
    for left in stacks.json("software", "config", "list"):
        stacks.run("software", "config", "delete", left["id"])
