"""Logging in, where a token is good, and everything that ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from boxship.core import clock, errors
from boxship.core.http.call import decode
from boxship.services.identity import schemas
from boxship.services.identity.live import passwords
from tests.services.identity import world as worlds
from tests.services.identity.world import World, by_password, by_token

DEMO = {"project": {"name": "demo", "domain": {"id": "default"}}}


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the wall clock so many seconds ahead."""
    ahead = timedelta()

    def move(seconds: float) -> None:
        nonlocal ahead
        ahead += timedelta(seconds=seconds)

    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + ahead)
    return move


# Logging in.


SCOPES: list[tuple[Any, dict[str, str]]] = [
    (None, {"project": "demo"}),
    (DEMO, {"project": "demo"}),
    ({"project": {"name": "demo", "domain": {"name": "Default"}}}, {"project": "demo"}),
    ("unscoped", {}),
]


async def test_where_a_token_is_good(world: World) -> None:
    for scope, part in SCOPES:
        answer = await world.log_in(by_password("demo", "demo-password"), scope)
        token = answer.json()["token"]
        assert {kind: token[kind]["name"] for kind in ("project", "domain") if kind in token} == part
        assert ("roles" in token) == ("catalog" in token) == bool(part)
        assert token["user"]["name"] == "demo" and token["user"]["domain"] == {"id": "default", "name": "Default"}
        assert len(token["audit_ids"]) == 1 and token["methods"] == ["password"]


async def test_a_token_for_a_domain_and_one_for_the_system(world: World) -> None:
    admin, role = await world.find("user", "admin"), await world.find("role", "admin")
    await world.ask("PUT", f"domains/default/users/{admin['id']}/roles/{role['id']}")
    for scope, part in (({"domain": {"name": "Default"}}, "domain"), ({"system": {"all": True}}, "system")):
        token = (await world.log_in(by_password("admin", "admin-password"), scope)).json()["token"]
        assert part in token and "project" not in token
        assert [role["name"] for role in token["roles"]] == ["admin", "manager", "member", "reader"]
        assert "block-storage" not in {entry["type"] for entry in token["catalog"]}, "it needs a project"


async def test_without_a_role_in_the_default_project_one_is_nowhere_yet(world: World) -> None:
    other = await world.make("project", name="other")
    await world.make("user", name="carol", password="secret", default_project_id=other["id"])
    answer = await world.log_in(by_password("carol", "secret"))
    assert answer.status_code == 201
    assert "project" not in answer.json()["token"] and "roles" not in answer.json()["token"]


REFUSED: list[dict[str, Any]] = [
    by_password("demo", "wrong"),
    by_password("demo", "x" * 4096),
    by_password("nobody", "demo-password"),
    by_password("demo", "demo-password", domain="nowhere"),
    by_token("gAAAAA"),
    by_token(""),
]


async def test_every_refusal_is_the_same(world: World) -> None:
    for identity in REFUSED:
        answer = await world.log_in(identity)
        assert answer.status_code == 401
        assert answer.json()["error"] == {
            "code": 401,
            "title": "Unauthorized",
            "message": "The request you have made requires authentication.",
        }
        assert answer.headers["WWW-Authenticate"].startswith("Keystone uri=")


CLOSED: list[dict[str, Any]] = [
    {"project": {"id": "nowhere"}},
    {"project": {"name": "admin", "domain": {"id": "default"}}},
    {"project": {"name": "demo", "domain": {"name": "nowhere"}}},
    {"project": {"id": "default"}},
    {"domain": {"id": "default"}},
    {"system": {"all": True}},
]


