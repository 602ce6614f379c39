"""Every microversion of Zun that changes what may be asked, from both sides (Zun, rest_api_version_history), but for the
three that docs/decisions/0005 leaves open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from boxship.services.container import api
from tests import cloud as clouds

ONE = "/v1/containers/web"

ROUTES: list[tuple[str, str, str, str | None]] = [
    ("GET", "/v1/hosts", "1.4", None),
    ("GET", "/v1/hosts/any", "1.4", None),
    ("GET", f"{ONE}/network_list", "1.13", None),
    ("POST", f"{ONE}/rename", "1.1", "1.13"),
    ("POST", f"{ONE}/add_security_group", "1.1", "1.14"),
    ("POST", f"{ONE}/remove_security_group", "1.1", "1.14"),
    ("POST", f"{ONE}/resize_container", "1.19", None),
    ("DELETE", "/v1/networks/any", "1.27", None),
]
"""Method, path, the first version that has it and the last one. Quotas and registries have no gate in Zun's server, though its
version history names one."""

FIELDS: list[tuple[str, Any, str]] = [
    ("auto_remove", False, "1.3"),
    ("runtime", "runc", "1.5"),
    ("hostname", "web", "1.9"),
    ("mounts", [], "1.11"),
    ("privileged", False, "1.21"),
    ("healthcheck", {"cmd": "true"}, "1.22"),
    ("exposed_ports", {"80/tcp": {}}, "1.24"),
    ("cpu_policy", "shared", "1.28"),
    ("registry", "none-of-this-name", "1.31"),
    ("host", "nowhere", "1.39"),
    ("entrypoint", ["/bin/sh"], "1.40"),
]


def before(version: str) -> str:
    return f"1.{int(version.split('.')[1]) - 1}"


def after(version: str) -> str:
    return f"1.{int(version.split('.')[1]) + 1}"


@pytest_asyncio.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[clouds.Cloud]:
    async with clouds.running(tmp_path / "state", start=False) as made:
        yield made


async def there(cloud: clouds.Cloud, method: str, path: str, version: str) -> bool:
    headers = {"OpenStack-API-Version": f"container {version}"}
    answer = await cloud.request("admin", method, f"/container{path}", json={}, headers=headers)
    assert answer.headers["OpenStack-API-Version"] == f"container {version}"
    assert answer.headers["x-openstack-request-id"]
    return not (answer.status_code == 404 and "does not exist in version" in answer.text)


@pytest.mark.parametrize(("method", "path", "first", "last"), ROUTES)
async def test_a_resource_comes_and_goes(
    cloud: clouds.Cloud, method: str, path: str, first: str, last: str | None
) -> None:
    assert await there(cloud, method, path, first)
    if first != "1.1":
        assert not await there(cloud, method, path, before(first))
    if last:
        assert await there(cloud, method, path, last)
        assert not await there(cloud, method, path, after(last))


def test_no_gated_route_is_left_out() -> None:
    """Routes match by the shape of their paths; what stands for a name may be any."""

    def shape(path: str) -> tuple[str, ...]:
        words = [word for word in path.split("/") if word]
        return tuple("*" if at in {2, 4} and word != "defaults" else word for at, word in enumerate(words))

    gated = {(route.method, shape(route.path)) for route in api.ROUTES if route.since or route.until}
    asked = {(method, shape(path)) for method, path, _, _ in ROUTES}
    assert gated - asked == set()


@pytest.mark.parametrize(("field", "value", "first"), FIELDS)
async def test_a_field_comes(cloud: clouds.Cloud, field: str, value: Any, first: str) -> None:
    async def known(version: str) -> bool:
        headers = {"OpenStack-API-Version": f"container {version}"}
        body = {"image": "busybox", field: value}
        answer = await cloud.request("admin", "POST", "/container/v1/containers", json=body, headers=headers)
        return not (answer.status_code == 400 and f"{field} is known from version" in answer.text)

    assert await known(first)
    assert not await known(before(first))


@pytest.mark.parametrize(
    ("version", "command", "accepted"),
    [
        ("1.19", "sleep 1", True),
        ("1.19", ["sleep"], False),
        ("1.20", "sleep 1", False),
        ("1.20", ["sleep"], True),
    ],
)
async def test_a_command_is_a_list_from_1_20_on(
    cloud: clouds.Cloud, version: str, command: Any, *, accepted: bool
) -> None:
    headers = {"OpenStack-API-Version": f"container {version}"}
    body = {"image": "busybox", "command": command}
    answer = await cloud.request("admin", "POST", "/container/v1/containers", json=body, headers=headers)
    assert ("command" in answer.text and answer.status_code == 400) is not accepted


@pytest.mark.parametrize(
    ("version", "status"), [("1.0", 406), ("1.41", 406), ("2.0", 406), ("1.1", 200), ("1.40", 200), ("latest", 200)]
)
async def test_versions_outside_are_refused(cloud: clouds.Cloud, version: str, status: int) -> None:
    headers = {"OpenStack-API-Version": f"container {version}"}
    answer = await cloud.request("alice", "GET", "/container/v1/containers", headers=headers)
    assert answer.status_code == status
