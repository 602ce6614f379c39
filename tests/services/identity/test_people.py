"""Domains, projects, users, roles and who has which where; what a new installation starts with."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec import structs

from boxship.services.identity import model, public, store
from tests.services.identity import world as worlds
from tests.services.identity.world import World, by_password

# Lists.


async def test_pages_follow_one_another(world: World) -> None:
    for at in range(5):
        await world.make("project", name=f"p{at}", description="many")
    url, names = "projects?limit=3&sort_key=name", []
    while url:
        shown = (await world.ask("GET", url)).json()
        assert len(shown["projects"]) <= 3
        names += [project["name"] for project in shown["projects"]]
        url = (shown["links"]["next"] or "").partition("/v3/")[2]
    assert names == ["admin", "demo", "p0", "p1", "p2", "p3", "p4", "service"]


async def test_a_list_is_whole_where_no_limit_is_named(world: World) -> None:
    """Keystone's clients do not follow pages."""
    async with world.cloud.program.database.write() as transaction:
        for at in range(1005):
            row = public._project(f"p{at}", f"id{at}", domain_id="default", is_domain=False)
            await store.insert_project(transaction, row)
    await world.ask("GET", "regions")
    with worlds.counted() as statements:
        shown = (await world.ask("GET", "projects")).json()
    assert len(shown["projects"]) == 1008 and shown["links"]["next"] is None
    assert len(statements) == 2


FILTERS: list[tuple[str, list[str]]] = [
    ("name=demo", ["demo"]),
    ("name=Demo", []),
    ("enabled=false", ["closed"]),
    ("domain_id=default&name=admin", ["admin"]),
    ("domain_id=nowhere", []),
    ("is_domain=true", ["Default"]),
]


async def test_filters(world: World) -> None:
    await world.make("project", name="closed", enabled=False)
    for query, names in FILTERS:
        shown = (await world.ask("GET", f"projects?{query}")).json()
        assert [project["name"] for project in shown["projects"]] == names, query


# Projects and domains.


async def test_a_child_is_in_the_domain_of_its_parent(world: World) -> None:
    acme = await world.make("domain", name="acme")
    parent = await world.make("project", name="parent", domain_id=acme["id"])
    child = await world.make("project", name="child", parent_id=parent["id"])
    assert (child["parent_id"], child["domain_id"]) == (parent["id"], acme["id"])
    top = await world.make("project", name="top", parent_id=acme["id"])
    assert (top["parent_id"], top["domain_id"]) == (acme["id"], acme["id"])
    elsewhere = {"project": {"name": "x", "parent_id": parent["id"], "domain_id": "default"}}
    answer = await world.ask("POST", "projects", elsewhere)
    assert answer.status_code == 400 and "project.parent_id" in answer.text
    assert (await world.ask("DELETE", f"projects/{parent['id']}")).status_code == 403, "it has a child"


WISHES: list[tuple[str, dict[str, Any], int, str]] = [
    ("project", {}, 400, "project.name"),
    ("project", {"name": ""}, 400, "project.name"),
    ("project", {"name": "x" * 65}, 400, "project.name"),
    ("project", {"name": "x", "enabled": "yes"}, 400, "project.enabled"),
    ("project", {"name": "x", "colour": "red"}, 400, "project.colour"),
    ("project", {"name": "x", "is_domain": True}, 400, "project.is_domain"),
    ("project", {"name": "x", "options": {"immutable": True}}, 400, "project.options.immutable"),
    ("project", {"name": "x", "options": {"immutable": False}, "is_domain": False}, 201, "x"),
    ("project", {"name": "x", "domain_id": "nowhere"}, 404, "Could not find domain: nowhere."),
    ("project", {"name": "x", "parent_id": "nowhere"}, 404, "nowhere"),
    ("project", {"name": "demo"}, 409, "Duplicate entry found with name demo"),
    ("domain", {"name": "x", "parent_id": "default"}, 400, "domain.parent_id"),
    ("domain", {"name": "Default"}, 409, "Duplicate"),
    ("user", {"name": "x", "options": {"lock_password": True}}, 400, "user.options.lock_password"),
    ("user", {"name": "x", "options": {"ignore_password_expiry": True}}, 201, "x"),
    ("user", {"name": "x", "password": ""}, 400, "user.password"),
    ("user", {"name": "x", "password": "x" * 4097}, 400, "user.password"),
    ("user", {"name": "x", "default_project_id": "nowhere"}, 404, "nowhere"),
    ("user", {"name": "demo"}, 409, "Duplicate"),
    ("role", {"name": "x", "domain_id": "default"}, 400, "role.domain_id"),
    ("role", {"name": "member"}, 409, "Duplicate"),
]