async def test_there_is_no_token_for_where_one_may_not_act(world: World) -> None:
    token = await world.token("demo")
    answers = [await world.log_in(by_token(token), scope) for scope in CLOSED]
    assert [answer.status_code for answer in answers] == [401] * len(CLOSED)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "auth.identity"),
    ({"identity": {"methods": []}}, "auth.identity.methods"),
    ({"identity": {"methods": ["password"]}}, "auth.identity.password"),
    ({"identity": {"methods": ["token"]}}, "auth.identity.token"),
    ({"identity": {"methods": ["oauth1"]}}, "auth.identity.methods[0]"),
    (
        {"identity": {"methods": ["password"], "password": {"user": {"password": "x"}}}},
        "auth.identity.password.user",
    ),
    (
        {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": "x"}}}},
        "auth.identity.password.user.domain",
    ),
    (
        {"identity": {"methods": ["password"], "password": {"user": {"id": 7, "password": "x"}}}},
        "auth.identity.password.user.id",
    ),
    ({"identity": by_password("demo", "demo-password"), "scope": {}}, "auth.scope"),
    ({"identity": by_password("demo", "demo-password"), "scope": DEMO | {"system": {"all": True}}}, "auth.scope"),
    ({"identity": by_password("demo", "demo-password"), "scope": {"project": {}}}, "auth.scope.project"),
    (
        {"identity": by_password("demo", "demo-password"), "scope": {"project": {"name": "demo"}}},
        "auth.scope.project.domain",
    ),
    (
        {"identity": by_password("demo", "demo-password"), "scope": {"system": {"all": False}}},
        "auth.scope.system.all",
    ),
    (
        {"identity": by_password("demo", "demo-password"), "scope": {"OS-TRUST:trust": {}}},
        "auth.scope.OS-TRUST:trust",
    ),
    ({"identity": by_password("demo", "demo-password"), "extra": 1}, "auth.extra"),
]


async def test_a_bad_request_is_told_what_is_bad(world: World) -> None:
    for auth, field in BAD:
        answer = await world.cloud.request(None, "POST", worlds.TOKENS, json={"auth": auth})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith(f"{field}: ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["auth", "identity", "methods", "password", "user", "id", "name", "domain", "scope", "x"]),
        inner,
        max_size=4,
    ),
)  # fmt: skip


@settings(deadline=None)
@given(body=json_values)
def test_any_json_is_a_request_or_an_error_that_names_a_field(body: Any) -> None:
    try:
        decode(msgspec.json.encode(body), schemas.AuthBody)
    except errors.BadRequest as error:
        assert error.field


# What a token is made from.


async def test_a_token_from_a_token_never_outlives_it(world: World, moved: Callable[[float], None]) -> None:
    first = await world.log_in(by_password("demo", "demo-password"))
    moved(600)
    second = await world.log_in(by_token(first.headers["X-Subject-Token"]), "unscoped")
    assert second.json()["token"]["expires_at"] == first.json()["token"]["expires_at"]
    assert second.json()["token"]["methods"] == ["password", "token"]
    assert second.json()["token"]["audit_ids"] != first.json()["token"]["audit_ids"]
    third = await world.log_in(by_token(second.headers["X-Subject-Token"]), DEMO)
    assert third.json()["token"]["project"]["name"] == "demo"


async def test_password_and_token_must_be_of_the_same_user(world: World) -> None:
    token = await world.token("demo")
    both = by_password("demo", "demo-password") | by_token(token) | {"methods": ["password", "token"]}
    assert (await world.log_in(both)).status_code == 201
    assert (await world.log_in(both | by_token(world.admin) | {"methods": ["password", "token"]})).status_code == 401


async def test_a_password_that_is_changed_while_one_logs_in_gives_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = await _carol(world)
    check = passwords.Passwords.check

    async def meanwhile(self: passwords.Passwords, *given: Any) -> None:
        await check(self, *given)
        await world.change("user", carol["id"], password="another")

    monkeypatch.setattr(passwords.Passwords, "check", meanwhile)
    answer = await world.log_in(by_password("carol", "secret"))
    assert not await world.is_good(answer.headers.get("X-Subject-Token", "none"))


