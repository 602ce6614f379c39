"""A cloud inside the test process: the real program on SQLite with fake drivers, spoken to over ASGI without a socket.

``alice`` and ``bob`` are members of projects of their own, ``reader`` may only look at alice's project, ``kuryr`` plugs
its ports in, ``admin`` may do everything; their names are their tokens, so that a test of one service needs no other one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from boxship import app
from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.auth.rules import Rules
from boxship.core.db import types

PROJECTS = {"alice": "a" * 32, "bob": "b" * 32, "reader": "a" * 32, "admin": "f" * 32, "kuryr": "a" * 32}
_ROLES = {
    "alice": {"member", "reader"},
    "bob": {"member", "reader"},
    "reader": {"reader"},
    "admin": {"admin", "manager", "member", "reader"},
    "kuryr": {"member", "reader", "service"},
}


class StaticTokens:
    """An authenticator whose tokens are names."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    async def caller(self, token: str) -> Caller:
        if token not in PROJECTS:
            raise errors.Unauthorized("The request you have made requires authentication.")
        return Caller(
            user_id=f"{token}-id",
            user_name=token,
            user_domain_id="default",
            roles=frozenset(_ROLES[token]),
            rules=self._rules,
            project_id=PROJECTS[token],
            project_name=f"{token}-project",
            project_domain_id="default",
        )


class StaticDeputies:
    """Acts for the users of ``StaticTokens``."""

    def __init__(self, tokens: StaticTokens) -> None:
        self._tokens = tokens

    async def caller(self, transaction: object, user_id: str, project_id: str, roles: Collection[str]) -> Caller:
        known = await self._tokens.caller(user_id.removesuffix("-id"))
        if known.project_id != project_id:
            raise errors.Unauthorized("The request you have made requires authentication.")
        return dataclasses.replace(known, roles=known.roles & frozenset(roles))


class Cloud:
    """The program and a client per user."""

    def __init__(self, program: app.Program) -> None:
        self.program = program
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(program.server),  # type: ignore[arg-type]  # ASGI without TypedDicts
            base_url=program.settings.url,
        )

    def service(self, prefix: str) -> Any:
        """The service below this prefix, with whatever its own tests want of its insides."""
        (found,) = (one for one in self.program.services if one.prefix == prefix)
        return found

    async def request(self, user: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        """One request as this user (None: without a token); ``options`` are httpx's."""
        headers = {**({"X-Auth-Token": user} if user else {}), **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
        """Wait until the coroutine function gives something true, and return it."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"not within {seconds} s: {what}")


def people(program: app.Program) -> None:
    """Have the program know these users only, by their names."""
    tokens = StaticTokens(program.authenticator.rules)
    program.server._authenticator = tokens
    program.deputies.caller = StaticDeputies(tokens).caller  # type: ignore[method-assign]  # what the doors ask


@asynccontextmanager
async def running(directory: Path, *, start: bool = True, **settings: Any) -> AsyncIterator[Cloud]:
    """A cloud with its state in ``directory``; ``start`` False leaves the reconcile loop still."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    chosen = Settings(state_dir=directory, engine="fake", listen="127.0.0.1:9500", **settings)
    program = app.Program(chosen, app.plug(chosen, "test"))
    people(program)
    engine = sa.create_engine(chosen.database_url)
    types.metadata.create_all(engine)
    engine.dispose()
    await program.open({"admin": "admin-password", "demo": "demo-password"}, start=start)
    cloud = Cloud(program)
    try:
        yield cloud
    finally:
        await cloud.client.aclose()
        await program.close()