async def test_what_can_be_made(world: World) -> None:
    for kind, fields, status, word in WISHES:
        answer = await world.ask("POST", f"{kind}s", {kind: fields})
        assert answer.status_code == status and word in answer.text, (kind, fields)
        if status >= 400:
            assert answer.json()["error"]["code"] == status


async def test_what_cannot_be_changed(world: World) -> None:
    project, user = await world.find("project", "demo"), await world.find("user", "demo")
    for path, body in (
        (f"projects/{project['id']}", {"project": {"domain_id": "other"}}),
        (f"projects/{project['id']}", {"project": {"parent_id": "other"}}),
        (f"users/{user['id']}", {"user": {"domain_id": "other"}}),
    ):
        assert (await world.ask("PATCH", path, body)).status_code == 400
    same = {"project": {"domain_id": "default", "name": "demo", "description": None, "tags": ["a"]}}
    changed = (await world.ask("PATCH", f"projects/{project['id']}", same)).json()["project"]
    assert (changed["tags"], changed["description"]) == (["a"], "")


async def test_the_cloud_cannot_be_locked_from_inside(world: World) -> None:
    assert (await world.ask("PATCH", "domains/default", {"domain": {"enabled": False}})).status_code == 403
    assert (await world.ask("DELETE", "domains/default")).status_code == 403
    admin = await world.find("role", "admin")
    assert (await world.ask("DELETE", f"roles/{admin['id']}")).status_code == 403
    assert (await world.ask("PATCH", f"roles/{admin['id']}", {"role": {"name": "root"}})).status_code == 403


async def test_nobody_s_default_is_a_project_that_is_gone(world: World) -> None:
    project = await world.find("project", "demo")
    assert (await world.ask("DELETE", f"projects/{project['id']}")).status_code == 204
    assert "default_project_id" not in await world.find("user", "demo")
    assert (await world.log_in(by_password("demo", "demo-password"))).status_code == 201


# Users see themselves.


async def test_what_a_member_sees(world: World) -> None:
    token = await world.token("demo")
    me, admin = await world.find("user", "demo"), await world.find("user", "admin")
    mine, other = await world.find("project", "demo"), await world.find("project", "admin")
    allowed = [
        *("auth/catalog", "auth/projects", "auth/domains", "auth/system", "regions", "domains/default"),
        *(f"users/{me['id']}", f"users/{me['id']}/projects", f"projects/{mine['id']}"),
    ]
    refused = [
        *("projects", "domains", "users", "roles", "role_assignments", "services", "endpoints", "role_inferences"),
        *(f"users/{admin['id']}", f"users/{admin['id']}/projects", f"projects/{other['id']}"),
    ]
    assert {path: (await world.ask("GET", path, token=token)).status_code for path in allowed} == dict.fromkeys(
        allowed, 200
    )
    assert {path: (await world.ask("GET", path, token=token)).status_code for path in refused} == dict.fromkeys(
        refused, 403
    )
    promote = f"projects/{mine['id']}/users/{me['id']}/roles/{(await world.find('role', 'admin'))['id']}"
    assert (await world.ask("PUT", promote, token=token)).status_code == 403
    assert (await world.ask("PATCH", f"users/{me['id']}", {"user": {"enabled": True}}, token=token)).status_code == 403


async def test_no_answer_holds_a_password(world: World) -> None:
    user = await world.make("user", name="carol", password="secret word")
    for path in ("users", f"users/{user['id']}", "role_assignments?include_names"):
        text = (await world.ask("GET", path)).text
        assert "secret word" not in text and "argon2" not in text


