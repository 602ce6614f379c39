"""The routes of all services, called from inside the program: same parsing, rules, quotas and errors as over HTTP, but in the
caller's own transaction, so that what a call makes and what the caller records of it are one commit. Never passes a request
on to another host."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Database, Transaction
from boxship.core.http.call import Call, Query, Reply
from boxship.core.http.microversions import ANY, Version
from boxship.core.http.routes import PUBLIC, Route, RouteTree
from boxship.core.service import Service

_PATIENCE = 20.0
"""Seconds that a call may take: it holds a transaction."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a service: ``service`` is one of its types in the catalog, ``path`` follows its endpoint."""

    service: str
    method: str
    path: str
    body: object = None
    version: str | None = None
    """A microversion; None: the lowest."""
    media: str = "application/json"
    """What the body is called; it is JSON in any case."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What it answered; ``body`` is decoded JSON, or None."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class Doors(Protocol):
    """How a service acts on the others with somebody's rights."""

    async def call(self, transaction: Transaction, caller: Caller, request: Request) -> Answer:
        """Serve the request in this transaction. RequestError: what the service would have answered; what it wrote until then
        is undone only with the transaction, so let the error leave it."""
        ...


class ServiceDoors:
    """The doors of the services of this program."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._services: dict[str, tuple[Service, RouteTree]] = {}

    def open(self, services: Sequence[Service]) -> None:
        """Make the services callable; before the first call."""
        for service in services:
            entry = (service, RouteTree(service.routes))
            self._services.update(dict.fromkeys(service.types, entry))

    async def call(self, transaction: Transaction, caller: Caller, request: Request) -> Answer:
        """See ``Doors``. NotFound: there is no such service or route. Unavailable: it waits for what can only happen after the
        transaction."""
        known = self._services.get(request.service)
        if known is None:
            raise errors.NotFound(f"There is no service of type {request.service} here.")
        service, tree = known
        version = _version(service, request.version)
        path, _, query = request.path.partition("?")
        within = service.endpoint.removeprefix(f"/{service.prefix}") % {"project_id": caller.project_id or ""}
        segments = [unquote(part) for part in f"{within}/{path}".split("/") if part]
        route, parameters = tree.find(request.method, segments, version)
        _require(caller, route, parameters)
        body = b"" if request.body is None else msgspec.json.encode(request.body)
        call: Call[Any] = Call(
            method=request.method,
            path="/" + "/".join([service.prefix, *segments]),
            query=Query.parse(query.encode()),
            headers={"content-type": request.media},
            parameters=parameters,
            request_id=f"req-{uuid.uuid4()}",
            base_url=f"{self._settings.url}/{service.prefix}",
            version=version,
            settings=self._settings,
            database=_Joined(transaction, self._database),
            live=service.live,
            body=body,
            _caller=caller,
            _transaction=transaction,
        )
        reply = await _served(route, call)
        if isinstance(reply.body, AsyncIterator):
            raise errors.Conflict("This is answered in parts, which cannot be had from inside.")
        content = reply.encoded()
        decoded = msgspec.json.decode(content) if content and "json" in reply.media else None
        return Answer(reply.status, reply.headers, decoded)


def _version(service: Service, asked: str | None) -> Version:
    if not service.microversions:
        return ANY
    if asked is None:
        return service.microversions.minimum
    return Version.parse(asked)


async def _served(route: Route, call: Call[Any]) -> Reply:
    if route.stream:
        raise errors.Conflict("This reads a stream of bytes, which nothing does in a transaction.")
    try:
        async with asyncio.timeout(_PATIENCE):
            return await route.handler(call)
    except TimeoutError as error:
        raise errors.Unavailable("This takes too long to be done in one step.", detail=call.path) from error


class _Joined:
    """The database as a live route sees it, which opens transactions by itself: there is one already, and it is that."""

    def __init__(self, transaction: Transaction, database: Database) -> None:
        self._transaction = transaction
        self._database = database

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        return nullcontext(self._transaction)

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        return nullcontext(self._transaction)

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        """Nothing to do: who began it ends it."""


def _require(caller: Caller, route: Route, parameters: Mapping[str, str]) -> None:
    """The rule of the route, asked as the server asks it."""
    if route.rule == PUBLIC:
        return
    own = {"project_id": caller.project_id, "user_id": caller.user_id, "tenant_id": caller.project_id}
    caller.require(route.rule, {**own, **parameters})
