"""OS::Glance::WebImage: made of what is at a URL, changed in place, told why it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import cloud, website
from tests.services.orchestration.stacks import Stacks, template
from tests.website import LOOPBACK, Website

CONTENT = b"an image"


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Website]:
    async with website.running() as made:
        made.pages["/image"] = CONTENT
        yield made


@pytest_asyncio.fixture
async def stacks(tmp_path: Path) -> AsyncIterator[Stacks]:
    async with cloud.running(tmp_path / "state", import_networks=LOOPBACK) as running:
        yield Stacks(running)


def of(site: Website, path: str = "/image", **properties: Any) -> dict[str, Any]:
    wanted = {"location": f"{site.url}{path}", "disk_format": "raw", "container_format": "docker", **properties}
    return template({"web": {"type": "OS::Glance::WebImage", "properties": wanted}})


async def shown(stacks: Stacks, name: str) -> dict[str, Any]:
    id = (await stacks.resource(name, "web"))["physical_resource_id"]
    return dict(await stacks.ask("GET", f"/image/v2/images/{id}"))


async def test_an_image_is_fetched_and_changed_in_place(stacks: Stacks, site: Website) -> None:
    first = of(site, name="web", tags=["one"], os_distro="debian", extra_properties={"a": "1", "b": 2}, min_disk=1)
    assert (await stacks.create("images", first))["stack_status"] == "CREATE_COMPLETE"
    image = await shown(stacks, "images")
    wanted = ("web", "active", len(CONTENT), "private", "debian", "1", "2", 1)
    fields = ("name", "status", "size", "visibility", "os_distro", "a", "b", "min_disk")
    assert tuple(image[field] for field in fields) == wanted

    second = of(
        site,
        name="web",
        min_disk=1,
        visibility="shared",
        members=["b" * 32],
        extra_properties={"b": "3", "c/d": "4"},
        active=False,
    )
    assert (await stacks.update("images", second))["stack_status"] == "UPDATE_COMPLETE"
    changed = await shown(stacks, "images")
    assert changed["id"] == image["id"]
    assert (changed["status"], changed["visibility"], changed["tags"]) == ("deactivated", "shared", [])
    assert (changed["b"], changed["c/d"], "a" in changed, "os_distro" in changed) == ("3", "4", False, False)
    members = (await stacks.ask("GET", f"/image/v2/images/{image['id']}/members"))["members"]
    assert [member["member_id"] for member in members] == ["b" * 32]

    assert (await stacks.update("images", of(site, name="web", min_disk=2)))["stack_status"] == "UPDATE_COMPLETE"
    replaced = await shown(stacks, "images")
    assert replaced["id"] != image["id"]
    assert [each["id"] for each in (await stacks.ask("GET", "/image/v2/images"))["images"]] == [replaced["id"]]
    assert (await stacks.delete("images"))["stack_status"] == "DELETE_COMPLETE"
    assert (await stacks.ask("GET", "/image/v2/images"))["images"] == []


async def test_why_there_is_none(stacks: Stacks, site: Website) -> None:
    failed = await stacks.create("images", of(site, "/nothing"))
    assert failed["stack_status"] == "CREATE_FAILED"
    assert f"resources.web: {site.url}/nothing answers with 404." in failed["stack_status_reason"]
    assert (await stacks.delete("images"))["stack_status"] == "DELETE_COMPLETE"
    assert (await stacks.ask("GET", "/image/v2/images"))["images"] == []


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"location": "file:///etc/passwd"}, "begins with http"),
        ({"disk_format": "ami"}, "both have to be the same"),
        ({"members": ["b" * 32]}, "shared"),
    ],
)
async def test_properties_that_do_not_go_together(
    stacks: Stacks, site: Website, properties: dict[str, Any], reason: str
) -> None:
    answer = await stacks.running.request(
        "alice", "POST", stacks.path, json={"stack_name": "images", "template": of(site, **properties)}
    )
    assert answer.status_code == 400
    assert reason in answer.text
