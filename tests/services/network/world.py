"""A small world for the tests of the network service: SQLite, a kernel of dictionaries, HTTP without a socket.

The fabric here keeps the specs that it was told, refuses what names something absent as the interface says, counts
its calls, and can be told to fail at the n-th of them, before or after it acted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.auth.rules import Rules
from boxship.core.db import types
from boxship.core.db.database import SqliteDatabase
from boxship.core.http import dialects
from boxship.core.http.server import Server
from boxship.core.reconcile.loop import Loop, Reconciler
from boxship.core.service import Service
from boxship.drivers.linux import interface as linux
from boxship.services.network import api, policy, public, reconciler

PROJECTS = {"alice": "a" * 32, "bob": "b" * 32, "reader": "a" * 32, "admin": "f" * 32}
ROLES = {
    "alice": {"member", "reader"},
    "bob": {"member", "reader"},
    "reader": {"reader"},
    "admin": {"admin", "manager", "member", "reader"},
}
HOLDER = ("container", "c1")


class Interrupted(Exception):
    """The program died here."""


class Kernel:
    """A fabric of dictionaries."""

    def __init__(self) -> None:
        self.networks: dict[str, linux.NetworkSpec] = {}
        self.ports: dict[str, linux.PortSpec] = {}
        self.groups: dict[str, linux.GroupSpec] = {}
        self.routers: dict[str, linux.RouterSpec] = {}
        self.names: dict[str, linux.NamesSpec] = {}
        self.uplink: linux.UplinkSpec | None = None
        self.calls: list[str] = []
        self.fail_at: int | None = None
        self.fail_after = False
        self.failure: Exception = Interrupted()

    async def _called(self, verb: str, act: Callable[[], None]) -> None:
        self.calls.append(verb)
        fails = self.fail_at == len(self.calls)
        await asyncio.sleep(0)
        if fails and not self.fail_after:
            raise self.failure
        act()
        if fails:
            raise self.failure

    def _need(self, there: dict[str, Any], ids: set[str]) -> None:
        missing = ids - set(there)
        if missing:
            raise errors.Absent(f"not there: {sorted(missing)}")

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def destroy(self) -> None:
        for kept in (self.networks, self.ports, self.groups, self.routers, self.names):
            kept.clear()
        self.uplink = None

    async def ensure_network(self, spec: linux.NetworkSpec) -> None:
        def act() -> None:
            assert all(kept.segment != spec.segment or kept.id == spec.id for kept in self.networks.values())
            self.networks[spec.id] = spec

        await self._called("ensure_network", act)

    async def remove_network(self, id: str) -> None:
        def act() -> None:
            inside = [port.id for port in self.ports.values() if port.network_id == id]
            legs = [router.id for router in self.routers.values() for leg in _legs(router) if leg.network_id == id]
            assert not inside and not legs and id not in self.names, "a network goes last"
            self.networks.pop(id, None)

        await self._called("remove_network", act)

    async def ensure_uplink(self, spec: linux.UplinkSpec) -> None:
        def act() -> None:
            self._need(self.networks, {spec.network_id})
            self.uplink = spec

        await self._called("ensure_uplink", act)

    async def remove_uplink(self) -> None:
        def act() -> None:
            self.uplink = None

        await self._called("remove_uplink", act)

    def sandbox_path(self, name: str) -> Path:
        return Path("/run/netns") / name

    async def ensure_sandbox(self, name: str) -> None: ...

    async def remove_sandbox(self, name: str) -> None:
        self.ports = {id: spec for id, spec in self.ports.items() if spec.sandbox != name}

    async def ensure_port(self, spec: linux.PortSpec) -> None:
        def act() -> None:
            self._need(self.networks, {spec.network_id})
            self._need(self.groups, set(spec.groups))
            self.ports[spec.id] = spec

        await self._called("ensure_port", act)

    async def remove_port(self, id: str) -> None:
        await self._called("remove_port", lambda: _pop(self.ports, id))

    async def ensure_group(self, spec: linux.GroupSpec) -> None:
        def act() -> None:
            remotes = {rule.remote_group for rule in spec.rules if rule.remote_group} - {spec.id}
            self._need(self.groups, remotes)
            self.groups[spec.id] = spec

        await self._called("ensure_group", act)

    async def remove_group(self, id: str) -> None:
        def act() -> None:
            if any(id in port.groups for port in self.ports.values()):
                raise errors.Busy("ports are filtered by it")
            self.groups.pop(id, None)

        await self._called("remove_group", act)

    async def ensure_router(self, spec: linux.RouterSpec) -> None:
        def act() -> None:
            self._need(self.networks, {leg.network_id for leg in _legs(spec)})
            self.routers[spec.id] = spec

        await self._called("ensure_router", act)

    async def remove_router(self, id: str) -> None:
        await self._called("remove_router", lambda: _pop(self.routers, id))

    async def ensure_names(self, spec: linux.NamesSpec) -> None:
        def act() -> None:
            self._need(self.networks, {spec.network_id})
            self.names[spec.network_id] = spec

        await self._called("ensure_names", act)

    async def remove_names(self, network_id: str) -> None:
        await self._called("remove_names", lambda: _pop(self.names, network_id))

    async def sight(self) -> linux.FabricSight:
        return linux.FabricSight(
            networks=frozenset(self.networks),
            ports=frozenset(self.ports),
            groups=frozenset(self.groups),
            routers=frozenset(self.routers),
            names=frozenset(self.names),
            sandboxes=frozenset(spec.sandbox for spec in self.ports.values()),
            uplink=self.uplink is not None,
        )


def _pop(kept: dict[str, Any], id: str) -> None:
    kept.pop(id, None)


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
        self.reconcilers = list(reconciler.all_reconcilers(self.database, self.kernel, self.settings))

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

    async def refused(self, user: str, method: str, path: str, body: Any, status: int, kind: str) -> str:
        """A request that must fail like this; the sentence."""
        response = await self.request(user, method, path, body)
        assert (response.status_code, response.json()["NeutronError"]["type"]) == (status, kind), response.text
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
            device_id=holder[1], device_owner="compute:boxship", sandbox=sandbox, interface="eth0", holder=holder
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
