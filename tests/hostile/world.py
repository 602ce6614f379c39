"""The cloud that the hostile tests attack: the real program with fake drivers, real users and tokens, and a project with
one of everything. Knows the routes from the services' own tables, so that a new route is attacked without a new line."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from boxship.core.http import call as http_call
from boxship.core.http.routes import Route
from boxship.core.service import Service
from tests import cloud
from tests.hostile import seeds

SECRET = "known-to-alice-only"
"""Part of every name and description that the victim chose."""
USERS = ("alice", "bob", "reader")
PASSWORD = "correct horse battery staple"
UNLIMITED = (
    *("networks", "subnets", "ports", "routers", "floating_ips", "security_groups", "security_group_rules"),
    *("volumes", "gigabytes", "containers", "memory", "cpu", "disk", "images"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A route with its path filled in; ``owned`` are the ids of the victim in it."""

    service: Service
    route: Route
    path: str
    owned: frozenset[str]

    def __str__(self) -> str:
        return f"{self.route.method} /{self.service.prefix}{self.route.path}"


@dataclass(slots=True)
class World:
    """The program, who may speak to it, and what there is to be attacked."""

    cloud: cloud.Cloud
    database: sqlite3.Connection
    backup: sqlite3.Connection
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """User names and ``NAME project`` to ids."""
    examples: dict[str, str] = field(default_factory=dict)
    """``service/collection`` to the id of one resource in it, the victim's where there is one."""
    others: dict[str, str] = field(default_factory=dict)
    """The same of what bob has."""
    owned: set[str] = field(default_factory=set)
    shapes: dict[str, Any] = field(default_factory=dict)
    """Routes to the types that they read, as far as known."""

    async def ask(self, user: str | None, target: Target, **options: Any) -> httpx.Response:
        """One request on a route, in the newest microversion that has it; ``body`` is sent as JSON, ``content`` as it is."""
        headers = dict(options.pop("headers", {}))
        if target.service.microversions:
            version = target.route.until or "latest"
            headers.setdefault("OpenStack-API-Version", f"{target.service.microversions.service} {version}")
        if "body" in options:
            options["content"] = json.dumps(options.pop("body")).encode()
        if "content" in options and "Content-Type" not in headers:
            headers["Content-Type"] = media(target)
        token = self.tokens[user] if user else None
        path = options.pop("path", target.path)
        return await self.cloud.request(token, target.route.method, path, headers=headers, **options)

    def targets(self, prefix: str) -> list[Target]:
        """Every route of a service, its parameters filled in with what the victim has."""
        service = self.cloud.service(prefix)
        return [self._target(service, route) for route in service.routes]

    def _target(self, service: Service, route: Route) -> Target:
        parts, used = [""], set()
        for segment in f"{service.prefix}{route.path}".strip("/").split("/"):
            value = self._filling(service.prefix, parts[-1], segment) if segment.startswith("{") else segment
            used |= {value} & self.owned
            parts.append(value)
        return Target(service, route, "/".join(parts), frozenset(used))

    def _filling(self, prefix: str, collection: str, parameter: str) -> str:
        if parameter.strip("{}") in {"project_id", "tenant_id"}:
            return self.ids["alice project"]
        if prefix == "orchestration" and parameter in seeds.IN_STACKS:
            return seeds.IN_STACKS[parameter] or self.examples["orchestration/stacks"]
        return self.examples.get(f"{prefix}/{collection}") or str(uuid.uuid4())

    def changes(self) -> int:
        """A number that is another one after every commit of the program (SQLite's data_version)."""
        return int(self.database.execute("PRAGMA data_version").fetchone()[0])

    def belongings(self, owners: set[str]) -> set[tuple[str, tuple[Any, ...]]]:
        """All rows of all tables that name one of them."""
        tables = self.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        rows = ((table, row) for (table,) in tables for row in self.database.execute(f'SELECT * FROM "{table}"'))  # noqa: S608
        return {(table, row) for table, row in rows if owners & set(row)}

    def restore(self) -> None:
        """Everything in the database as it was when the attack began."""
        self.backup.backup(self.database)


def media(target: Target) -> str:
    """The content type that a route reads."""
    if target.route.method == "PATCH" and target.service.prefix == "image":
        return "application/openstack-images-v2.1-json-patch"
    return "application/octet-stream" if target.route.stream else "application/json"


@asynccontextmanager
async def attacked(directory: Path) -> AsyncIterator[World]:
    """A cloud whose reconcilers stand still, so that only requests change the database, with a victim in it."""
    unlimited = {f"quota_{name}": -1 for name in UNLIMITED}
    async with cloud.running(directory, start=False, **unlimited) as running:
        running.program.server._authenticator = running.program.authenticator
        del running.program.deputies.caller  # the real ones, for real users
        path = str(directory / "boxship.db")
        with _connected(path) as database, _connected(":memory:") as backup:
            world = World(running, database, backup)
            await _people(world)
            world.others = await seeds.plant(world, "bob")
            world.examples = await seeds.plant(world, "alice") | {"identity/roles": world.ids["member"]}
            world.examples |= await _of_admins(world)
            world.owned |= {id for id in world.examples.values() if len(id) == len(seeds.MEMBER) + 4}
            await _collect(world)
            database.backup(backup)
            yield world


