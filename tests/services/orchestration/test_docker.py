"""DockerInc::Docker::Container: in this cloud, and on an engine that a template names, made once whoever is killed when."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from boxship.core import errors
from boxship.services.orchestration.resources import docker
from tests import cloud
from tests.services.orchestration.stacks import Stacks, template

ENDPOINT = "tcp://engine.example:2376"


class ScriptedEngine:
    """An engine that keeps its containers in a dictionary; only what the type asks."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.images: set[str] = set()
        self.opened: list[str] = []
        self.refuses = False

    @asynccontextmanager
    async def open(self, endpoint: str) -> AsyncIterator[ScriptedEngine]:
        self.opened.append(endpoint)
        yield self

    async def json(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        if path == "/containers/json":
            (label,) = json.loads(query["filters"])["label"]
            name, _, value = label.partition("=")
            return [{"Id": id} for id, each in self.containers.items() if each["Config"]["Labels"].get(name) == value]
        if path.startswith("/images/"):
            if path.removeprefix("/images/").removesuffix("/json") not in self.images:
                raise errors.Absent("No such image")
            return {}
        if path == "/containers/create":
            id = f"c{len(self.containers)}"
            state = {"Status": "created", "Running": False, "ExitCode": 0}
            self.containers[id] = {
                "Id": id,
                "Name": query["name"],
                "State": state,
                "Config": body,
                "Host": body["HostConfig"],
            }
            if self.refuses:
                raise errors.Busy("The answer got lost.")
            return {"Id": id}
        id, _, verb = path.removeprefix("/containers/").partition("/")
        if method == "DELETE":
            del self.containers[id]
        elif verb in {"start", "stop"}:
            running = verb == "start"
            self.containers[id]["State"] = {
                "Status": "running" if running else "exited",
                "Running": running,
                "ExitCode": 0,
            }
        return self.containers.get(id) and {
            **self.containers[id],
            "NetworkSettings": {
                "IPAddress": "172.17.0.2",
                "Gateway": "172.17.0.1",
                "Ports": {"80/tcp": [{"HostPort": "8080"}]},
            },
        }

    async def content(self, method: str, path: str, body: object = None, /, **query: Any) -> bytes:
        del method, path, body, query
        return b"".join(b"\x01\0\0\0" + len(line).to_bytes(4, "big") + line for line in (b"first\n", b"last\n"))

    async def lines(self, method: str, path: str, data: object = None, /, **query: Any) -> AsyncIterator[Any]:
        del method, path, data
        self.images.add(query["fromImage"].removesuffix(":latest"))
        yield {"status": "done"}


def container(**properties: Any) -> dict[str, Any]:
    return template({"one": {"type": "DockerInc::Docker::Container", "properties": {"image": "busybox", **properties}}})


async def test_a_container_of_this_cloud(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running)
        await stacks.ask("POST", "/network/v2.0/networks", json={"network": {"name": "n"}})
        networks = (await stacks.ask("GET", "/network/v2.0/networks?name=n"))["networks"]
        subnet = {"network_id": networks[0]["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
        await stacks.ask("POST", "/network/v2.0/subnets", json={"subnet": subnet})
        wanted = container(
            name="web",
            hostname="web",
            memory=100 << 20,
            cpu_shares=512,
            env=["A=1", "B=x=y"],
            cmd=["sleep", "9"],
            port_specs=["80", "53/udp"],
            restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
        )
        stack = await stacks.create("s", wanted)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        shown = await stacks.resource("s", "one")
        path = f"/container/v1/containers/{shown['physical_resource_id']}"
        row = await stacks.ask("GET", path, headers={"OpenStack-API-Version": "container 1.40"})
        assert (row["name"], row["hostname"], row["memory"], row["cpu"]) == ("web", "web", "100", 0.5)
        assert (row["environment"], row["command"]) == ({"A": "1", "B": "x=y"}, ["sleep", "9"])
        assert row["restart_policy"] == {"Name": "on-failure", "MaximumRetryCount": "3"}
        attributes = shown["attributes"]
        assert attributes["network_ip"].startswith("10.9.0.")
        assert attributes["network_gateway"] == "10.9.0.1"
        assert (attributes["network_tcp_ports"], attributes["network_udp_ports"]) == ("80", "53")
        assert attributes["info"]["uuid"] == shown["physical_resource_id"]
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"port_bindings": {"80": 8080}}, "OS::Neutron::FloatingIPPortForward"),
        ({"cap_add": ["NET_ADMIN"]}, "cap_add: containers of this cloud do not have it"),
        ({"volumes": {"data": "/data"}}, "volumes.data: give {bind: path in the container}"),
        ({"restart_policy": {"Name": "never"}}, "restart_policy.Name"),
    ],
)
async def test_what_this_cloud_cannot_do(tmp_path: Path, properties: dict[str, Any], said: str) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        body = {"stack_name": "s", "template": container(**properties)}
        answer = await running.request("alice", "POST", Stacks(running).path, json=body)
        assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True), answer.text


async def test_an_engine_elsewhere_is_for_admins(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stack = await Stacks(running).create("s", container(docker_endpoint=ENDPOINT))
        assert stack["stack_status"] == "CREATE_FAILED"
        assert "Policy does not allow stacks:use_docker_endpoint" in stack["stack_status_reason"]


async def test_a_container_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine()
    monkeypatch.setattr("boxship.app.RemoteEngines", lambda certificates: engine)
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        wanted = {
            "docker_endpoint": ENDPOINT,
            "port_bindings": {"80": "127.0.0.1:8080"},
            "volumes": {"/srv": {"bind": "/data", "ro": True}},
            "cap_drop": ["ALL"],
            "devices": [{"path_on_host": "/dev/null"}],
        }
        stack = await stacks.create("s", container(**wanted))
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        ((id, made),) = engine.containers.items()
        assert made["Host"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
        assert (made["Host"]["Binds"], made["Host"]["CapDrop"]) == (["/srv:/data:ro"], ["ALL"])
        assert made["Host"]["Devices"][0]["PathInContainer"] == "/dev/null"
        shown = await stacks.resource("s", "one")
        assert shown["physical_resource_id"] == id
        attributes = shown["attributes"]
        assert (attributes["logs"], attributes["logs_head"], attributes["logs_tail"]) == (
            "first\nlast\n",
            "first",
            "last",
        )
        assert (attributes["network_ip"], attributes["network_tcp_ports"]) == ("172.17.0.2", "8080")
        for action, runs in (("suspend", False), ("resume", True)):
            await stacks.ask("POST", f"{stacks.path}/s/{stack['id']}/actions", json={action: None})
            assert (await stacks.ended("s"))["stack_status"] == f"{action.upper()}_COMPLETE"
            assert engine.containers[id]["State"]["Running"] is runs
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"
        assert engine.containers == {}
    assert set(engine.opened) == {ENDPOINT}


async def test_a_lost_answer_makes_no_second_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine()
    engine.refuses = True
    monkeypatch.setattr("boxship.app.RemoteEngines", lambda certificates: engine)
    async with cloud.running(tmp_path) as running:
        stack = await Stacks(running, "admin").create("s", container(docker_endpoint=ENDPOINT))
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        assert len(engine.containers) == 1


def test_logs_of_two_streams() -> None:
    assert docker.plain(b"\x01\0\0\0\0\0\0\x02a\n\x02\0\0\0\0\0\0\x01b") == "a\nb"
    assert docker.plain(b"\x01\0\0") == ""
