"""A cloud with real tokens, and how its tests log in, ask and count."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from tests import cloud as clouds

PASSWORDS = {"admin": "admin-password", "demo": "demo-password"}
TOKENS = "/identity/v3/auth/tokens"


class World:
    """The cloud, and the token of its administrator."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self.cloud = cloud
        self.admin = ""

    async def log_in(self, identity: dict[str, Any], scope: Any = None) -> httpx.Response:
        """The answer to a request for a token."""
        auth = {"identity": identity} | ({"scope": scope} if scope is not None else {})
        return await self.cloud.request(None, "POST", TOKENS, json={"auth": auth})

    async def token(self, name: str, password: str | None = None, scope: Any = None) -> str:
        """A token of a user of the default domain; without a scope for the default project."""
        answer = await self.log_in(by_password(name, password or PASSWORDS[name]), scope)
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"]

    async def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        """The answer to a request by the administrator, or by the bearer of a token."""
        options = {} if body is None else {"json": body}
        return await self.cloud.request(token or self.admin, method, f"/identity/v3/{path}", **options)

    async def make(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A new project, domain, user or role."""
        answer = await self.ask("POST", f"{kind}s", {kind: fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()[kind]
        return made

    async def find(self, kind: str, name: str) -> dict[str, Any]:
        """The one with this name."""
        (found,) = (await self.ask("GET", f"{kind}s?name={name}")).json()[f"{kind}s"]
        return dict(found)

    async def change(self, kind: str, id: str, **fields: Any) -> None:
        """Change one."""
        answer = await self.ask("PATCH", f"{kind}s/{id}", {kind: fields})
        assert answer.status_code == 200, answer.text

    async def is_good(self, token: str) -> bool:
        """Whether the token opens anything."""
        answer = await self.ask("GET", "auth/projects", token=token)
        assert answer.status_code in {200, 401}, answer.text
        return answer.status_code == 200


def by_password(name: str, password: str, domain: str = "default") -> dict[str, Any]:
    """Who one is, shown by name and password."""
    user = {"name": name, "domain": {"id": domain}, "password": password}
    return {"methods": ["password"], "password": {"user": user}}


def by_token(token: str) -> dict[str, Any]:
    """Who one is, shown by a token."""
    return {"methods": ["token"], "token": {"id": token}}


@asynccontextmanager
async def world(directory: Path, **settings: Any) -> AsyncIterator[World]:
    """A world whose loop does not run."""
    async with clouds.running(directory / "state", start=False, **settings) as cloud:
        cloud.program.server._authenticator = cloud.program.authenticator
        made = World(cloud)
        made.admin = await made.token("admin")
        yield made


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that any database runs meanwhile."""
    statements: list[str] = []

    def ran(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", ran)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", ran)