@contextmanager
def _connected(path: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


async def token(world: World, name: str, password: str, project: str) -> str:
    """A token of the user, scoped to the project, both of the default domain."""
    user = {"name": name, "password": password, "domain": {"id": "default"}}
    scope = {"project": {"name": project, "domain": {"id": "default"}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    answer = await world.cloud.request(None, "POST", "/identity/v3/auth/tokens", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["X-Subject-Token"])


async def _people(world: World) -> None:
    """alice, the victim; bob of another project; reader, who may look at alice's project."""
    world.tokens["admin"] = await token(world, "admin", "admin-password", "admin")
    roles = {role["name"]: role["id"] for role in (await _admin(world, "GET", "/roles"))["roles"]}
    for name, project in (("alice", "alice"), ("bob", "bob"), ("reader", "alice")):
        key = f"{project} project"
        if key not in world.ids:
            made = await _admin(world, "POST", "/projects", {"project": {"name": _called(project)}})
            world.ids[key] = made["project"]["id"]
        wish = {"user": {"name": _called(name), "password": PASSWORD}}
        world.ids[name] = (await _admin(world, "POST", "/users", wish))["user"]["id"]
        role = roles["reader" if name == "reader" else "member"]
        await _admin(world, "PUT", f"/projects/{world.ids[key]}/users/{world.ids[name]}/roles/{role}")
        world.tokens[name] = await token(world, _called(name), PASSWORD, _called(project))
    world.owned |= {world.ids["alice"], world.ids["alice project"]}
    world.ids["member"] = roles["member"]


async def _of_admins(world: World) -> dict[str, str]:
    """What only admins make, as examples: a group that the victim is in, and additions to the catalog."""
    group = (await _admin(world, "POST", "/groups", {"group": {"name": SECRET}}))["group"]["id"]
    await _admin(world, "PUT", f"/groups/{group}/users/{world.ids['alice']}")
    grant = f"/projects/{world.ids['alice project']}/groups/{group}/roles/{world.ids['member']}"
    await _admin(world, "PUT", grant)
    region = (await _admin(world, "POST", "/regions", {"region": {"id": "Mars"}}))["region"]["id"]
    service = (await _admin(world, "POST", "/services", {"service": {"type": "dns"}}))["service"]["id"]
    wish = {"service_id": service, "interface": "public", "url": "http://192.0.2.1/", "region_id": region}
    endpoint = (await _admin(world, "POST", "/endpoints", {"endpoint": wish}))["endpoint"]["id"]
    kinds = {"groups": group, "regions": region, "services": service, "endpoints": endpoint}
    return {f"identity/{kind}": str(id) for kind, id in kinds.items()}


def _called(name: str) -> str:
    """The victim's names are secrets, the others' are not."""
    return SECRET if name == "alice" else name


async def _admin(world: World, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    options = {} if body is None else {"json": body}
    answer = await world.cloud.request(world.tokens["admin"], method, f"/identity/v3{path}", **options)
    assert answer.is_success, f"{method} {path}: {answer.text}"
    return answer.json() if answer.content else None


async def _collect(world: World) -> None:
    """An example of every collection that can be listed, shorter paths first, because longer ones need their ids."""
    for service in world.cloud.program.services:
        routes = [route for route in service.routes if route.method == "GET" and not route.path.endswith("}")]
        for route in sorted(routes, key=lambda route: route.path.count("/")):
            collection = f"{service.prefix}/{route.path.rstrip('/').rpartition('/')[2]}"
            if collection not in world.examples:
                target = world._target(service, route)
                for user in ("alice", "admin"):
                    answer = await world.ask(user, target)
                    entries = _entries(answer)
                    if entries:
                        world.examples[collection] = _chosen(world, entries, victim=user == "alice")
                        break


def _entries(answer: httpx.Response) -> list[dict[str, Any]]:
    """What a list answers with, whatever it calls it."""
    if answer.status_code != 200 or "json" not in answer.headers.get("content-type", ""):
        return []
    document = answer.json()
    lists = [value for value in document.values() if isinstance(value, list)] if isinstance(document, dict) else []
    return [entry for entry in (lists[0] if lists else []) if isinstance(entry, dict) and _identity(entry)]


def _identity(entry: Mapping[str, Any]) -> str | None:
    found = entry.get("id") or entry.get("uuid") or entry.get("member_id")
    return str(found) if found else None


def _chosen(world: World, entries: list[dict[str, Any]], *, victim: bool) -> str:
    """The id of the victim's entry, or of the first one where nothing in the list is hers."""
    own = {world.ids["alice"], world.ids["alice project"]}
    for entry in entries:
        if own & set(map(str, [entry.get("id"), *_owners(entry)])):
            if victim or entry.get("id") in own:
                world.owned.add(str(_identity(entry)))
            return str(_identity(entry))
    return str(_identity(entries[0]))


def _owners(entry: Mapping[str, Any]) -> list[object]:
    words = ("project_id", "tenant_id", "owner", "user_id", "os-vol-tenant-attr:tenant_id")
    return [entry[word] for word in words if word in entry]


@contextmanager
def overheard() -> Iterator[list[Any]]:
    """The types that handlers read bodies as, while this lasts."""
    shapes: list[Any] = []
    honest = http_call.decode

    def listening(body: bytes, shape: Any, *, binary: bool = False) -> Any:
        shapes.append(shape)
        return honest(body, shape, binary=binary)

    with mock.patch.object(http_call, "decode", listening):
        yield shapes


def told(answer: httpx.Response) -> str:
    """Status and text of an answer, fit for a line of a report."""
    return f"{answer.status_code} {re.sub(chr(92) + 's+', ' ', answer.text)[:300]}"
