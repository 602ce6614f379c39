"""Images without their bytes: description, who sees what, lists, patches, hostile input."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from boxship.core.errors import BoxshipError
from boxship.services.image import errors, public
from boxship.services.image.operations import images as operations
from boxship.services.image.schemas import patch
from tests.cloud import PROJECTS, Cloud
from tests.services.image.test_bytes import new_image, show, upload

PATCH = {"Content-Type": patch.MEDIA}
ROW = {"container_format": "docker", "disk_format": "raw"}


async def ids(cloud: Cloud, user: str, query: str = "") -> set[str]:
    answer = await cloud.request(user, "GET", f"/image/v2/images?{query}")
    assert answer.status_code == 200, answer.text
    return {image["id"] for image in answer.json()["images"]}


async def patched(cloud: Cloud, id: str, changes: Any, user: str = "alice") -> Any:
    content = changes if isinstance(changes, bytes) else json.dumps(changes).encode()
    return await cloud.request(user, "PATCH", f"/image/v2/images/{id}", content=content, headers=PATCH)


async def test_who_sees_which_visibility(still: Cloud) -> None:
    made = {
        visibility: await new_image(still, "admin" if visibility == "public" else "alice", visibility=visibility)
        for visibility in ("public", "private", "shared", "community")
    }
    hidden = await new_image(still, "admin", visibility="public", os_hidden=True)
    everything = set(made.values())
    assert await ids(still, "alice") == everything
    assert await ids(still, "bob") == {made["public"]}
    assert await ids(still, "bob", "visibility=all") == {made["public"], made["community"]}
    assert await ids(still, "bob", "visibility=community") == {made["community"]}
    assert await ids(still, "bob", "visibility=private") == set()
    assert await ids(still, "bob", "visibility=shared") == set()
    assert await ids(still, "bob", "os_hidden=true") == {hidden}
    assert await ids(still, "admin") == everything - {made["community"]}
    assert await ids(still, "admin", "visibility=all") == everything
    for visibility, id in made.items():
        status = 200 if visibility in {"public", "community"} else 404
        assert (await still.request("bob", "GET", f"/image/v2/images/{id}")).status_code == status


async def test_the_invited_see_it_when_they_ask_and_in_the_list_when_they_accepted(still: Cloud) -> None:
    id, bob = await new_image(still), PROJECTS["bob"]
    await still.request("alice", "POST", f"/image/v2/images/{id}/members", json={"member": bob})
    assert await ids(still, "bob") == set()
    assert await ids(still, "bob", "visibility=shared&member_status=pending") == {id}
    assert await ids(still, "bob", "member_status=all&visibility=shared") == {id}
    wish = {"status": "accepted", "member": bob}
    assert (await still.request("bob", "PUT", f"/image/v2/images/{id}/members/{bob}", json=wish)).status_code == 200
    assert await ids(still, "bob") == {id}
    await patched(still, id, [{"op": "replace", "path": "/visibility", "value": "private"}])
    assert await ids(still, "bob") == set()
    assert (await still.request("bob", "GET", f"/image/v2/images/{id}")).status_code == 404


async def test_members_know_of_themselves_only(still: Cloud) -> None:
    id, bob = await new_image(still), PROJECTS["bob"]
    for project in (bob, "c" * 32):
        await still.request("alice", "POST", f"/image/v2/images/{id}/members", json={"member": project})
    seen = (await still.request("bob", "GET", f"/image/v2/images/{id}/members")).json()["members"]
    assert [member["member_id"] for member in seen] == [bob]
    assert (await still.request("bob", "GET", f"/image/v2/images/{id}/members/{'c' * 32}")).status_code == 404


async def test_filters(still: Cloud) -> None:
    small, large = await new_image(still, name="small", tags=["x"], colour="red"), await new_image(still, name="large")
    await upload(still, small, b"1")
    await upload(still, large, b"1" * 100)
    for query, expected in {
        "name=small": {small},
        "name=small&name=large": {small, large},
        "size_min=2": {large},
        "size_max=2": {small},
        "status=active": {small, large},
        "status=queued": set(),
        "tag=x": {small},
        "tag=x&tag=y": set(),
        "colour=red": {small},
        "colour=blue": set(),
        "created_at=gt:2020-01-01T00:00:00Z": {small, large},
        "created_at=lt:2020-01-01T00:00:00Z": set(),
        "container_format=docker&disk_format=raw": {small, large},
        "protected=true": set(),
        f"owner={PROJECTS['alice']}": {small, large},
    }.items():
        assert await ids(still, "alice", query) == expected, query


async def test_wrong_filters_are_named(still: Cloud, subtests: pytest.Subtests) -> None:
    paging = ("limit=-1", "limit=x", "marker=nope", "sort_key=colour", "sort=name:up")
    words = ("visibility=x", "member_status=x", "protected=perhaps", "os_hidden=2", "name=%00")
    for query in (*paging, *words, "size_min=-1", "size_max=1e3", "created_at=gt:yesterday"):
        with subtests.test(query):
            answer = await still.request("alice", "GET", f"/image/v2/images?{query}")
            assert (answer.status_code, answer.json()["title"]) == (400, "Bad Request")


async def test_pages_follow_each_other(still: Cloud) -> None:
    made = {await new_image(still, name=f"n{number % 3}") for number in range(7)}
    seen, path = [], "/v2/images?limit=3&sort=name:asc,created_at:desc&status=queued"
    while path:
        page = (await still.request("alice", "GET", f"/image{path}")).json()
        seen += [(image["name"], image["id"]) for image in page["images"]]
        path = page.get("next")
    assert ({id for _, id in seen}, len(seen)) == (made, 7)
    assert [name for name, _ in seen] == sorted(name for name, _ in seen)


async def test_a_thousand_images_take_three_queries(still: Cloud) -> None:
    program = still.program
    caller = await program.server._authenticator.caller("alice")
    async with program.database.write() as writing:
        for number in range(1000):
            wish = operations.Description(name=f"image-{number}", tags=["t"], properties={"colour": "red"})
            await operations.create_image(writing, caller, program.settings, wish)
    statements: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    sa.event.listen(program.database._reader, "before_cursor_execute", listen)
    answer = await still.request("alice", "GET", "/image/v2/images?limit=1000")
    images = answer.json()["images"]
    assert (len(images), images[0]["tags"], images[0]["colour"]) == (1000, ["t"], "red")
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 3


async def test_the_quota(cloud: Cloud) -> None:
    for _ in range(4):
        await new_image(cloud)
    answer = await cloud.request("alice", "POST", "/image/v2/images", json=ROW)
    assert (answer.status_code, "quota of 4 images" in answer.json()["message"]) == (413, True)
    await new_image(cloud, "bob")


async def test_a_protected_image_stays(still: Cloud) -> None:
    id = await new_image(still, protected=True)
    assert (await still.request("alice", "DELETE", f"/image/v2/images/{id}")).status_code == 403
    await patched(still, id, [{"op": "replace", "path": "/protected", "value": False}])
    assert (await still.request("alice", "DELETE", f"/image/v2/images/{id}")).status_code == 204


async def test_the_owner_is_an_admins_to_choose(still: Cloud) -> None:
    wish = {**ROW, "owner": PROJECTS["bob"]}
    assert (await still.request("alice", "POST", "/image/v2/images", json=wish)).status_code == 403
    id = await new_image(still, "admin", owner=PROJECTS["bob"])
    assert await ids(still, "bob") == {id}
    mine = await new_image(still)
    change = [{"op": "replace", "path": "/owner", "value": PROJECTS["bob"]}]
    assert (await patched(still, mine, change)).status_code == 403
    assert (await patched(still, mine, change, "admin")).json()["owner"] == PROJECTS["bob"]


async def test_a_chosen_id_is_a_uuid(still: Cloud, subtests: pytest.Subtests) -> None:
    for id in ("../../etc/passwd", "x", "", "1" * 36, "00000000-0000-0000-0000-00000000000g", ["a"], 7, "a" * 5000):
        with subtests.test(str(id)[:40]):
            answer = await still.request("alice", "POST", "/image/v2/images", json={**ROW, "id": id})
            assert (answer.status_code, "id" in answer.json()["message"]) == (400, True)


async def test_a_chosen_id_is_taken_once_for_all_projects(still: Cloud) -> None:
    id = "5B7B2D0E-4F4E-4F3C-9C55-0B6B1F6E0001"
    made = await still.request("alice", "POST", "/image/v2/images", json={**ROW, "id": id})
    assert made.json()["id"] == id.lower()
    assert (await still.request("bob", "POST", "/image/v2/images", json={**ROW, "id": id})).status_code == 409


@pytest.mark.parametrize("rest", ["", "/file", "/members"])
async def test_an_id_in_a_path_leads_nowhere_else(still: Cloud, rest: str) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    for path in ("..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a%00b", "'", "%F0%9F%90%B3", "x" * 3000):
        for method in ("GET", "PUT", "DELETE"):
            answer = await still.request("alice", method, f"/image/v2/images/{path}{rest}", headers=headers)
            assert answer.status_code in {400, 404, 405}, (method, path, answer.text)


HOSTILE_DESCRIPTIONS: list[dict[str, Any]] = [
    {"name": "x" * 256},
    {"name": 5},
    {"name": "a\x00b"},
    {"min_disk": -1},
    {"min_ram": 2**31},
    {"min_ram": 1.5},
    {"protected": "yes"},
    {"visibility": "secret"},
    {"tags": "x"},
    {"tags": ["x" * 256]},
    {"tags": [None]},
    {"disk_format": "exe"},
    {"colour": None},
    {"colour": {"a": "b"}},
    {"c" * 256: "x"},
    {"": "x"},
    {"owner": ""},
]


async def test_hostile_descriptions_are_refused_and_nothing_is_made(still: Cloud, subtests: pytest.Subtests) -> None:
    for wish in HOSTILE_DESCRIPTIONS:
        with subtests.test(str(wish)[:60]):
            answer = await still.request("alice", "POST", "/image/v2/images", json={**ROW, **wish})
            assert (answer.status_code, answer.json()["title"]) == (400, "Bad Request")
    assert await ids(still, "alice") == set()


async def test_hostile_json_is_a_bad_request(still: Cloud, subtests: pytest.Subtests) -> None:
    id = await new_image(still)
    for body in (b"", b"{", b"{}[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"a":' * 50_000):
        with subtests.test(repr(body[:20])):
            assert (await still.request("alice", "POST", "/image/v2/images", content=body)).status_code == 400
            assert (await patched(still, id, body)).status_code == 400


async def test_there_is_an_end_to_properties_and_tags(still: Cloud) -> None:
    many = {f"p{number}": "x" for number in range(129)}
    assert (await still.request("alice", "POST", "/image/v2/images", json={**ROW, **many})).status_code == 413
    id = await new_image(still, tags=[str(number) for number in range(128)])
    assert (await still.request("alice", "PUT", f"/image/v2/images/{id}/tags/7")).status_code == 204
    assert (await still.request("alice", "PUT", f"/image/v2/images/{id}/tags/new")).status_code == 413
    assert (await still.request("alice", "PUT", f"/image/v2/images/{id}/tags/{'x' * 256}")).status_code == 400


async def test_a_patch_is_all_or_nothing(still: Cloud) -> None:
    id = await new_image(still)
    before = await show(still, id)
    answer = await patched(
        still, id, [{"op": "replace", "path": "/name", "value": "new"}, {"op": "remove", "path": "/nothing"}]
    )
    assert (answer.status_code, await show(still, id)) == (409, before)


HOSTILE_PATCHES: list[tuple[Any, int]] = [
    ({"op": "replace", "path": "/status", "value": "active"}, 403),
    ({"op": "add", "path": "/id", "value": "x"}, 403),
    ({"op": "replace", "path": "/size", "value": 1}, 403),
    ({"op": "remove", "path": "/checksum"}, 403),
    ({"op": "add", "path": "/os_glance_x", "value": "x"}, 403),
    ({"op": "add", "path": "/properties", "value": {}}, 403),
    ({"op": "remove", "path": "/name"}, 403),
    ({"op": "remove", "path": "/tags"}, 403),
    ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
    ({"op": "replace", "path": "/nothing", "value": "x"}, 409),
    ({"op": "remove", "path": "/nothing"}, 409),
    ({"op": "move", "from": "/name", "path": "/x"}, 400),
    ({"op": "copy", "from": "/name", "path": "/x"}, 400),
    ({"op": "test", "path": "/name", "value": "x"}, 400),
    ({"op": "add", "path": "name", "value": "x"}, 400),
    ({"op": "add", "path": "", "value": "x"}, 400),
    ({"op": "add", "path": "/", "value": "x"}, 400),
    ({"op": "add", "path": "/a//b", "value": "x"}, 400),
    ({"op": "add", "path": "/a/b", "value": "x"}, 400),
    ({"op": "add", "path": "/name/0", "value": "x"}, 400),
    ({"op": "add", "path": "/a~2b", "value": "x"}, 400),
    ({"op": "add", "path": "/a~", "value": "x"}, 400),
    ({"op": "add", "path": "/" + "x" * 300, "value": "x"}, 400),
    ({"op": "add", "path": "/" + "x" * 2000, "value": "x"}, 400),
    ({"op": "add", "path": "/colour"}, 400),
    ({"op": "add", "path": "/colour", "value": 5}, 400),
    ({"op": "add", "path": "/colour", "value": "x" * 70_000}, 400),
    ({"op": "add", "path": "/min_ram", "value": "5"}, 400),
    ({"op": "add", "path": "/min_ram", "value": -5}, 400),
    ({"op": "add", "path": "/protected", "value": 1}, 400),
    ({"op": "add", "path": "/tags", "value": {"a": "b"}}, 400),
    ({"op": "add", "path": "/tags/7", "value": "x"}, 400),
    ({"op": "add", "path": "/tags/-1", "value": "x"}, 400),
    ({"op": "add", "path": "/tags/0/0", "value": "x"}, 400),
    ({"op": "add", "path": "/tags/0", "value": 5}, 400),
    ({"op": "remove", "path": "/tags/-"}, 400),
    ({"op": "replace", "path": "/tags/1", "value": "x"}, 400),
    ({"op": "add", "path": "/colour", "value": "x", "extra": 1}, 400),
    ("not an operation", 400),
]


async def test_hostile_patches(still: Cloud, subtests: pytest.Subtests) -> None:
    id = await new_image(still, tags=["only"])
    before = await show(still, id)
    for change, status in HOSTILE_PATCHES:
        with subtests.test(str(change)[:80]):
            answer = await patched(still, id, [change])
            assert (answer.status_code, await show(still, id)) == (status, before), answer.text


PATCHES: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([{"op": "add", "path": "/a~1b~0c", "value": "x"}], {"a/b~c": "x"}),
    ([{"op": "add", "path": "/name", "value": None}], {"name": None}),
    ([{"op": "add", "path": "/p", "value": "1"}, {"op": "replace", "path": "/p", "value": "2"}], {"p": "2"}),
    ([{"op": "replace", "path": "/tags", "value": ["z", "y", "y"]}], {"tags": ["y", "z"]}),
    ([{"op": "add", "path": "/tags/0", "value": "a"}], {"tags": ["a", "b"]}),
    ([{"op": "add", "path": "/tags/1", "value": "c"}], {"tags": ["b", "c"]}),
    ([{"op": "replace", "path": "/tags/0", "value": "d"}], {"tags": ["d"]}),
    ([{"op": "remove", "path": "/tags/0"}], {"tags": []}),
    ([], {"tags": ["b"]}),
]


async def test_patches(still: Cloud, subtests: pytest.Subtests) -> None:
    for changes, expected in PATCHES:
        with subtests.test(str(changes)):
            id = await new_image(still, tags=["b"])
            answer = await patched(still, id, changes)
            assert answer.status_code == 200, answer.text
            assert expected.items() <= answer.json().items()
            assert expected.items() <= (await show(still, id)).items()


async def found(cloud: Cloud, user: str, name: str) -> str | None:
    caller = await cloud.program.server._authenticator.caller(user)
    async with cloud.program.database.read() as transaction:
        view = await public.find_image(transaction, caller, name)
        return view.id if view else None


async def test_the_door_finds_by_id_then_by_a_name_that_is_unique(still: Cloud) -> None:
    web, other = await new_image(still, name="web"), await new_image(still, "bob", name="theirs")
    assert (await found(still, "alice", web), await found(still, "alice", "web")) == (web, web)
    for name in (other, "theirs", "", "../web", "we%"):
        assert await found(still, "alice", name) is None
    await new_image(still, name="web")
    with pytest.raises(errors.SeveralImages):
        await found(still, "alice", "web")
    assert await found(still, "alice", web) == web


async def test_another_projects_community_image_is_never_found_by_name(still: Cloud) -> None:
    squatter = await new_image(still, "bob", name="busybox", visibility="community")
    assert await found(still, "alice", "busybox") is None
    assert await found(still, "alice", squatter) == squatter


def test_errors_carry_their_sentence() -> None:
    leaves = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BoxshipError)]
    assert all(kind.__doc__ for kind in leaves)
