"""Images that admins have fetched to hosts: told how far they are, fetched once, removed where nobody needs them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boxship.core import errors
from boxship.drivers.engine.interface import ImageSight, PullProgress
from boxship.services.container.operations import host_images
from boxship.services.container.reconciler import images as reconciler
from tests import cloud
from tests.services.container.containers import IMAGES, made, versioned

PATH = "/container/v1/images"


async def pulled(running: cloud.Cloud, repo: str) -> str:
    body = {"repo": repo, "host": socket.gethostname()}
    answer = await running.request("admin", "POST", PATH, json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["uuid"])


async def shown(running: cloud.Cloud, id: str) -> Any:
    return (await running.request("admin", "GET", f"{PATH}/{id}")).json()


async def ends(running: cloud.Cloud, id: str, status: str) -> Any:
    async def there() -> Any:
        found = await shown(running, id)
        return found if found.get("status") == status else None

    return await running.until(there, f"the image is {status}")


async def gone(running: cloud.Cloud, reference: str) -> None:
    async def absent() -> bool:
        return await running.program.drivers.engine.image(reference) is None

    await running.until(absent, f"{reference} is not in the engine")


async def cleared(running: cloud.Cloud) -> None:
    """No row waits to be removed."""

    async def settled() -> bool:
        return not running.program.loop.pending()[host_images.KIND]

    await running.until(settled, "nothing is to be done for images")


class Slow:
    """An engine that tells how far a transfer is, and goes on when it is let."""

    def __init__(self, engine: Any) -> None:
        self.pull, self.go, self.pulls = engine.pull, asyncio.Event(), 0
        engine.pull = self

    async def __call__(
        self, reference: str, progress: Callable[[PullProgress], None] | None = None, credentials: Any = None
    ) -> ImageSight:
        self.pulls += 1
        if progress:
            for done in range(0, 1000, 10):
                progress(PullProgress(done, 1000))
        await self.go.wait()
        sight: ImageSight = await self.pull(reference, None, credentials)
        return sight


async def test_how_far_it_is_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "REPORT", 0.01)
    async with cloud.running(tmp_path) as running:
        slow = Slow(running.program.drivers.engine)
        id = await pulled(running, "busybox")

        async def told() -> Any:
            found = await shown(running, id)
            return found if found["progress"]["total"] else None

        found = await running.until(told, "how far it is")
        assert (found["status"], found["progress"]) == ("pulling", {"done": 990, "total": 1000})
        slow.go.set()
        found = await ends(running, id, "active")
        assert found["image_id"].startswith("sha256:")
        assert found["progress"] == {"done": int(found["size"]), "total": int(found["size"])}


async def test_containers_and_admins_fetch_it_once(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        slow = Slow(running.program.drivers.engine)
        id = await pulled(running, "busybox")

        async def begun() -> int:
            return slow.pulls

        await running.until(begun, "the transfer began")
        waiting = asyncio.create_task(made(running, image="busybox"))
        slow.go.set()
        await waiting
        await ends(running, id, "active")
        assert slow.pulls == 1


async def test_what_a_container_needs_stays(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        engine = running.program.drivers.engine
        id = await pulled(running, "busybox")
        await ends(running, id, "active")
        container = await made(running, image="busybox")
        assert (await running.request("admin", "DELETE", f"{PATH}/{id}")).status_code == 204
        assert (await running.request("admin", "GET", f"{PATH}/{id}")).status_code == 404
        await cleared(running)
        assert await engine.image("busybox:latest") is not None
        await versioned(running, "DELETE", f"/{container}?stop=true")

        async def away() -> bool:
            return (await versioned(running, "GET", f"/{container}")).status_code == 404

        await running.until(away, "the container is gone")
        id = await pulled(running, "busybox")
        await ends(running, id, "active")
        await running.request("admin", "DELETE", f"{PATH}/{id}")
        await gone(running, "busybox:latest")


async def test_deleted_while_it_is_fetched(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        slow = Slow(running.program.drivers.engine)
        id = await pulled(running, "busybox")

        async def begun() -> int:
            return slow.pulls

        await running.until(begun, "the transfer began")
        assert (await running.request("admin", "DELETE", f"{PATH}/{id}")).status_code == 204
        again = await pulled(running, "busybox")
        slow.go.set()
        await ends(running, again, "active")
        await cleared(running)
        assert await running.program.drivers.engine.image("busybox:latest") is not None


async def test_what_was_cut_off_begins_anew(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        slow = Slow(running.program.drivers.engine)
        id = await pulled(running, "busybox")

        async def begun() -> int:
            return slow.pulls

        await running.until(begun, "the transfer began")
    async with cloud.running(tmp_path) as running:
        await ends(running, id, "active")


async def test_a_registry_that_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_arguments: object) -> ImageSight:
        raise errors.Busy("The registry of busybox cannot be reached.")

    async with cloud.running(tmp_path) as running:
        monkeypatch.setattr(running.program.drivers.engine, "pull", away)
        id = await pulled(running, "busybox")
        assert "cannot be reached" in (await ends(running, id, "error"))["status_reason"]
        monkeypatch.undo()
        assert await pulled(running, "busybox") == id
        assert (await ends(running, id, "active"))["status_reason"] is None


async def test_an_image_that_somebody_else_removed(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, scan_interval=0.05) as running:
        id = await pulled(running, "busybox")
        await ends(running, id, "active")
        await running.program.drivers.engine.remove_image("busybox:latest")
        assert "removed" in (await ends(running, id, "error"))["status_reason"]


async def test_an_image_of_the_image_service(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        wish = {"name": "mine", "container_format": "docker", "disk_format": "raw"}
        glance = (await running.request("admin", "POST", IMAGES, json=wish)).json()["id"]
        octets = {"Content-Type": "application/octet-stream"}
        await running.request("admin", "PUT", f"{IMAGES}/{glance}/file", content=b"archive", headers=octets)
        id = await pulled(running, glance)
        found = await ends(running, id, "active")
        assert (found["repo"], found["tag"]) == (glance, "")
        reference = f"boxship.invalid/glance:{glance}"
        assert await running.program.drivers.engine.image(reference) is not None
        await running.request("admin", "DELETE", f"{PATH}/{id}")
        await gone(running, reference)


@pytest.mark.parametrize(
    ("reference", "repo", "tag"),
    [
        ("busybox", "busybox", "latest"),
        ("busybox:1.36", "busybox", "1.36"),
        ("localhost:5000/app", "localhost:5000/app", "latest"),
        ("localhost:5000/app:v1", "localhost:5000/app", "v1"),
        ("app:v1@sha256:" + "a" * 64, "app", "sha256:" + "a" * 64),
    ],
)
def test_repository_and_tag(reference: str, repo: str, tag: str) -> None:
    assert host_images.split(reference) == (repo, tag)
