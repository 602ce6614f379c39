"""A small world for the tests of the network service: SQLite, a fake kernel, HTTP without a socket.

The fabric is the fake one, whose calls are counted and which can be told to fail at the n-th, before or after it acted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.auth.rules import Rules
from boxship.core.db import types
from boxship.core.db.database import SqliteDatabase
from boxship.core.hosts import Hosts
from boxship.core.http import dialects
from boxship.core.http.server import Server
from boxship.core.reconcile.loop import Loop, Reconciler
from boxship.core.service import Service
from boxship.drivers.linux import interface as linux
from boxship.drivers.linux.fake import FakeFabric
from boxship.services.network import api, policy, public, reconciler

PROJECTS = {"alice": "a" * 32, "bob": "b" * 32, "reader": "a" * 32, "admin": "f" * 32, "kuryr": "a" * 32}
ROLES = {
    "alice": {"member", "reader"},
    "bob": {"member", "reader"},
    "reader": {"reader"},
    "admin": {"admin", "manager", "member", "reader"},
    "kuryr": {"member", "reader", "service"},
}
HOLDER = ("container", "c1")


class Interrupted(Exception):
    """The program died here."""


class Kernel:
    """The fake fabric, with its calls counted and told to fail at one of them; stricter than the fake in two things."""

    def __init__(self) -> None:
        self.fake = FakeFabric(Path("/nonexistent"))
        self.calls: list[str] = []
        self.fail_at: int | None = None
        self.fail_after = False
        self.failure: Exception = Interrupted()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.fake, name)
        if not name.startswith(("ensure_", "remove_")):
            return found

        async def call(*given: Any) -> None:
            await self._called(name, given, found)

        return call

    async def _called(self, verb: str, given: tuple[Any, ...], act: Callable[..., Awaitable[None]]) -> None:
        self.calls.append(verb)
        fails = self.fail_at == len(self.calls)
        await asyncio.sleep(0)
        if fails and not self.fail_after:
            raise self.failure
        self._strict(verb, *given)
        await act(*given)
        if fails:
            raise self.failure

    def _strict(self, verb: str, *given: Any) -> None:
        if verb == "ensure_network":
            spec = given[0]
            others = {kept.segment for kept in self.fake.networks.values() if kept.id != spec.id}
            assert spec.segment not in others, "a segment is one network's"
        if verb == "remove_network":
            inside = {spec.network_id for spec in self.fake.ports.values()} | set(self.fake.names)
            inside |= {leg.network_id for router in self.fake.routers.values() for leg in _legs(router)}
            assert given[0] not in inside, "a network goes last"


def _legs(spec: linux.RouterSpec) -> list[linux.RouterPort]:
    return [*spec.legs, *([spec.gateway] if spec.gateway else [])]


class Tokens:
    """An authenticator whose tokens are names."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    async def caller(self, token: str) -> Caller:
        if token not in PROJECTS:
            raise errors.Unauthorized("The request you have made requires authentication.")
        return Caller(f"{token}-id", token, "default", frozenset(ROLES[token]), self.rules, PROJECTS[token])


