"""Groups: their members have what the group is given, as long as both last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.services.identity.world import World, by_password

WISHES: list[tuple[dict[str, Any], int, str]] = [
    ({}, 400, "group.name"),
    ({"name": ""}, 400, "group.name"),
    ({"name": "x" * 65}, 400, "group.name"),
    ({"name": "x" * 64, "description": None}, 201, "x"),
    ({"name": "y", "description": "x" * 65536}, 400, "group.description"),
    ({"name": "y", "colour": "red"}, 400, "group.colour"),
    ({"name": "y", "domain_id": "nowhere"}, 404, "Could not find domain: nowhere."),
    ({"name": "z", "project_id": "nowhere"}, 201, "z"),
    ({"name": "y", "domain_id": None}, 201, '"domain_id":"default"'),
    ({"name": "y"}, 409, "Duplicate entry found with name y"),
]


async def test_what_can_be_made(world: World) -> None:
    for fields, status, word in WISHES:
        answer = await world.ask("POST", "groups", {"group": fields})
        assert answer.status_code == status and word in answer.text, (fields, answer.text)


async def test_names_are_unique_in_a_domain(world: World) -> None:
    acme = await world.make("domain", name="acme")
    here = await world.make("group", name="cooks", description="Make food")
    there = await world.make("group", name="cooks", domain_id=acme["id"])
    other = await world.make("group", name="waiters")
    assert (await world.ask("PATCH", f"groups/{other['id']}", {"group": {"name": "cooks"}})).status_code == 409
    assert (await world.ask("PATCH", f"groups/{there['id']}", {"group": {"domain_id": "default"}})).status_code == 400
    await world.change("group", here["id"], name="chefs", description=None)
    shown = (await world.ask("GET", f"groups/{here['id']}")).json()["group"]
    assert (shown["name"], shown["description"], shown["domain_id"]) == ("chefs", "", "default")
    for query, found in (
        ("", ["chefs", "cooks", "waiters"]),
        ("name=cooks", ["cooks"]),
        (f"domain_id={acme['id']}", ["cooks"]),
        ("domain_id=default&name=cooks", []),
        ("limit=1&sort_key=name&sort_dir=desc", ["waiters"]),
    ):
        listed = (await world.ask("GET", f"groups?{query}")).json()
        assert [group["name"] for group in listed["groups"]] == found, query
    assert listed["links"]["next"].endswith(f"marker={other['id']}")


async def test_members_come_and_go(world: World) -> None:
    group, user = await world.make("group", name="cooks"), await world.find("user", "demo")
    path = f"groups/{group['id']}/users/{user['id']}"
    verbs = ("HEAD", "PUT", "PUT", "HEAD", "GET", "DELETE", "DELETE")
    statuses = [(await world.ask(verb, path)).status_code for verb in verbs]
    assert statuses == [404, 204, 204, 204, 204, 204, 404]
    missing = (await world.ask("GET", path)).json()["error"]["message"]
    assert missing == f"User '{user['id']}' not found in group '{group['id']}'"
    for part in (user["id"], group["id"]):
        for verb in ("PUT", "GET", "DELETE"):
            assert (await world.ask(verb, path.replace(part, "nothere"))).status_code == 404
    await world.ask("PUT", path)
    members = (await world.ask("GET", f"groups/{group['id']}/users")).json()["users"]
    assert [member["name"] for member in members] == ["demo"] and "password" not in members[0]
    assert (await world.ask("GET", f"groups/{group['id']}/users?name=admin")).json()["users"] == []
    assert (await world.ask("GET", "groups/nothere/users")).status_code == 404
    groups = (await world.ask("GET", f"users/{user['id']}/groups")).json()
    assert [one["id"] for one in groups["groups"]] == [group["id"]]
    assert groups["links"]["self"].endswith(f"/v3/users/{user['id']}/groups")
    assert (await world.ask("GET", "users/nothere/groups")).status_code == 404


async def test_who_may_look(world: World) -> None:
    token, me = await world.token("demo"), await world.find("user", "demo")
    admin, group = await world.find("user", "admin"), await world.make("group", name="cooks")
    await world.ask("PUT", f"groups/{group['id']}/users/{me['id']}")
    assert (await world.ask("GET", f"users/{me['id']}/groups", token=token)).status_code == 200
    for verb, path in (
        ("GET", f"users/{admin['id']}/groups"),
        ("GET", "groups"),
        ("POST", "groups"),
        ("GET", f"groups/{group['id']}"),
        ("PATCH", f"groups/{group['id']}"),
        ("DELETE", f"groups/{group['id']}"),
        ("GET", f"groups/{group['id']}/users"),
        ("PUT", f"groups/{group['id']}/users/{me['id']}"),
    ):
        assert (await world.ask(verb, path, {}, token=token)).status_code == 403, path


# What a member may do.


async def _carol(world: World) -> dict[str, str]:
    """A user without a role, in the group cooks, which has the role member on the project shop."""
    ids = {}
    for kind, fields in (
        ("project", {"name": "shop"}),
        ("user", {"name": "carol", "password": "secret"}),
        ("group", {"name": "cooks"}),
    ):
        ids[kind] = str((await world.make(kind, **fields))["id"])
    ids["role"] = str((await world.find("role", "member"))["id"])
    await world.change("user", ids["user"], default_project_id=ids["project"])
    for path in (_membership(ids), _grant(ids)):
        assert (await world.ask("PUT", path)).status_code == 204
    return ids


def _membership(ids: dict[str, str]) -> str:
    return f"groups/{ids['group']}/users/{ids['user']}"


def _grant(ids: dict[str, str], kind: str = "project") -> str:
    return f"{kind}s/{ids[kind]}/groups/{ids['group']}/roles/{ids['role']}"


async def test_a_member_has_the_roles_of_the_group(world: World) -> None:
    ids = await _carol(world)
    issued = (await world.log_in(by_password("carol", "secret"))).json()["token"]
    assert [role["name"] for role in issued["roles"]] == ["member", "reader"]
    assert issued["project"]["name"] == "shop"
    token = await world.token("carol", "secret")
    reachable = (await world.ask("GET", "auth/projects", token=token)).json()["projects"]
    assert [project["name"] for project in reachable] == ["shop"]
    assert (await world.ask("GET", f"users/{ids['user']}/projects")).json()["projects"] == reachable
    direct = f"projects/{ids['project']}/users/{ids['user']}/roles"
    assert (await world.ask("GET", direct)).json()["roles"] == [], "the role is the group's"
    assert (await world.ask("HEAD", f"{direct}/{ids['role']}")).status_code == 404
    caller = await world.cloud.program.authenticator.caller(token)
    assert caller.roles == {"member", "reader"} and caller.project_id == ids["project"]


async def test_roles_of_user_and_groups_add_up(world: World) -> None:
    ids = await _carol(world)
    second = await world.make("group", name="auditors")
    service, reader = await world.find("role", "service"), await world.find("role", "reader")
    await world.ask("PUT", f"groups/{second['id']}/users/{ids['user']}")
    await world.ask("PUT", f"projects/{ids['project']}/groups/{second['id']}/roles/{service['id']}")
    await world.ask("PUT", f"projects/{ids['project']}/users/{ids['user']}/roles/{reader['id']}")
    token = await world.token("carol", "secret")
    caller = await world.cloud.program.authenticator.caller(token)
    assert caller.roles == {"member", "reader", "service"}
    await world.ask("DELETE", _membership(ids))
    caller = await world.cloud.program.authenticator.caller(token)
    assert caller.roles == {"reader", "service"}, "the token is good for what is left"


@pytest.mark.parametrize("kind", ["domain", "system"])
async def test_groups_act_on_domains_and_on_the_system(world: World, kind: str) -> None:
    ids = await _carol(world)
    where = "domains/default" if kind == "domain" else "system"
    path = f"{where}/groups/{ids['group']}/roles"
    scope = {"domain": {"id": "default"}} if kind == "domain" else {"system": {"all": True}}
    assert (await world.log_in(by_password("carol", "secret"), scope)).status_code == 401
    verbs = ("HEAD", "PUT", "PUT", "HEAD")
    assert [(await world.ask(verb, f"{path}/{ids['role']}")).status_code for verb in verbs] == [404, 204, 204, 204]
    assert [role["id"] for role in (await world.ask("GET", path)).json()["roles"]] == [ids["role"]]
    token = await world.token("carol", "secret", scope)
    shown = (await world.ask("GET", f"auth/{'domains' if kind == 'domain' else 'system'}", token=token)).json()
    assert shown["domains" if kind == "domain" else "system"]
    assert (await world.ask("DELETE", f"{path}/{ids['role']}")).status_code == 204
    assert (await world.ask("DELETE", f"{path}/{ids['role']}")).status_code == 404
    assert not await world.is_good(token)


async def _gone(world: World, path: str) -> None:
    assert (await world.ask("DELETE", path)).status_code == 204


ENDS: dict[str, Callable[[World, dict[str, str]], Awaitable[None]]] = {
    "taken out of the group": lambda world, ids: _gone(world, _membership(ids)),
    "the group's role taken": lambda world, ids: _gone(world, _grant(ids)),
    "the group deleted": lambda world, ids: _gone(world, f"groups/{ids['group']}"),
    "the role deleted": lambda world, ids: _gone(world, f"roles/{ids['role']}"),
    "the project deleted": lambda world, ids: _gone(world, f"projects/{ids['project']}"),
    "the user deleted": lambda world, ids: _gone(world, f"users/{ids['user']}"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
async def test_what_ends_a_token(world: World, end: Callable[[World, dict[str, str]], Awaitable[None]]) -> None:
    ids = await _carol(world)
    token, other = await world.token("carol", "secret"), await world.token("demo", scope="unscoped")
    assert await world.is_good(token)
    await end(world, ids)
    assert not await world.is_good(token)
    assert await world.is_good(other) and await world.is_good(world.admin)


async def test_a_member_again_and_the_token_is_good_again(world: World) -> None:
    ids = await _carol(world)
    token = await world.token("carol", "secret")
    await _gone(world, _membership(ids))
    assert not await world.is_good(token)
    await world.ask("PUT", _membership(ids))
    assert await world.is_good(token), "as with a role that is given again"


async def test_a_deputy_has_what_the_user_has_through_groups(world: World) -> None:
    """What stands in for a trust: stacks act for their owners."""
    ids = await _carol(world)
    deputies = world.cloud.program.deputies
    del deputies.caller  # the real one
    async with world.cloud.program.database.read() as transaction:
        acting = await deputies.caller(transaction, ids["user"], ids["project"], {"member"})
    assert acting.roles == {"member"}


# Who has what.


async def test_groups_among_the_assignments(world: World) -> None:
    ids = await _carol(world)

    async def rows(query: str) -> list[dict[str, Any]]:
        answer = await world.ask("GET", f"role_assignments?{query}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["role_assignments"])

    (row,) = await rows(f"group.id={ids['group']}")
    assert row["group"] == {"id": ids["group"]} and "user" not in row
    assert row["links"]["assignment"].endswith("/v3/" + _grant(ids))
    assert await rows(f"scope.project.id={ids['project']}") == [row] == await rows(f"group.id={ids['group']}")
    (named,) = await rows(f"group.id={ids['group']}&include_names")
    assert named["group"] == {
        "id": ids["group"],
        "name": "cooks",
        "domain": {"id": "default", "name": "Default"},
    }
    assert await rows(f"user.id={ids['user']}") == []
    effective = await rows(f"user.id={ids['user']}&effective&include_names")
    assert [(one["user"]["name"], one["role"]["name"]) for one in effective] in (
        [("carol", "member"), ("carol", "reader")],
        [("carol", "reader"), ("carol", "member")],
    )
    assert all("group" not in one for one in effective)
    assert {one["links"]["membership"].partition("/v3/")[2] for one in effective} == {_membership(ids)}
    assert all(f"/groups/{ids['group']}/roles/" in one["links"]["assignment"] for one in effective)
    admin = await world.find("user", "admin")
    assert not any("membership" in one["links"] for one in await rows(f"user.id={admin['id']}&effective"))
    assert len(await rows(f"role.id={ids['role']}")) == 2, "demo's and the group's"
    assert await rows("group.id=nothere") == []


@pytest.mark.parametrize("query", ["group.id=x&effective", "group.id=x&user.id=y"])
async def test_what_cannot_be_asked_together(world: World, query: str) -> None:
    answer = await world.ask("GET", f"role_assignments?{query}")
    assert answer.status_code == 400 and "group.id" in answer.json()["error"]["message"]


# Nothing is left behind.


async def _left(world: World) -> dict[str, int]:
    tables = ("user_groups", "user_group_members", "group_role_assignments")
    async with world.cloud.program.database.read() as transaction:
        return {
            name: await transaction.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) for name in tables
        }


@pytest.mark.parametrize(
    ("end", "left"),
    [
        ("taken out of the group", (1, 0, 1)),
        ("the group's role taken", (1, 1, 0)),
        ("the group deleted", (0, 0, 0)),
        ("the role deleted", (1, 1, 0)),
        ("the project deleted", (1, 1, 0)),
        ("the user deleted", (1, 0, 1)),
    ],
)
async def test_what_is_left(world: World, end: str, left: tuple[int, int, int]) -> None:
    ids = await _carol(world)
    assert tuple((await _left(world)).values()) == (1, 1, 1)
    await ENDS[end](world, ids)
    assert tuple((await _left(world)).values()) == left


async def test_a_domain_takes_its_groups_with_it(world: World) -> None:
    acme = await world.make("domain", name="acme")
    ids = await _carol(world)
    theirs = {"group": (await world.make("group", name="theirs", domain_id=acme["id"]))["id"]}
    dave = await world.make("user", name="dave", domain_id=acme["id"])
    shop = await world.make("project", name="shop", domain_id=acme["id"])
    for path in (
        f"groups/{theirs['group']}/users/{ids['user']}",
        f"groups/{ids['group']}/users/{dave['id']}",
        f"projects/{ids['project']}/groups/{theirs['group']}/roles/{ids['role']}",
        f"projects/{shop['id']}/groups/{ids['group']}/roles/{ids['role']}",
        f"domains/{acme['id']}/groups/{ids['group']}/roles/{ids['role']}",
    ):
        assert (await world.ask("PUT", path)).status_code == 204, path
    assert tuple((await _left(world)).values()) == (2, 3, 4)
    await world.change("domain", acme["id"], enabled=False)
    await _gone(world, f"domains/{acme['id']}")
    assert tuple((await _left(world)).values()) == (1, 1, 1)
