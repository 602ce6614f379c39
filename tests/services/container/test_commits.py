"""Commits: an image of a container ends in the image service, or is gone with a reason, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from boxship.services.container import model
from boxship.services.image.live import ImageLive
from tests import cloud
from tests.cloud import Cloud
from tests.services.container.containers import IMAGES, made, versioned


async def asked(running: Cloud, id: str, query: str = "repository=snapshot&tag=v1") -> str:
    answer = await running.request("alice", "POST", f"/container/v1/containers/{id}/commit?{query}")
    assert answer.status_code == 202, answer.text
    return str(answer.json()["uuid"])


async def image(running: Cloud, id: str) -> Any:
    answer = await running.request("alice", "GET", f"{IMAGES}/{id}")
    return answer.json() if answer.status_code == 200 else None


async def ends(running: Cloud, id: str, status: str) -> Any:
    async def there() -> Any:
        found = await image(running, id)
        return found if found and found["status"] == status else None

    return await running.until(there, f"the image is {status}")


async def action(running: Cloud, container: str) -> Any:
    """The commit among the actions of the container, once it is finished."""

    async def finished() -> Any:
        shown = (await versioned(running, "GET", f"/{container}/container_actions")).json()["containerActions"]
        (request,) = [found["request_id"] for found in shown if found["action"] == "commit"]
        found = (await versioned(running, "GET", f"/{container}/container_actions/{request}")).json()
        return found if found["finish_time"] else None

    return await running.until(finished, "the commit is finished")


async def nothing_left(running: Cloud) -> None:
    async def clean() -> bool:
        return not [
            name
            for sight in await running.program.drivers.engine.images()
            for name in sight.references
            if "-commit" in name
        ]

    await running.until(clean, "the engine has no image of a commit")


async def test_an_image_of_a_container(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        container = await made(running)
        found = await ends(running, await asked(running, container), "active")
        assert (found["name"], found["container_format"], found["tags"]) == ("snapshot", "docker", ["v1"])
        assert found["owner"] == cloud.PROJECTS["alice"]
        assert (await action(running, container))["message"] is None
        await nothing_left(running)
        ran = await versioned(running, "POST", "", json={"image": found["id"], "image_driver": "glance"})
        assert ran.status_code == 202, ran.text


async def test_a_commit_that_was_cut_off_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is killed while it sends the bytes: nothing of it is tidied up, and the next one makes the same image."""
    async with cloud.running(tmp_path) as running:
        container = await made(running)
        saves, sent = running.program.drivers.engine.save, asyncio.Event()

        async def endless(reference: str) -> AsyncIterator[bytes]:
            async for part in saves(reference):
                yield part
            sent.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(running.program.drivers.engine, "save", endless)
        monkeypatch.setattr(ImageLive, "_abandon", _nothing)
        id = await asked(running, container)
        await asyncio.wait_for(sent.wait(), 10)
        assert (await image(running, id))["status"] == "saving"
    monkeypatch.undo()
    async with cloud.running(tmp_path) as running:
        await ends(running, id, "active")
        assert (await action(running, container))["message"] is None
        await nothing_left(running)


async def _nothing(*_arguments: object) -> None:
    """What a program that was killed does."""


async def test_a_container_that_vanished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud.running(tmp_path) as running:
        container = await made(running)
        engine = running.program.drivers.engine
        commits = engine.commit

        async def late(id: str, reference: str) -> Any:
            await engine.remove(id)
            return await commits(id, reference)

        monkeypatch.setattr(engine, "commit", late)
        id = await asked(running, container)
        told = await action(running, container)
        assert "not in the engine" in told["message"]
        assert await image(running, id) is None
        await nothing_left(running)


async def test_an_image_that_is_too_large(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, max_image=100) as running:
        container = await made(running)
        id = await asked(running, container)
        assert "larger than the 100 bytes" in (await action(running, container))["message"]
        assert await image(running, id) is None
        await nothing_left(running)


async def test_an_image_that_was_deleted_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud.running(tmp_path) as running:
        container = await made(running)
        engine = running.program.drivers.engine
        commits = engine.commit

        async def late(id: str, reference: str) -> Any:
            assert (
                await running.request("alice", "DELETE", f"{IMAGES}/{reference.partition(':')[2]}")
            ).status_code == 204
            return await commits(id, reference)

        monkeypatch.setattr(engine, "commit", late)
        id = await asked(running, container)
        assert id in (await action(running, container))["message"]
        await nothing_left(running)


async def test_the_quota_of_images_counts(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, quota_images=1) as running:
        container = await made(running)
        await ends(running, await asked(running, container), "active")
        refused = await versioned(running, "POST", f"/{container}/commit?repository=another")
        assert refused.status_code == 403
        assert "quota" in refused.text.lower()


async def test_the_engine_keeps_no_image_that_was_deleted(tmp_path: Path) -> None:
    """Unless a container is made of it: that could not be made again."""
    async with cloud.running(tmp_path, scan_interval=0.05) as running:
        container = await made(running)
        id = await ends_active(running, container)
        wish = {"image": id, "image_driver": "glance", "name": "copy"}
        copy = (await versioned(running, "POST", "", json=wish)).json()["uuid"]

        async def created() -> bool:
            return bool((await versioned(running, "GET", f"/{copy}")).json()["status"] == "Created")

        await running.until(created, "the copy is made")
        engine, name = running.program.drivers.engine, f"{model.RESERVED_REPOSITORY}:{id}"
        assert await engine.image(name) is not None
        assert (await running.request("alice", "DELETE", f"{IMAGES}/{id}")).status_code == 204
        for reconciler in running.service("container").reconcilers:
            await reconciler.sweep()
        assert await engine.image(name) is not None
        assert (await versioned(running, "DELETE", f"/{copy}")).status_code == 204

        async def forgotten() -> bool:
            return await engine.image(name) is None

        await running.until(forgotten, "the engine has forgotten the image")


async def ends_active(running: Cloud, container: str) -> str:
    id = await asked(running, container)
    await ends(running, id, "active")
    return id