class World:
    """The network service alone."""

    def __init__(self, directory: Path, kernel: Kernel | None = None, **settings: Any) -> None:
        self.settings = Settings(state_dir=directory, **settings)
        self.kernel = kernel or Kernel()
        self.loop = Loop(concurrency=8, scan_interval=3600)
        self.wakes: list[tuple[str, str]] = []
        self.database = SqliteDatabase(directory / "boxship.db", self._wake)
        self.tokens = Tokens(Rules(policy.RULES))
        self.reconcilers: list[Reconciler] = []
        self.fresh_reconcilers()
        service = Service(
            types=("network",),
            name="neutron",
            prefix="network",
            endpoint="/network",
            dialect=dialects.NEUTRON,
            routes=api.ROUTES,
            rules=policy.RULES,
            reconcilers=self.reconcilers,
        )
        server = Server([service], settings=self.settings, database=self.database, authenticator=self.tokens, pages={})
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(server),  # type: ignore[arg-type]  # ASGI without TypedDicts
            base_url=self.settings.url,
        )

    def _wake(self, kind: str, id: str) -> None:
        self.wakes.append((kind, id))
        self.loop.wake(kind, id)

    def fresh_reconcilers(self) -> None:
        """As after a restart: nothing is remembered."""
        self.reconcilers = list(
            reconciler.all_reconcilers(
                self.database, cast(linux.Fabric, self.kernel), self.settings, Hosts(self.database, self.settings)
            )
        )

    async def caller(self, name: str) -> Caller:
        return await self.tokens.caller(name)

    async def request(
        self, user: str | None, method: str, path: str, body: Any = None, **options: Any
    ) -> httpx.Response:
        headers = {"X-Auth-Token": user} if user else {}
        return await self.client.request(method, f"/network/v2.0{path}", headers=headers, json=body, **options)

    async def made(self, user: str, path: str, **fields: Any) -> dict[str, Any]:
        """POST that must succeed; the resource."""
        member = path.strip("/").replace("-", "_").removesuffix("s")
        response = await self.request(user, "POST", path, {member: fields})
        assert response.status_code == 201, response.text
        found: dict[str, Any] = response.json()[member]
        return found

    async def shown(self, user: str, path: str) -> dict[str, Any]:
        """GET that must succeed; the resource."""
        response = await self.request(user, "GET", path)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = next(iter(response.json().values()))
        return found

    async def refused(self, user: str, route: str, body: Any, answer: tuple[int, str]) -> str:
        """A request (``POST /networks``) that must fail with this status and type; the sentence."""
        method, _, path = route.partition(" ")
        response = await self.request(user, method, path, body)
        assert (response.status_code, response.json()["NeutronError"]["type"]) == answer, response.text
        sentence: str = response.json()["NeutronError"]["message"]
        return sentence

    async def net(self, user: str = "alice", cidr: str = "10.0.0.0/24", **fields: Any) -> tuple[str, str]:
        """A network with a subnet; their ids."""
        network = await self.made(user, "/networks", name="net")
        version = 6 if ":" in cidr else 4
        subnet = await self.made(user, "/subnets", network_id=network["id"], cidr=cidr, ip_version=version, **fields)
        return network["id"], subnet["id"]

    async def bind(self, port_id: str, sandbox: str = "box", holder: tuple[str, str] = HOLDER) -> None:
        binding = public.Binding(
            host="here",
            device_id=holder[1],
            device_owner="compute:boxship",
            sandbox=sandbox,
            interface="eth0",
            holder=holder,
        )
        async with self.database.write() as transaction:
            await public.bind_port(transaction, port_id, binding)

    async def settle(self, rounds: int = 30) -> None:
        """Reconcile what is due until nothing is, as the loop would; driver errors are looked at again."""
        for _ in range(rounds):
            work = [(one, id) for one in self.reconcilers for id in await one.due()]
            if not work:
                return
            for one, id in work:
                try:
                    await one.reconcile(id)
                except (errors.Absent, errors.Busy):
                    continue
        raise AssertionError(f"not settled: {[(one.kind, id) for one in self.reconcilers for id in await one.due()]}")

    async def scan(self) -> None:
        """What the loop does at a start: everything once, then what is due, then the sweep."""
        for one in self.reconcilers:
            for id in await one.all():
                try:
                    await one.reconcile(id)
                except (errors.Absent, errors.Busy):
                    continue
        await self.settle()
        for one in self.reconcilers:
            await one.sweep()
        await self.settle()


@asynccontextmanager
async def world(directory: Path, **settings: Any) -> AsyncIterator[World]:
    """A world with the schema and the external network of an installation."""
    engine = sa.create_engine(f"sqlite:///{directory / 'boxship.db'}")
    types.metadata.create_all(engine)
    engine.dispose()
    made = World(directory, **settings)
    async with made.database.write() as transaction:
        await public.bootstrap(transaction, made.settings, PROJECTS["admin"])
    try:
        yield made
    finally:
        await made.client.aclose()
        await made.database.close()


Steps = Callable[[World], Awaitable[None]]