async def test_no_error_that_is_logged_holds_a_hash(world: World) -> None:
    """What the database says of two users of one name, should two requests ever get as far at the same moment."""
    user = public._user("carol", "", "$argon2id$secret")
    with pytest.raises(sa.exc.IntegrityError) as caught:
        async with world.cloud.program.database.write() as transaction:
            await store.insert_user(transaction, user)
            await store.insert_user(transaction, structs.replace(user, id="other"))
    assert "users.name" in str(caught.value) and "argon2id" not in str(caught.value)


# Assignments.


async def test_names_of_many_assignments_cost_few_queries(world: World) -> None:
    role = await world.find("role", "member")
    async with world.cloud.program.database.write() as transaction:
        for at in range(300):
            await store.insert_user(transaction, public._user(f"u{at}", "", "!"))
            await store.insert_project(
                transaction, public._project(f"p{at}", f"id{at}", domain_id="default", is_domain=False)
            )
            user = await store.user_named(transaction, f"u{at}", "default")
            assert user is not None
            held = model.Assignment(user_id=user.id, kind="project", target_id=f"id{at}", role_id=role["id"])
            await store.assign(transaction, held)
    await world.ask("GET", "regions")
    with worlds.counted() as statements:
        shown = (await world.ask("GET", "role_assignments?include_names=true&effective")).json()["role_assignments"]
    assert len(shown) == 2 * 300 + 4 + 4 + 2, "members read too; the admin is one on the project and on the system"
    assert len(statements) < 10
    some = next(row for row in shown if row["user"]["name"] == "u7")
    assert some["scope"]["project"] == {"id": "id7", "name": "p7", "domain": {"id": "default", "name": "Default"}}
    assert some["user"]["domain"] == {"id": "default", "name": "Default"}


async def test_assignments_by_what_they_are(world: World) -> None:
    user, project = await world.find("user", "demo"), await world.find("project", "demo")
    member, reader = await world.find("role", "member"), await world.find("role", "reader")

    async def roles(query: str) -> list[str]:
        shown = (await world.ask("GET", f"role_assignments?{query}")).json()["role_assignments"]
        return [row["role"]["id"] for row in shown]

    assert await roles(f"user.id={user['id']}") == [member["id"]]
    assert set(await roles(f"user.id={user['id']}&effective")) == {member["id"], reader["id"]}
    assert await roles(f"scope.project.id={project['id']}&role.id={reader['id']}") == []
    assert await roles(f"scope.project.id={project['id']}&role.id={reader['id']}&effective=true") == [reader["id"]]
    assert await roles(f"user.id={user['id']}&scope.system=all") == []
    assert len(await roles("scope.system=all")) == 1
    assert await roles("group.id=x") == await roles("scope.OS-INHERIT:inherited_to=projects") == []


async def test_a_grant_can_be_repeated_and_ends_once(world: World) -> None:
    user, project = await world.find("user", "demo"), await world.find("project", "admin")
    role = await world.find("role", "reader")
    path = f"projects/{project['id']}/users/{user['id']}/roles/{role['id']}"
    statuses = [(await world.ask(method, path)).status_code for method in ("HEAD", "PUT", "PUT", "HEAD", "GET")]
    assert statuses == [404, 204, 204, 204, 204]
    assert [(await world.ask("DELETE", path)).status_code for _ in range(2)] == [204, 404]
    for part in (user["id"], project["id"], role["id"]):
        answer = await world.ask("PUT", path.replace(part, "nothere"))
        assert answer.status_code == 404
        assert re.search(r"Could not find \w+: nothere\.", answer.json()["error"]["message"])


# What a new installation starts with.


async def test_starting_again_changes_nothing_and_what_is_gone_stays_gone(world: World) -> None:
    database = world.cloud.program.database
    async with database.write() as transaction:
        first = await public.bootstrap(transaction, {})
    project = await world.find("project", "admin")
    assert first == project["id"]
    service = await world.find("project", "service")
    await world.ask("DELETE", f"projects/{service['id']}")
    system = await world.token("admin", scope={"system": {"all": True}})
    await world.ask("DELETE", f"projects/{project['id']}")
    async with database.write() as transaction:
        assert await public.bootstrap(transaction, {}) == "default"
    shown = (await world.ask("GET", "projects", token=system)).json()["projects"]
    assert [project["name"] for project in shown] == ["demo"]
