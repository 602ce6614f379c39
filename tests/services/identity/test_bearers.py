"""Remembering who bears a token: one query in the common case, and never an answer that is not true any more."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from boxship import app
from boxship.core import errors
from boxship.core.db.database import Transaction
from boxship.services.identity import model, store
from boxship.services.identity.live import bearers
from boxship.services.identity.store import catalog, epochs
from tests.services.identity import world as worlds
from tests.services.identity.world import World


async def test_a_token_costs_one_query(world: World) -> None:
    authenticator = world.cloud.program.authenticator
    token = await world.token("demo")
    first = await authenticator.caller(token)
    with worlds.counted() as statements:
        again = [await authenticator.caller(token) for _ in range(5)]
    assert len(statements) == 5 and all("identity_epoch" in statement for statement in statements)
    assert again == [first] * 5


async def test_validating_a_token_costs_two(world: World) -> None:
    headers = {"X-Subject-Token": await world.token("demo")}
    await world.cloud.request(world.admin, "GET", worlds.TOKENS, headers=headers)
    with worlds.counted() as statements:
        answer = await world.cloud.request(world.admin, "GET", worlds.TOKENS, headers=headers)
    assert answer.status_code == 200 and len(statements) == 2


async def test_what_another_program_on_the_database_changes_is_seen_at_once(world: World) -> None:
    """Two programs on one database with the same keys, as on two hosts."""
    settings = world.cloud.program.settings
    other = app.Program(settings, app.plug(settings, "test"))
    demo = await world.find("user", "demo")
    token = await world.token("demo")
    assert (await other.authenticator.caller(token)).user_id == demo["id"]
    assert (await other.authenticator.caller(token)).roles == {"member", "reader"}
    await world.change("user", demo["id"], enabled=False)
    with pytest.raises(errors.Unauthorized):
        await other.authenticator.caller(token)
    await other.close()


ROLE = model.Role(id="r", name="r", description="")
USER = model.User(
    id="u",
    name="u",
    domain_id="default",
    enabled=True,
    description="",
    email=None,
    default_project_id=None,
    password=None,
    valid_after=datetime(2030, 1, 1, tzinfo=UTC),
)
PROJECT = model.Project(
    id="p",
    name="p",
    domain_id="default",
    parent_id="default",
    is_domain=False,
    enabled=True,
    description="",
    tags=[],
)
HELD = model.Assignment(user_id="u", kind="project", target_id="p", role_id="r")
GROUP = model.Group(id="g", name="g", domain_id="default", description="")
GIVEN = model.GroupAssignment(group_id="g", kind="project", target_id="p", role_id="r")
REGION = model.Region(id="Mars", description="", parent_region_id=None)
CHANGES: list[Callable[[Transaction], Awaitable[object]]] = [
    lambda transaction: store.insert_role(transaction, ROLE),
    lambda transaction: store.insert_user(transaction, USER),
    lambda transaction: store.insert_project(transaction, PROJECT),
    lambda transaction: store.imply(transaction, "r", "r"),
    lambda transaction: store.assign(transaction, HELD),
    lambda transaction: store.update_role(transaction, "r", name="s"),
    lambda transaction: store.update_user(transaction, "u", enabled=False),
    lambda transaction: store.update_project(transaction, "p", enabled=False),
    lambda transaction: store.unassign(transaction, HELD),
    lambda transaction: store.revoke(transaction, "audit", USER.valid_after),
    lambda transaction: store.insert_group(transaction, GROUP),
    lambda transaction: store.update_group(transaction, "g", name="h"),
    lambda transaction: store.add_member(transaction, "g", "u"),
    lambda transaction: store.assign(transaction, GIVEN),
    lambda transaction: store.unassign(transaction, GIVEN),
    lambda transaction: store.remove_member(transaction, "g", "u"),
    lambda transaction: store.delete_group(transaction, "g"),
    lambda transaction: catalog.insert(transaction, REGION),
    lambda transaction: catalog.replace(transaction, REGION),
    lambda transaction: catalog.delete_endpoint(transaction, "e"),
    lambda transaction: catalog.delete_service(transaction, "s"),
    lambda transaction: catalog.delete_regions(transaction, {"Mars"}),
    lambda transaction: store.delete_role(transaction, "r"),
    lambda transaction: store.delete_user(transaction, "u"),
    lambda transaction: store.delete_project(transaction, "p"),
]


async def test_every_change_is_noticed(world: World) -> None:
    """Whatever the store can change advances the epoch; a change that did not would leave old rights in force."""
    for change in CHANGES:
        async with world.cloud.program.database.write() as transaction:
            before = await epochs.epoch(transaction)
            await change(transaction)
            assert await epochs.epoch(transaction) > before


def test_every_change_of_the_store_is_among_them() -> None:
    tried = {name for change in CHANGES for name in change.__code__.co_names if name not in {"store", "catalog"}}
    sources = [ast.parse(inspect.getsource(module)) for module in (store, catalog)]
    functions = [node for source in sources for node in source.body if isinstance(node, ast.AsyncFunctionDef)]
    writing = {node.name for node in functions if "execute(" in ast.unparse(node) and not node.name.startswith("_")}
    assert writing <= tried


async def test_what_is_remembered_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearers, "_MOST", 3)
    authenticator = world.cloud.program.authenticator
    tokens = [await world.token("demo") for _ in range(5)]
    for token in tokens:
        await authenticator.caller(token)
    remembered = world.cloud.program.users._identity._bearers._known
    assert list(remembered) == tokens[2:]
    await authenticator.caller(tokens[2])
    assert list(remembered) == [tokens[3], tokens[4], tokens[2]], "what was not used for longest goes first"


async def test_bad_tokens_are_not_remembered(world: World) -> None:
    authenticator = world.cloud.program.users
    remembered = len(authenticator._identity._bearers._known)
    for text in ("", "x", "gAAAA" + "A" * 200):
        with pytest.raises(errors.Unauthorized):
            await authenticator.caller(text)
    assert len(authenticator._identity._bearers._known) == remembered


async def test_a_caller_knows_where_it_is(world: World) -> None:
    authenticator = world.cloud.program.authenticator
    demo = await authenticator.caller(await world.token("demo"))
    assert (demo.user_name, demo.project_name, demo.is_admin, demo.system) == ("demo", "demo", False, False)
    system = await authenticator.caller(await world.token("admin", scope={"system": {"all": True}}))
    assert (system.project_id, system.system, system.is_admin) == (None, True, True)
    nowhere = await authenticator.caller(await world.token("admin", scope="unscoped"))
    assert (nowhere.project_id, nowhere.roles, nowhere.is_admin) == (None, frozenset(), False)
