"""Every action in every status: asked where it is legal, and refused with 409 everywhere else, by Zun's own table."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from boxship.services.container import states
from boxship.services.container.store import containers as store
from tests import cloud as clouds

Status, Wish = states.Status, states.Wish

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "commit": ("POST", "/commit?repository=mine", None),
    "delete": ("DELETE", "", None),
    "delete_force": ("DELETE", "?force=true", None),
    "delete_after_stop": ("DELETE", "?stop=true", None),
    "start": ("POST", "/start", None),
    "stop": ("POST", "/stop", None),
    "reboot": ("POST", "/reboot", None),
    "rebuild": ("POST", "/rebuild", None),
    "pause": ("POST", "/pause", None),
    "unpause": ("POST", "/unpause", None),
    "kill": ("POST", "/kill", None),
    "execute": ("POST", "/execute?command=true", None),
    "execute_resize": ("POST", f"/execute_resize?exec_id={'0' * 64}&w=80&h=24", None),
    "attach": ("GET", "/attach", None),
    "resize": ("POST", "/resize?w=80&h=24", None),
    "top": ("GET", "/top", None),
    "stats": ("GET", "/stats", None),
    "get_archive": ("GET", "/get_archive?path=/tmp", None),
    "put_archive": ("POST", "/put_archive?path=/tmp", {"data": base64.b64encode(b"\0" * 1024).decode()}),
    "logs": ("GET", "/logs", None),
    "update": ("PATCH", "", {"name": "other"}),
    "add_security_group": ("POST", "/add_security_group?name=default", None),
    "remove_security_group": ("POST", "/remove_security_group?name=default", None),
    "resize_container": ("POST", "/resize_container", {"cpu": 0.5}),
    "network_attach": ("POST", "/network_attach?network=other", None),
    "network_detach": ("POST", "/network_detach?network=private", None),
}
OLD = {"add_security_group", "remove_security_group"}
"""They ended with 1.14; all others are there in 1.40."""

SHOWN: dict[states.Status, dict[str, Any]] = {
    Status.DELETING: {"wish": Wish.GONE},
    Status.REBUILDING: {"rebuilds": 1},
    Status.RESTARTING: {"reboots": 1},
}
"""What makes a status that is not stored as such."""


class Stage:
    """A container that is put into any status, in a cloud whose reconcilers stand still."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self.cloud = cloud
        self.id = ""

    async def ask(self, user: str, method: str, path: str, body: Any = None, version: str = "1.40") -> httpx.Response:
        headers = {"OpenStack-API-Version": f"container {version}"}
        return await self.cloud.request(user, method, path, json=body, headers=headers)

    async def set(self) -> None:
        for name, cidr in (("private", "10.0.0.0/24"), ("other", "10.1.0.0/24")):
            made = await self.ask("alice", "POST", "/network/v2.0/networks", {"network": {"name": name}})
            subnet = {"network_id": made.json()["network"]["id"], "ip_version": 4, "cidr": cidr}
            await self.ask("alice", "POST", "/network/v2.0/subnets", {"subnet": subnet})
        wish = {"image": "busybox", "nets": [{"network": "private"}], "interactive": True}
        made = await self.ask("alice", "POST", "/container/v1/containers?run=true", wish)
        assert made.status_code == 202, made.text
        self.id = made.json()["uuid"]

    async def be(self, status: states.Status) -> None:
        """Put the container into this status, whatever was asked of it before."""
        async with self.cloud.program.database.write() as transaction:
            values = SHOWN.get(status, {"status": status})
            as_new = {"wish": Wish.RUNNING, "rebuilds": 0, "reboots": 0, "kills": 0, "resizes": 0, "generation": 1}
            seen = {"status": Status.RUNNING, "observed": 1, "started": 1}
            await store.record(transaction, self.id, **as_new | seen | values)
        shown = (await self.ask("alice", "GET", f"/container/v1/containers/{self.id}")).json()
        assert shown["status"] == status


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with clouds.running(tmp_path / "state", start=False) as cloud:
        made = Stage(cloud)
        await made.set()
        yield made


def test_every_rule_has_a_request() -> None:
    assert REQUESTS.keys() == states.LEGAL.keys()


@pytest.mark.parametrize("action", sorted(REQUESTS))
async def test_an_action_is_refused_where_it_is_not_legal(stage: Stage, action: str) -> None:
    method, path, body = REQUESTS[action]
    user = "admin" if action == "delete_force" else "alice"
    place = f"/container/v1/containers/{stage.id}{path}{'&all_projects=true' if user == 'admin' else ''}"
    for status in Status:
        await stage.be(status)
        answer = await stage.ask(user, method, place, body, "1.14" if action in OLD else "1.40")
        refused = answer.status_code == 409 and f"in {status} state" in answer.text
        legal = status in states.LEGAL[action]
        assert refused is not legal, f"{action} in {status}: {answer.status_code} {answer.text}"
        assert not legal or answer.status_code < 500, f"{action} in {status}: {answer.text}"
