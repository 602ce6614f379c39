"""OS::Zun::Container: what this cloud adds to upstream's properties, and when a container counts as made."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests import cloud
from tests.services.orchestration.stacks import Stacks, template

UPSTREAM = {
    *("name", "image", "command", "cpu", "memory", "environment", "workdir", "labels", "image_pull_policy", "networks"),
    *("restart_policy", "interactive", "tty", "image_driver", "hints", "hostname", "security_groups", "mounts"),
}
HEADERS = {"OpenStack-API-Version": "container 1.40"}


def made(**properties: Any) -> dict[str, Any]:
    subnet = {"network": {"get_resource": "net"}, "cidr": "10.9.0.0/24"}
    wanted = {"image": "busybox", "networks": [{"network": {"get_resource": "net"}}], **properties}
    return template(
        {
            "net": {"type": "OS::Neutron::Net"},
            "subnet": {"type": "OS::Neutron::Subnet", "properties": subnet},
            "one": {"type": "OS::Zun::Container", "properties": wanted},
        }
    )


async def test_what_is_added_says_so(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        path = Stacks(running).path.replace("stacks", "resource_types/OS::Zun::Container")
        shown = (await Stacks(running).ask("GET", path))["properties"]
    added = {name for name, each in shown.items() if each["description"].startswith("An addition of this cloud: ")}
    assert added == {"entrypoint", "privileged", "healthcheck", "files", "exposed_ports", "wait_for"}
    assert set(shown) - added == UPSTREAM


async def test_the_additions_reach_the_container(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        content = base64.b64encode(b"hello").decode()
        stack = await stacks.create(
            "s",
            made(
                entrypoint=["sh", "-c"],
                command="'sleep 9'",
                privileged=True,
                healthcheck={"cmd": "pgrep sleep", "interval": 2, "retries": 5},
                files=[{"path": "/etc/greeting", "content": content}],
                exposed_ports=["80", "53/udp"],
                wait_for="healthy",
            ),
        )
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        shown = await stacks.resource("s", "one")
        row = await stacks.ask("GET", f"/container/v1/containers/{shown['physical_resource_id']}", headers=HEADERS)
        assert (row["entrypoint"], row["command"], row["privileged"]) == (["sh", "-c"], ["sleep 9"], True)
        assert row["healthcheck"] == {"test": "pgrep sleep", "interval": 2, "retries": 5, "timeout": 30}
        assert row["ports"] == [53, 80]
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "status", "reason"),
    [
        ({"wait_for": "completed", "command": "true"}, "CREATE_COMPLETE", "completed"),
        ({"wait_for": "completed", "command": "false"}, "CREATE_FAILED", "was to end well and ended with exit code 1"),
        ({"wait_for": "started", "command": "false"}, "CREATE_COMPLETE", "completed"),
        (
            {"wait_for": "healthy", "healthcheck": {"cmd": "false"}, "command": "sleep 9"},
            "CREATE_FAILED",
            "was to become healthy and is unhealthy",
        ),
        (
            {"wait_for": "healthy", "healthcheck": {"cmd": "true"}, "command": "exit 3"},
            "CREATE_FAILED",
            "was to become healthy and has stopped with exit code 3",
        ),
    ],
)
async def test_when_it_counts_as_made(tmp_path: Path, properties: dict[str, Any], status: str, reason: str) -> None:
    async with cloud.running(tmp_path) as running:
        stack = await Stacks(running).create("s", made(**properties))
        assert (stack["stack_status"], reason in stack["stack_status_reason"]) == (status, True), stack


async def test_what_waits_for_health_comes_later(tmp_path: Path) -> None:
    """An update that asks for more waits for it too."""
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running)
        check = {"cmd": "true"}
        assert (await stacks.create("s", made(healthcheck=check)))["stack_status"] == "CREATE_COMPLETE"
        before = await stacks.resource("s", "one")
        stack = await stacks.update("s", made(healthcheck=check, wait_for="healthy"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await stacks.resource("s", "one"))["physical_resource_id"] == before["physical_resource_id"]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"wait_for": "healthy"}, "wait_for: healthy needs a healthcheck"),
        ({"wait_for": "perhaps"}, "wait_for"),
        ({"exposed_ports": ["80"], "security_groups": ["default"]}, "exposed_ports, security_groups"),
        ({"healthcheck": {"interval": 2}}, "cmd"),
        ({"files": [{"path": "/x"}]}, "content"),
    ],
)
async def test_what_cannot_be(tmp_path: Path, properties: dict[str, Any], said: str) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        body = {"stack_name": "s", "template": made(**properties)}
        answer = await running.request("alice", "POST", Stacks(running).path, json=body)
        assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True), answer.text
