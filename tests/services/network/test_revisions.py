"""``If-Match``: a change is made of the revision that the client names, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.services.network.operations import revisions
from tests.services.network.world import World


async def _try(world: World, method: str, path: str, body: Any = None, *, match: str, user: str = "alice") -> int:
    headers = {"X-Auth-Token": user, "If-Match": match}
    answer = await world.client.request(method, f"/network/v2.0{path}", headers=headers, json=body)
    return answer.status_code


async def _everything(world: World) -> dict[str, str]:
    """One of each resource: its path by its name in a body."""
    network_id, subnet_id = await world.net()
    group = await world.made("alice", "/security-groups", name="web")
    router = await world.made("alice", "/routers")
    pool = await world.made("alice", "/subnetpools", name="pool", prefixes=["10.9.0.0/16"])
    port = await world.made("alice", "/ports", network_id=network_id)
    return {
        "port": f"/ports/{port['id']}",
        "subnet": f"/subnets/{subnet_id}",
        "network": f"/networks/{network_id}",
        "subnetpool": f"/subnetpools/{pool['id']}",
        "security_group": f"/security-groups/{group['id']}",
        "router": f"/routers/{router['id']}",
    }


async def test_every_resource_is_changed_and_deleted_at_its_revision_only(world: World) -> None:
    for name, path in (await _everything(world)).items():
        before = await world.shown("alice", path)
        right, wrong = before["revision_number"], before["revision_number"] + 7
        body = {name: {"description": "changed"}}
        assert await _try(world, "PUT", path, body, match=f"revision_number={wrong}") == 412, path
        assert await world.shown("alice", path) == before, "nothing was changed"
        assert await _try(world, "PUT", path, body, match=f"revision_number={right}") == 200, path
        after = await world.shown("alice", path)
        assert (after["description"], after["revision_number"]) == ("changed", right + 1)
        assert await _try(world, "DELETE", path, match=f'"revision_number={right}"') == 412, path
        assert await world.shown("alice", path) == after, "nothing was deleted"
        assert await _try(world, "DELETE", path, match=f'"revision_number={right + 1}"') == 204, path


async def test_nothing_undone_wakes_anybody(world: World) -> None:
    network_id, _ = await world.net()
    world.wakes.clear()
    body = {"network": {"admin_state_up": False}}
    assert await _try(world, "PUT", f"/networks/{network_id}", body, match="revision_number=99") == 412
    assert world.wakes == []


async def test_who_may_not_is_told_nothing_of_revisions(world: World) -> None:
    network_id, _ = await world.net()
    for user in ("bob", "reader"):
        refused = {"bob": 404, "reader": 403}[user]
        for revision in (1, 99):
            match = f"revision_number={revision}"
            assert await _try(world, "DELETE", f"/networks/{network_id}", match=match, user=user) == refused
    assert await _try(world, "DELETE", "/networks/none", match="revision_number=1") == 404


async def test_other_tags_and_other_routes_do_not_mind(world: World) -> None:
    network_id, _ = await world.net()
    body = {"network": {"name": "n"}}
    assert await _try(world, "PUT", f"/networks/{network_id}", body, match='"abc", *') == 200
    assert await _try(world, "PUT", f"/networks/{network_id}/tags", {"tags": []}, match="revision_number=99") == 200


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", None),
        ("*", None),
        ("revision_number=3", 3),
        ('"revision_number=3"', 3),
        ('W/"x", "revision_number=12"', 12),
    ],
)
def test_what_the_header_says(header: str, found: int | None) -> None:
    assert revisions.wanted(header) == found


@pytest.mark.parametrize("header", ["revision_number=", "revision_number=x", "revision_number=-1", "revision_number=٣"])
async def test_what_is_no_revision_is_refused(world: World, header: str) -> None:
    network_id, _ = await world.net()
    raw = [(b"X-Auth-Token", b"alice"), (b"If-Match", header.encode())]
    answer = await world.client.request("DELETE", f"/network/v2.0/networks/{network_id}", headers=raw)
    assert (answer.status_code, answer.json()["NeutronError"]["type"]) == (400, "InvalidInput")
    assert "If-Match" in answer.json()["NeutronError"]["message"]


async def test_several_revisions_are_refused(world: World) -> None:
    network_id, _ = await world.net()
    assert await _try(world, "DELETE", f"/networks/{network_id}", match="revision_number=1, revision_number=2") == 400
