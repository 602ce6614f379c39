"""Names of images in requests: none of them reaches an image that it does not name."""

from __future__ import annotations

from pathlib import Path

from tests import cloud
from tests.services.container.containers import versioned

DIGEST = "a" * 64
OTHERWISE = (
    f"sha256:{DIGEST}",
    "sha256:ab",
    f"sha256@sha256:{DIGEST}",
    "docker.io/boxship.invalid/glance:7b1d7ec0-0000-4000-8000-000000000000",
    "index.docker.io/boxship.invalid/glance:7b1d7ec0-0000-4000-8000-000000000000",
    "docker.io/registry.example/app:v1",
    "docker.io/localhost/app",
    "boxship.invalid/glance:7b1d7ec0-0000-4000-8000-000000000000",
    "boxship.invalid/glance-commit:7b1d7ec0-0000-4000-8000-000000000000",
    "Busybox",
    "../images/json",
    "busybox?all=1",
    "bus ybox",
)
"""What an engine would read as something else, or keep under a name that is not the tenant's."""
PLAIN = (
    "busybox",
    "library/busybox:1.36",
    "docker.io/library/busybox",
    "docker.io/team/app:v1",
    f"app@sha256:{DIGEST}",
)


async def test_a_name_that_would_be_read_otherwise(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        answers = {name: await versioned(running, "POST", "", json={"image": name}) for name in OTHERWISE}
        assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(OTHERWISE, 400)
        assert all("image" in answer.json()["errors"][0]["detail"] for answer in answers.values())


async def test_a_registry_does_not_disguise_one(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        registry = {"name": "ours", "domain": "boxship.invalid"}
        await running.request("alice", "POST", "/container/v1/registries", json={"registry": registry})
        answer = await versioned(running, "POST", "", json={"image": "glance:1", "registry": "ours"})
        assert answer.status_code == 400, answer.text


async def test_a_name_as_any_other(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        net = await running.request("alice", "POST", "/network/v2.0/networks", json={"network": {"name": "net"}})
        id = net.json()["network"]["id"]
        subnet = {"network_id": id, "ip_version": 4, "cidr": "10.0.0.0/24"}
        await running.request("alice", "POST", "/network/v2.0/subnets", json={"subnet": subnet})
        for name in PLAIN:
            answer = await versioned(running, "POST", "", json={"image": name, "nets": [{"network": id}]})
            assert answer.status_code == 202, answer.text