async def test_one_s_password_that_an_admin_changes_meanwhile_stays_the_admin_s(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = await _carol(world)
    token = await world.token("carol", "secret")
    hashed = passwords.Passwords.hashed

    async def changed_meanwhile(self: passwords.Passwords, password: str) -> str:
        monkeypatch.setattr(passwords.Passwords, "hashed", hashed)
        await world.change("user", carol["id"], password="the admin's")
        return await hashed(self, password)

    monkeypatch.setattr(passwords.Passwords, "hashed", changed_meanwhile)
    body = {"user": {"original_password": "secret", "password": "carol's"}}
    answer = await world.ask("POST", f"users/{carol['id']}/password", body, token=token)
    assert answer.status_code == 401
    assert (await world.log_in(by_password("carol", "the admin's"))).status_code == 201


# What ends a token.


async def _carol(world: World) -> dict[str, Any]:
    """A member of the project shop in the default domain."""
    shop = await world.make("project", name="shop")
    carol = await world.make("user", name="carol", password="secret", default_project_id=shop["id"])
    member = await world.find("role", "member")
    answer = await world.ask("PUT", f"projects/{shop['id']}/users/{carol['id']}/roles/{member['id']}")
    assert answer.status_code == 204
    return carol


async def _grant(world: World) -> str:
    ids = [(await world.find(kind, name))["id"] for kind, name in zip(*_GRANT, strict=True)]
    return "projects/{}/users/{}/roles/{}".format(*ids)


_GRANT = (("project", "user", "role"), ("shop", "carol", "member"))


async def _disable(world: World, kind: str, name: str) -> None:
    await world.change(kind, (await world.find(kind, name))["id"], enabled=False)


async def _enable(world: World, kind: str, name: str) -> None:
    await world.change(kind, (await world.find(kind, name))["id"], enabled=True)


async def _delete(world: World, kind: str, name: str) -> None:
    answer = await world.ask("DELETE", f"{kind}s/{(await world.find(kind, name))['id']}")
    assert answer.status_code == 204


async def _another_password(world: World) -> None:
    await world.change("user", (await world.find("user", "carol"))["id"], password="another")


async def _own_password(world: World) -> None:
    carol = await world.find("user", "carol")
    token = await world.token("carol", "secret")
    body = {"user": {"original_password": "secret", "password": "another"}}
    assert (await world.ask("POST", f"users/{carol['id']}/password", body, token=token)).status_code == 204


async def _no_password(world: World) -> None:
    await world.change("user", (await world.find("user", "carol"))["id"], password=None)


async def _off_and_on(world: World) -> None:
    await _disable(world, "user", "carol")
    await _enable(world, "user", "carol")


async def _take_role(world: World) -> None:
    assert (await world.ask("DELETE", await _grant(world))).status_code == 204


@pytest.mark.parametrize(
    "end",
    [
        lambda world: _disable(world, "user", "carol"),
        lambda world: _delete(world, "user", "carol"),
        lambda world: _disable(world, "project", "shop"),
        lambda world: _delete(world, "project", "shop"),
        lambda world: _delete(world, "role", "member"),
        _take_role,
        _another_password,
        _own_password,
        _no_password,
        _off_and_on,
    ],
    ids=[
        *("user disabled", "user deleted", "project disabled", "project deleted", "role deleted", "role taken"),
        *("password changed", "own password changed", "password taken away", "user disabled and enabled again"),
    ],
)
async def test_what_ends_a_token(world: World, end: Callable[[World], Awaitable[None]]) -> None:
    await _carol(world)
    token = await world.token("carol", "secret")
    others = await world.token("demo", scope="unscoped")
    assert await world.is_good(token)
    await end(world)
    assert not await world.is_good(token)
    assert await world.is_good(others) and await world.is_good(world.admin)


async def test_a_domain_ends_the_tokens_of_its_users_wherever_they_are(world: World) -> None:
    acme = await world.make("domain", name="acme")
    dave = await world.make("user", name="dave", password="secret", domain_id=acme["id"])
    shop = await world.make("project", name="shop")
    member = await world.find("role", "member")
    await world.ask("PUT", f"projects/{shop['id']}/users/{dave['id']}/roles/{member['id']}")
    identity = by_password("dave", "secret", acme["id"])
    token = (await world.log_in(identity, {"project": {"id": shop["id"]}})).headers["X-Subject-Token"]
    assert await world.is_good(token)
    await world.change("domain", acme["id"], enabled=False)
    assert not await world.is_good(token)
    assert (await world.log_in(identity)).status_code == 401
    assert (await world.ask("DELETE", f"domains/{acme['id']}")).status_code == 204
    assert (await world.ask("GET", f"users/{dave['id']}")).status_code == 404


async def test_a_token_ends_with_its_time(world: World, moved: Callable[[float], None]) -> None:
    token = await world.token("demo")
    assert await world.is_good(token)
    moved(3599)
    assert await world.is_good(token)
    moved(1)
    assert not await world.is_good(token)
    assert (await world.log_in(by_token(token))).status_code == 401


async def test_the_lifetime_is_a_setting(tmp_path: Path, moved: Callable[[float], None]) -> None:
    async with worlds.world(tmp_path, token_lifetime=10) as world:
        token = await world.token("demo")
        moved(10)
        assert not await world.is_good(token)


async def test_a_revoked_token_ends_alone_and_its_row_goes_when_its_time_is_over(
    world: World, moved: Callable[[float], None]
) -> None:
    ended, other = await world.token("demo"), await world.token("demo")
    subject = {"X-Subject-Token": ended}
    answer = await world.cloud.request(ended, "DELETE", worlds.TOKENS, headers=subject)
    assert answer.status_code == 204, "one may end one's own"
    assert not await world.is_good(ended) and await world.is_good(other)
    again = await world.cloud.request(world.admin, "DELETE", worlds.TOKENS, headers=subject)
    assert again.status_code == 404
    moved(3601)
    admin = await world.token("admin")
    await world.cloud.request(admin, "DELETE", worlds.TOKENS, headers={"X-Subject-Token": admin})
    async with world.cloud.program.database.read() as transaction:
        assert await transaction.scalar(sa.text("SELECT count(*) FROM revoked_tokens")) == 1


# Looking at tokens.


async def test_who_may_look_at_a_token(world: World) -> None:
    await _carol(world)
    demo, carol = await world.token("demo"), await world.token("carol", "secret")
    service = await world.make("user", name="glance", password="secret")
    role, project = await world.find("role", "service"), await world.find("project", "service")
    await world.ask("PUT", f"projects/{project['id']}/users/{service['id']}/roles/{role['id']}")
    glance = (await world.log_in(by_password("glance", "secret"), {"project": {"id": project["id"]}})).headers[
        "X-Subject-Token"
    ]
    for token, status in ((demo, 200), (world.admin, 200), (glance, 200), (carol, 403)):
        for method in ("GET", "HEAD"):
            answer = await world.cloud.request(token, method, worlds.TOKENS, headers={"X-Subject-Token": demo})
            assert answer.status_code == status
            assert bool(answer.content) == (method == "GET")
    answer = await world.cloud.request(carol, "DELETE", worlds.TOKENS, headers={"X-Subject-Token": demo})
    assert answer.status_code == 403 and await world.is_good(demo)


async def test_what_is_issued_is_what_is_shown(world: World) -> None:
    issued = await world.log_in(by_password("demo", "demo-password"))
    subject = {"X-Subject-Token": issued.headers["X-Subject-Token"]}
    shown = await world.cloud.request(world.admin, "GET", worlds.TOKENS, headers=subject)
    assert shown.json() == issued.json()
    assert shown.headers["X-Subject-Token"] == subject["X-Subject-Token"]
    short = await world.cloud.request(world.admin, "GET", f"{worlds.TOKENS}?nocatalog", headers=subject)
    assert "catalog" not in short.json()["token"]
    urls = {entry["type"]: entry["endpoints"][0]["url"] for entry in shown.json()["token"]["catalog"]}
    project = shown.json()["token"]["project"]["id"]
    assert urls["volumev3"] == f"http://127.0.0.1:9500/volume/v3/{project}"
    missing = await world.ask("GET", "auth/tokens")
    assert missing.status_code == 400 and missing.json()["error"]["message"].startswith("X-Subject-Token: ")


async def test_the_catalog_needs_a_scope(world: World) -> None:
    assert (await world.ask("GET", "auth/catalog")).status_code == 200
    unscoped = await world.token("demo", scope="unscoped")
    assert (await world.ask("GET", "auth/catalog", token=unscoped)).status_code == 403
