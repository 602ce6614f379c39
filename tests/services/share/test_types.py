"""Share types: who sees them, what their extra specs ask for, and that a type stays as long as a share is of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from boxship.core.auth.caller import Caller
from boxship.services.share import errors
from boxship.services.share.operations import placement, shares, types
from boxship.services.share.schemas.cloud import is_meant
from tests import cloud as clouds
from tests import postgres
from tests.services.share.api import DHSS, Api, wish


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with clouds.running(tmp_path / "state") as cloud:
        yield Api(cloud)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    with postgres.running() as running:
        yield running


@pytest_asyncio.fixture
async def shared(server: postgres.Postgres, tmp_path: Path) -> AsyncIterator[Api]:
    """A cloud on PostgreSQL, where several change things at once."""
    async with postgres.cloud_on(await server.database(), tmp_path / "state", start=False) as cloud:
        yield Api(cloud)


async def _caller(api: Api) -> Caller:
    return await api.cloud.program.server._authenticator.caller(api.user)


async def test_a_type_stays_while_a_share_of_it_is_being_made(shared: Api) -> None:
    admin, program = shared.of("admin"), shared.cloud.program
    gold = await admin.type("gold")
    asked = shares.ShareWish(**wish(share_type=gold)["share"])
    async with program.database.write() as transaction:
        made = await shares.create_share(transaction, await _caller(shared), program.settings, asked)
        removal = asyncio.create_task(admin.request("DELETE", f"/types/{gold}"))
        await _waits(program.database)
    assert (await removal).status_code == 400
    shown = (await shared.ask("GET", "/shares/detail"))["shares"]
    assert [(share["id"], share["share_type_name"]) for share in shown] == [(made.id, "gold")]


async def test_a_share_is_not_of_a_type_that_is_being_removed(shared: Api) -> None:
    admin, program = shared.of("admin"), shared.cloud.program
    gold = await admin.type("gold")
    async with program.database.write() as transaction:
        await types.delete_type(transaction, await _caller(admin), gold)
        creation = asyncio.create_task(shared.request("POST", "/shares", wish(share_type=gold)))
        await _waits(program.database)
    assert (await creation).status_code == 404
    assert (await shared.ask("GET", "/shares/detail"))["shares"] == []


async def _waits(database: Any) -> None:
    """Until somebody waits for a lock."""
    async with asyncio.timeout(10), database._engine.connect() as connection:
        while not (await connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted")).first():
            await asyncio.sleep(0.01)


async def test_private_types_are_for_those_who_were_given_them(api: Api) -> None:
    admin = api.of("admin")
    body = {"name": "own", "extra_specs": DHSS, "share_type_access:is_public": False}
    own = (await admin.ask("POST", "/types", {"share_type": body}))["share_type"]["id"]
    await api.refused("GET", f"/types/{own}", 404)
    await api.refused("POST", "/shares", 404, wish(share_type="own"))
    given = {"addProjectAccess": {"project": api.project}}
    await admin.ask("POST", f"/types/{own}/action", given)
    await admin.refused("POST", f"/types/{own}/action", 409, given)
    await api.share(share_type="own")
    await api.of("bob").refused("POST", "/shares", 404, wish(share_type="own"))
    await admin.ask("POST", f"/types/{own}/action", {"removeProjectAccess": {"project": api.project}})
    await api.refused("POST", "/shares", 404, wish(share_type="own"))
    shown = (await api.ask("GET", "/shares/detail"))["shares"]
    assert [share["share_type_name"] for share in shown] == ["own"]


async def test_types_are_found_by_their_extra_specs_exactly(api: Api) -> None:
    admin = api.of("admin")
    await admin.type("fast", disk='it\'s "NVMe"', tier="Gold")
    found = {
        text: [share_type["name"] for share_type in (await _found(api, text))]
        for text in ("{'tier': 'Gold'}", "{'tier': 'gold'}", "{'tier': 'G%'}", '{"disk": "it\'s \\"NVMe\\""}')
    }
    assert list(found.values()) == [["fast"], [], [], ["fast"]]


async def _found(api: Api, specs: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ask("GET", f"/types?extra_specs={quote(specs)}"))["share_types"]
    return found


MEANINGLESS = [
    ({"snapshot_support": "perhaps"}, "snapshot_support: perhaps is not a boolean"),
    ({"provisioning:min_share_size": "0"}, "provisioning:min_share_size: 0 is not a size"),
    ({"provisioning:max_share_size": "9" * 10}, "is not a size"),
    ({"provisioning:min_share_size": "3", "provisioning:max_share_size": "2"}, "is larger than"),
]


async def test_extra_specs_that_mean_nothing_are_refused(api: Api) -> None:
    for specs, said in MEANINGLESS:
        body = {"share_type": {"name": "odd", "extra_specs": {**DHSS, **specs}}}
        assert said in await api.of("admin").refused("POST", "/types", 400, body)


async def test_a_type_limits_the_size_of_its_shares(api: Api) -> None:
    await api.of("admin").type("some", **{"provisioning:min_share_size": "2", "provisioning:max_share_size": "3"})
    assert "smaller than 2GiB" in await api.refused("POST", "/shares", 400, wish(1, share_type="some"))
    assert "larger than 3GiB" in await api.refused("POST", "/shares", 400, wish(4, share_type="some"))
    share = await api.share(2, share_type="some")
    await api.refused("POST", f"/shares/{share}/action", 400, {"extend": {"new_size": 4}})
    await api.refused("POST", f"/shares/{share}/action", 400, {"shrink": {"new_size": 1}})


async def test_a_type_says_what_is_done_with_its_shares(api: Api) -> None:
    admin = api.of("admin")
    await admin.type("plain")
    plain = await api.share(share_type="plain")
    await api.refused("POST", "/snapshots", 422, {"snapshot": {"share_id": plain}})
    await admin.type("kept", snapshot_support="True")
    kept = await api.share(share_type="kept")
    snapshot = await api.snapshot(kept)
    assert "capability" in await api.refused("POST", "/shares", 400, wish(snapshot_id=snapshot))
    body = {"revert": {"snapshot_id": snapshot}}
    assert "capability" in await api.refused("POST", f"/shares/{kept}/action", 400, body)


async def test_what_no_host_has_ends_in_error_with_a_message(api: Api) -> None:
    await api.of("admin").type("elsewhere", share_backend_name="ceph")
    made = (await api.ask("POST", "/shares", wish(share_type="elsewhere")))["share"]
    assert made["status"] == "error"
    (told,) = (await api.ask("GET", f"/messages?resource_id={made['id']}"))["messages"]
    assert (told["action_id"], told["detail_id"]) == ("001", "002")
    listed = [(await api.of(user).ask("GET", "/messages"))["messages"] for user in ("admin", "bob")]
    assert listed == [[told], []]


async def test_a_share_from_a_snapshot_is_where_its_parent_is(api: Api) -> None:
    snapshot = await api.snapshot(await api.share())
    said = await api.refused("POST", "/shares", 400, wish(snapshot_id=snapshot, availability_zone="moon"))
    assert "same as the parent share" in said
    service = {"binary": "manila-share", "host": api.cloud.program.settings.host_name}
    await api.of("admin").ask("PUT", "/services/disable", service)
    assert (await api.ask("POST", "/shares", wish()))["share"]["status"] == "error"
    await api.share(snapshot_id=snapshot, availability_zone="nova")
    await api.of("admin").type("elsewhere", share_backend_name="ceph")
    copy = await api.ask("POST", "/shares", wish(snapshot_id=snapshot, share_type="elsewhere"))
    assert copy["share"]["status"] == "error"


async def test_the_default_type_stays_and_keeps_its_name(api: Api) -> None:
    admin = api.of("admin")
    default = (await api.ask("GET", "/types/default"))["share_type"]["id"]
    await admin.refused("DELETE", f"/types/{default}", 400)
    await admin.refused("PUT", f"/types/{default}", 400, {"share_type": {"name": "other"}})
    await admin.refused("POST", "/types", 400, {"share_type": {"name": " ", "extra_specs": DHSS}})
    both = {"addProjectAccess": {"project": api.project}, "removeProjectAccess": {"project": api.project}}
    assert "exactly one" in await admin.refused("POST", f"/types/{default}/action", 400, both)


async def test_a_type_in_use_stays(api: Api) -> None:
    admin = api.of("admin")
    gold = await admin.type("gold")
    share = await api.share(share_type="gold")
    assert "in use" in await admin.refused("DELETE", f"/types/{gold}", 400)
    await api.ask("DELETE", f"/shares/{share}")

    async def unused() -> bool:
        answer = await admin.request("DELETE", f"/types/{gold}")
        return bool(answer.status_code == 202)

    await api.cloud.until(unused, "the type is not in use any more")
    with pytest.raises(errors.ShareTypeNotFound):
        async with api.cloud.program.database.read() as transaction:
            await types.get_type(transaction, await _caller(admin), gold)


@pytest.mark.parametrize(
    ("specs", "met"),
    [
        ({**DHSS, "snapshot_support": "<is> True"}, True),
        ({"driver_handles_share_servers": "True"}, False),
        ({"share_backend_name": "file"}, True),
        ({"capabilities:share_backend_name": "ceph"}, False),
        ({"mount_snapshot_support": "True"}, False),
        ({"snapshot_support": "False"}, True),
        ({"colour": "red"}, False),
        ({"other:scope": "x", "availability_zones": "nova"}, True),
    ],
)
def test_extra_specs_ask_for_capabilities(specs: dict[str, str], met: bool) -> None:
    assert placement.meets(specs) is met


@pytest.mark.parametrize(
    ("name", "wanted", "meant"),
    [
        ("host@file", "host@file", True),
        ("host@file", "host", False),
        ("host", ".*", True),
        ("", ".*", True),
        ("host-1", "^host.*$", True),
        ("host-1", "host.*-.*1", True),
        ("aba", "ab.*ba", False),
        ("a.b", "a\\.b", True),
        ("axb", "a.b", False),
        ("(a+)+", "(a+)+", True),
        ("compute-01.example.org", ".*" * 5000 + "x", False),
        ("compute-01.example.org", ".*" * 5000 + "g", True),
    ],
)
def test_pools_are_found_by_patterns_that_end(name: str, wanted: str, meant: bool) -> None:
    assert is_meant(name, wanted) is meant
