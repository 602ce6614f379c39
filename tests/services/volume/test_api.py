"""The volume service over HTTP, beyond the contracts: the whole way, quotas, lists, hostile input."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.services.volume import public
from boxship.services.volume.operations import volumes
from tests.cloud import PROJECTS, Cloud

ALICE = f"/volume/v3/{PROJECTS['alice']}"
BOB = f"/volume/v3/{PROJECTS['bob']}"
LATEST = {"OpenStack-API-Version": "volume latest"}
HOLDER = ("container", "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e00c1")


async def new_volume(cloud: Cloud, **fields: Any) -> str:
    answer = await cloud.request("alice", "POST", f"{ALICE}/volumes", json={"volume": {"size": 1, **fields}})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["volume"]["id"])


async def until(cloud: Cloud, id: str, status: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        volume = (await cloud.request("alice", "GET", f"{ALICE}/volumes/{id}")).json().get("volume")
        return volume if volume and volume["status"] == status else None

    shown: dict[str, Any] = await cloud.until(reached, f"the volume is {status}")
    return shown


async def gone(cloud: Cloud, id: str) -> None:
    async def missing() -> bool:
        return (await cloud.request("alice", "GET", f"{ALICE}/volumes/{id}")).status_code == 404

    await cloud.until(missing, "the volume is gone")


async def test_from_creation_to_removal(cloud: Cloud) -> None:
    id = await new_volume(cloud, name="data")
    assert (await until(cloud, id, "available"))["attachments"] == []
    async with cloud.program.database.write() as transaction:
        await public.attach(
            transaction, cloud.program.settings, id, public.AttachmentWish(HOLDER, "/data", read_only=True)
        )
    (attachment,) = (await until(cloud, id, "in-use"))["attachments"]
    assert (attachment["server_id"], attachment["device"], attachment["volume_id"]) == (HOLDER[1], "/data", id)
    await _check_attachment(cloud, attachment["attachment_id"], id)

    for path in (f"volumes/{id}", f"volumes/{id}?force=False"):
        refused = await cloud.request("alice", "DELETE", f"{ALICE}/{path}", headers=LATEST)
        assert (refused.status_code, "still attached" in refused.json()["badRequest"]["message"]) == (400, True)
    async with cloud.program.database.write() as transaction:
        await public.detach(transaction, id, HOLDER)
    await until(cloud, id, "available")
    assert (await cloud.request("alice", "DELETE", f"{ALICE}/volumes/{id}")).status_code == 202
    await gone(cloud, id)
    assert await cloud.program.drivers.storage.of("file").sights() == []


async def _check_attachment(cloud: Cloud, id: str, volume_id: str) -> None:
    answer = await cloud.request("alice", "GET", f"{ALICE}/attachments/{id}", headers=LATEST)
    shown = answer.json()["attachment"]
    assert (shown["status"], shown["attach_mode"], shown["instance"]) == ("attached", "ro", HOLDER[1])
    listed = await cloud.request("alice", "GET", f"{ALICE}/attachments?volume_id={volume_id}", headers=LATEST)
    assert [one["id"] for one in listed.json()["attachments"]] == [id]
    detail = await cloud.request("alice", "GET", f"{ALICE}/attachments/detail", headers=LATEST)
    assert detail.json()["attachments"] == [shown]
    assert (await cloud.request("bob", "GET", f"{BOB}/attachments/{id}", headers=LATEST)).status_code == 404
    assert (await cloud.request("bob", "GET", f"{BOB}/attachments", headers=LATEST)).json() == {"attachments": []}


async def test_a_full_quota_is_over_limit(cloud: Cloud) -> None:
    await new_volume(cloud, size=20)
    answer = await cloud.request("alice", "POST", f"{ALICE}/volumes", json={"volume": {"size": 1}})
    assert (answer.status_code, "gigabytes" in answer.json()["overLimit"]["message"]) == (413, True)
    usage = (await cloud.request("alice", "GET", f"{ALICE}/limits")).json()["limits"]["absolute"]
    assert (usage["totalVolumesUsed"], usage["totalGigabytesUsed"], usage["maxTotalVolumes"]) == (1, 20, 5)


async def test_a_type_in_use_stays(still: Cloud) -> None:
    admin = f"/volume/v3/{PROJECTS['admin']}/types"
    made = await still.request("admin", "POST", admin, json={"volume_type": {"name": "fast"}})
    await new_volume(still, volume_type="fast")
    refused = await still.request("admin", "DELETE", f"{admin}/{made.json()['volume_type']['id']}")
    assert (refused.status_code, "badRequest" in refused.json()) == (400, True)


async def test_deletion_by_force_is_asked_for_since_3_23(still: Cloud) -> None:
    id = await new_volume(still)
    path = f"{ALICE}/volumes/{id}?force=True"
    assert (await still.request("alice", "DELETE", path, headers=LATEST)).status_code == 403
    assert (await still.request("alice", "DELETE", path)).status_code == 202


async def test_pages_follow_each_other(still: Cloud) -> None:
    made = {await new_volume(still, name=f"n{number % 3}") for number in range(7)}
    seen: list[tuple[str, str]] = []
    path: str | None = f"{ALICE}/volumes/detail?limit=3&sort=name:asc,size:desc"
    while path:
        page = (await still.request("alice", "GET", path)).json()
        seen += [(volume["name"], volume["id"]) for volume in page["volumes"]]
        path = page["volumes_links"][0]["href"] if "volumes_links" in page else None
    assert ({id for _, id in seen}, len(seen)) == (made, 7)
    assert [name for name, _ in seen] == sorted(name for name, _ in seen)


async def test_a_thousand_volumes_in_one_list(still: Cloud) -> None:
    program = still.program
    caller = await program.server._authenticator.caller("alice")
    async with program.database.write() as transaction:
        for number in range(1000):
            wish = volumes.VolumeWish(
                project_id=caller.project, size=1, name=f"volume-{number}", metadata={"number": str(number)}
            )
            await volumes.create_volume(transaction, caller, program.settings, wish)
    answer = await still.request("alice", "GET", f"{ALICE}/volumes/detail")
    numbers = [volume["metadata"]["number"] for volume in answer.json()["volumes"]]
    assert set(numbers) == {str(number) for number in range(1000)}
    one = await still.request("alice", "GET", f"{ALICE}/volumes", params={"metadata": "{'number': '7'}"})
    assert [volume["name"] for volume in one.json()["volumes"]] == ["volume-7"]


async def test_filters(still: Cloud, subtests: pytest.Subtests) -> None:
    one, two = await new_volume(still, name="one"), await new_volume(still, name="two", size=2)
    for query, expected in {
        "": {one, two},
        "name=one": {one},
        "status=creating": {one, two},
        "status=available": set(),
        "size=2": {two},
        "bootable=true": set(),
        "bootable=false": {one, two},
        "encrypted=0": {one, two},
        "project_id=" + PROJECTS["bob"]: {one, two},
        "all_tenants=1": {one, two},
    }.items():
        with subtests.test(query):
            answer = await still.request("reader", "GET", f"{ALICE}/volumes?{query}")
            assert {volume["id"] for volume in answer.json()["volumes"]} == expected


async def test_wrong_filters_are_named(still: Cloud, subtests: pytest.Subtests) -> None:
    answer = await still.request("alice", "GET", f"{ALICE}/volumes/detail?marker=nope")
    assert (answer.status_code, "nope" in answer.text) == (404, True)
    for query in ("limit=-1", "sort=colour", "size=big", "bootable=perhaps", "metadata=%7B", "name=%00"):
        with subtests.test(query):
            answer = await still.request("alice", "GET", f"{ALICE}/volumes/detail?{query}")
            assert (answer.status_code, "badRequest" in answer.json()) == (400, True)


HOSTILE_VOLUMES: list[tuple[dict[str, Any], str]] = [
    ({"size": 0}, "size"),
    ({"size": -1}, "size"),
    ({"size": 2**31}, "size"),
    ({"size": 10**30}, "size"),
    ({"size": 1.5}, "size"),
    ({"size": "1e3"}, "size"),
    ({"size": "-1"}, "size"),
    ({"size": None}, "size"),
    ({"size": True}, "size"),
    ({"name": "x" * 256}, "name"),
    ({"name": ["x"]}, "name"),
    ({"name": "a\x00b"}, "body"),
    ({"description": "x" * 256}, "description"),
    ({"metadata": {"a": 1}}, "metadata"),
    ({"metadata": {"": "x"}}, "metadata"),
    ({"metadata": {"k" * 256: "x"}}, "metadata"),
    ({"metadata": {str(number): "x" for number in range(129)}}, "metadata"),
    ({"metadata": "x"}, "metadata"),
    ({"availability_zone": "mars"}, "availability_zone"),
    ({"volume_type": "../types"}, "../types"),
    ({"snapshot_id": "x"}, "snapshot_id"),
    ({"source_volid": "x"}, "source_volid"),
    ({"imageRef": "x"}, "imageRef"),
    ({"backup_id": "x"}, "backup_id"),
    ({"host": "x"}, "host"),
]


async def test_hostile_volumes_are_refused_and_nothing_is_made(still: Cloud, subtests: pytest.Subtests) -> None:
    for wish, field in HOSTILE_VOLUMES:
        with subtests.test(str(wish)[:60]):
            body = {"volume": {"size": 1, **wish}}
            answer = await still.request("alice", "POST", f"{ALICE}/volumes", json=body)
            (fault,) = answer.json().values()
            assert (answer.status_code, field in fault["message"]) in {(400, True), (404, True)}, answer.text
    assert (await still.request("alice", "GET", f"{ALICE}/volumes")).json() == {"volumes": []}


async def test_hostile_json_is_a_bad_request(still: Cloud, subtests: pytest.Subtests) -> None:
    id = await new_volume(still)
    before = (await still.request("alice", "GET", f"{ALICE}/volumes/{id}")).json()
    routes = [("POST", "volumes"), ("PUT", f"volumes/{id}"), ("POST", f"volumes/{id}/action")]
    routes += [
        ("POST", f"volumes/{id}/metadata"),
        ("PUT", f"volumes/{id}/metadata"),
        ("PUT", f"volumes/{id}/metadata/k"),
    ]
    deep = b"[" * 100_000
    for body in (b"", b"{", b"[]", b"null", b'{"volume": null}', b'{"metadata": [], "meta": 1}', b"\xff", deep):
        for method, path in routes:
            with subtests.test(f"{method} {path} {body[:20]!r}"):
                answer = await still.request("alice", method, f"{ALICE}/{path}", content=body)
                assert (answer.status_code, "badRequest" in answer.json()) == (400, True)
    assert (await still.request("alice", "GET", f"{ALICE}/volumes/{id}")).json() == before


async def test_an_id_in_a_path_leads_nowhere_else(still: Cloud, subtests: pytest.Subtests) -> None:
    for id in ("..", "%2e%2e%2fetc%2fpasswd", "a%00b", "'", "%F0%9F%90%B3", "x" * 3000):
        for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/metadata"), ("DELETE", "/metadata/%2e%2e")):
            with subtests.test(f"{method} {id[:30]}{rest}"):
                answer = await still.request("alice", method, f"{ALICE}/volumes/{id}{rest}")
                assert answer.status_code in {400, 404, 405}, answer.text


async def test_the_project_in_the_path_is_the_tokens(still: Cloud, subtests: pytest.Subtests) -> None:
    id = await new_volume(still)
    for method, path in (
        ("GET", "volumes"),
        ("GET", f"volumes/{id}"),
        ("DELETE", f"volumes/{id}"),
        ("GET", "limits"),
        ("GET", "types"),
        ("GET", "messages"),
        ("GET", f"os-quota-sets/{PROJECTS['alice']}"),
    ):
        with subtests.test(path):
            assert (await still.request("bob", method, f"{ALICE}/{path}")).status_code == 403
            assert (await still.request(None, method, f"{ALICE}/{path}")).status_code == 401


async def test_an_admin_creates_in_the_project_of_the_path(still: Cloud) -> None:
    made = (await still.request("admin", "POST", f"{BOB}/volumes", json={"volume": {"size": 1}})).json()["volume"]
    assert not [name for name in made if name.startswith("os-vol-")], (
        "extensions add to what is shown, not to what is made"
    )
    shown = (await still.request("bob", "GET", f"{BOB}/volumes/{made['id']}")).json()["volume"]
    assert shown["os-vol-tenant-attr:tenant_id"] == PROJECTS["bob"]
    assert len((await still.request("bob", "GET", f"{BOB}/volumes")).json()["volumes"]) == 1
