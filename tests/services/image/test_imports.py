"""Images that are fetched from a URL: over the API as clients do it, through failures, deletions and crashes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import cloud as clouds
from tests import website
from tests.cloud import Cloud
from tests.services.image.test_bytes import blobs, new_image, show
from tests.website import LOOPBACK, Website


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Website]:
    async with website.running() as made:
        yield made


@pytest_asyncio.fixture
async def near(tmp_path: Path) -> AsyncIterator[Cloud]:
    """A cloud that fetches from loopback, too."""
    async with clouds.running(tmp_path / "state", max_image=1_000_000, import_networks=LOOPBACK) as made:
        yield made


async def import_image(cloud: Cloud, id: str, url: str, user: str = "alice", **more: Any) -> Any:
    body = {"method": {"name": "web-download", "uri": url}, **more}
    return await cloud.request(user, "POST", f"/image/v2/images/{id}/import", json=body)


async def ended(cloud: Cloud, id: str) -> dict[str, Any]:
    async def still() -> dict[str, Any] | None:
        shown = await show(cloud, id)
        return None if shown["status"] == "importing" else shown

    return dict(await cloud.until(still, "the import ends"))


async def test_an_import(near: Cloud, site: Website) -> None:
    site.pages["/image.tar"] = b"some bytes" * 50_000
    id = await new_image(near)
    answer = await import_image(near, id, f"{site.url}/image.tar", all_stores=True, stores=["file"])
    assert (answer.status_code, answer.content) == (202, b"")
    shown = await ended(near, id)
    wanted = hashlib.sha512(site.pages["/image.tar"]).hexdigest()
    assert (shown["status"], shown["size"], shown["os_hash_value"]) == ("active", 500_000, wanted)
    assert not [name for name in shown if name.startswith("os_glance_")]
    content = await near.request("alice", "GET", f"/image/v2/images/{id}/file")
    assert content.content == site.pages["/image.tar"]
    again = await import_image(near, id, f"{site.url}/image.tar")
    assert again.status_code == 409


async def test_methods(cloud: Cloud) -> None:
    answer = await cloud.request("alice", "GET", "/image/v2/info/import")
    assert answer.json()["import-methods"]["value"] == ["web-download"]


async def test_a_failure_says_why_and_can_be_mended(near: Cloud, site: Website) -> None:
    id = await new_image(near)
    await import_image(near, id, f"{site.url}/image?signature=secret")
    shown = await ended(near, id)
    assert shown["status"] == "queued"
    assert shown["os_glance_failed_import"] == "file"
    assert shown["os_glance_import_failure"] == f"{site.url}/image answers with 404."
    site.pages["/image"] = b"there now"
    assert (await import_image(near, id, f"{site.url}/image?signature=secret")).status_code == 202
    shown = await ended(near, id)
    assert (shown["status"], shown["size"]) == ("active", 9)
    assert "os_glance_import_failure" not in shown


async def test_too_large(near: Cloud, site: Website) -> None:
    site.pages["/large"] = bytes(1_000_001)
    id = await new_image(near)
    await import_image(near, id, f"{site.url}/large")
    assert "larger than the 1000000 bytes" in (await ended(near, id))["os_glance_import_failure"]
    assert await blobs(near) == frozenset()


async def test_this_host_is_not_fetched_from(cloud: Cloud, site: Website) -> None:
    for url in (f"{site.url}/x", f"http://localhost:{site.port}/x", "http://169.254.169.254/latest/meta-data"):
        id = await new_image(cloud)
        assert (await import_image(cloud, id, url)).status_code == 202
        assert "Nothing is fetched from" in (await ended(cloud, id))["os_glance_import_failure"]
    assert site.seen == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "begins with http"),
        ("http://", "begins with http"),
        ("http://[", "is no URL"),
        ("x", "begins with http"),
        ("http://user:secret@example.org/", "password"),
        ("http://example.org:99999/", "is no URL"),
    ],
)
async def test_urls_that_are_none(cloud: Cloud, url: str, reason: str) -> None:
    id = await new_image(cloud)
    answer = await import_image(cloud, id, url)
    assert answer.status_code == 400
    assert reason in answer.text
    assert "method.uri" in answer.text
    assert (await show(cloud, id))["status"] == "queued"


async def test_other_methods(cloud: Cloud) -> None:
    id = await new_image(cloud)
    for method in ("glance-direct", "copy-image", ""):
        body = {"method": {"name": method, "uri": "http://example.org/"}}
        answer = await cloud.request("alice", "POST", f"/image/v2/images/{id}/import", json=body)
        assert answer.status_code == 400, method


async def test_whose_image(cloud: Cloud) -> None:
    id = await new_image(cloud)
    assert (await import_image(cloud, id, "http://example.org/", user="bob")).status_code == 404
    assert (await import_image(cloud, id, "http://example.org/", user="reader")).status_code == 403
    bare = await new_image(cloud, container_format=None)
    assert (await import_image(cloud, bare, "http://example.org/")).status_code == 400


async def test_deleted_while_it_is_fetched(near: Cloud, site: Website) -> None:
    id = await new_image(near)
    await import_image(near, id, f"{site.url}/slow")
    await near.until(_asked(site), "the site is asked")
    assert (await show(near, id))["os_glance_importing_to_stores"] == "file"
    assert (await near.request("alice", "DELETE", f"/image/v2/images/{id}")).status_code == 204
    site.gate.set()

    async def clean() -> bool:
        return not await blobs(near) and not any(near.program.loop.pending().values())

    await near.until(clean, "nothing is left of it")


def _asked(site: Website) -> Any:
    async def asked() -> bool:
        return bool(site.seen)

    return asked


async def test_a_restart_begins_anew(tmp_path: Path, site: Website) -> None:
    settings: dict[str, Any] = {"import_networks": LOOPBACK}
    async with clouds.running(tmp_path / "state", **settings) as first:
        id = await new_image(first)
        await import_image(first, id, f"{site.url}/slow")
        await first.until(_asked(site), "the site is asked")
    site.gate.set()
    async with clouds.running(tmp_path / "state", **settings) as second:
        shown = await ended(second, id)
        assert (shown["status"], shown["size"]) == ("active", 10)
        assert site.seen == ["/slow", "/slow"]


async def test_slow_sites_of_one_project_leave_room_for_others(tmp_path: Path, site: Website) -> None:
    site.pages["/image"] = b"quick"
    async with clouds.running(tmp_path / "state", import_networks=LOOPBACK, workers=6) as cloud:
        for _ in range(8):
            await import_image(cloud, await new_image(cloud), f"{site.url}/slow")
        id = await new_image(cloud, user="bob")
        await import_image(cloud, id, f"{site.url}/image", user="bob")

        async def active() -> bool:
            return bool((await show(cloud, id, "bob"))["status"] == "active")

        await cloud.until(active, "the other project has its image")
        assert site.seen.count("/slow") == 4
        site.gate.set()
