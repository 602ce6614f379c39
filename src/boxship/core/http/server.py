"""The ASGI application: from bytes to a handler and back. Finds the service and the route, checks the token and the
rule, opens the one transaction, calls the handler, commits, answers. Knows no service but by its registration."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
import structlog

from boxship.config import Settings
from boxship.core import errors, metrics
from boxship.core.auth.caller import Authenticator, Caller
from boxship.core.db.database import Database
from boxship.core.http import dialects, peers, websocket
from boxship.core.http.call import Call, Query, Reply
from boxship.core.http.microversions import ANY, Version
from boxship.core.http.peers import Peers
from boxship.core.http.routes import PUBLIC, Route, RouteTree
from boxship.core.service import Service

log = structlog.get_logger("http")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Page = Callable[[], Awaitable[Reply]]


class Server:
    """Serves all services on one port, a path prefix each. ``pages`` are the few paths that belong to no service."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        settings: Settings,
        database: Database,
        authenticator: Authenticator,
        peers: Peers | None = None,
        pages: Mapping[str, Page],
    ) -> None:
        self._services = {service.prefix: (service, RouteTree(service.routes)) for service in services}
        self._settings = settings
        self._database = database
        self._authenticator = authenticator
        self._peers = peers
        self._pages = pages

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One ASGI connection: HTTP requests and WebSockets; lifespan is accepted and empty."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] == "websocket":
            await self._join(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        exchange = _Exchange(scope, receive)
        service, reply = await self._answer(exchange)
        await _send(reply, receive, send, head=exchange.method == "HEAD")
        name = service.name if service else "boxship"
        metrics.requests.labels(name, exchange.method, reply.status).inc()
        metrics.request_seconds.labels(name).observe(time.perf_counter() - started)

    async def _join(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One WebSocket. It is refused as a request is: in the dialect of the service."""
        exchange = _Exchange({"method": "WEBSOCKET", **scope}, receive)
        known = self._services.get(exchange.prefix)
        service = known[0] if known else None
        segments = [segment for segment in exchange.path.split("/") if segment]
        handler = service.sockets.get(f"/{'/'.join(segments[1:])}") if service else None
        socket = websocket.WebSocket(scope, receive, send)

        def refusal(error: errors.BoxshipError) -> Reply:
            return _failure(error, service, exchange)

        try:
            await websocket.serve(handler, socket, refusal)
        except Exception as error:
            log.error(
                "session failed", request_id=exchange.request_id, path=exchange.path, error=repr(error), exc_info=True
            )
            unforeseen = errors.RequestError("An unexpected error ended the session.")
            await websocket.end(socket, unforeseen, refusal)

    async def _answer(self, exchange: _Exchange) -> tuple[Service | None, Reply]:
        service: Service | None = None
        version = ANY
        try:
            known = self._services.get(exchange.prefix)
            service = known[0] if known else None
            segments = exchange.segments()
            if known is None:
                return None, _finished(await self._page(segments, exchange), exchange, None, ANY)
            service, tree = known
            if service.microversions:
                version = service.microversions.minimum
                if segments[1:]:  # who asks which versions there are may not know one that is served
                    version = service.microversions.negotiate(exchange.headers)
            route, parameters = tree.find(exchange.method, segments[1:], version)
            reply = await self._serve(service, route, exchange, version, parameters)
        except errors.BoxshipError as error:
            reply = _failure(error, service, exchange)
        except sa.exc.IntegrityError as error:
            conflict = errors.Conflict(
                "Another request changed the same thing at the same moment; try again.", detail=str(error)
            )
            reply = _failure(conflict, service, exchange)
        except Exception as error:
            log.error(
                "request failed", request_id=exchange.request_id, path=exchange.path, error=repr(error), exc_info=True
            )
            reply = _failure(
                errors.RequestError("An unexpected error prevented the server from fulfilling your request."),
                service,
                exchange,
            )
        return service, _finished(reply, exchange, service, version)

    async def _page(self, segments: list[str], exchange: _Exchange) -> Reply:
        page = self._pages.get("/".join(segments))
        if page is None:
            raise errors.NotFound("The resource could not be found.")
        if exchange.method not in {"GET", "HEAD"}:
            raise errors.MethodNotAllowed(f"The method {exchange.method} is not allowed for this resource.")
        return await page()

    async def _serve(
        self, service: Service, route: Route, exchange: _Exchange, version: Version, parameters: Mapping[str, str]
    ) -> Reply:
        caller = await self._authorised(route, exchange, parameters)
        call: Call[Any] = Call(
            method=exchange.method,
            path=exchange.path,
            query=Query.parse(exchange.raw_query),
            headers=exchange.headers,
            parameters=parameters,
            request_id=exchange.request_id,
            base_url=f"{self._settings.url}/{service.prefix}",
            version=version,
            settings=self._settings,
            database=self._database,
            live=service.live,
            _caller=caller,
        )
        if route.stream:
            call.stream = exchange.chunks()
        else:
            call.body = await exchange.body(self._settings.max_body)
        try:
            return await self._run(route, call)
        except errors.Elsewhere as error:
            if self._peers is None or peers.PASSED_ON in exchange.headers:
                raise
            request = peers.Request(exchange.method, exchange.target, exchange.headers, call.stream or call.body)
            return await self._peers.pass_on(error.host, request)

    async def _run(self, route: Route, call: Call[Any]) -> Reply:
        """The handler, in its transaction; the reply is made before the commit, so that a failure to shape it undoes all."""
        if route.live or route.stream:
            reply = await route.handler(call)
            if not isinstance(reply.body, AsyncIterator):
                reply.body = reply.encoded()
            return reply
        async with self._database.write() if route.is_write else self._database.read() as transaction:
            call._transaction = transaction
            reply = await route.handler(call)
            reply.body = reply.encoded()
        return reply

    async def _authorised(self, route: Route, exchange: _Exchange, parameters: Mapping[str, str]) -> Caller | None:
        """The caller, where the rule of the route allows the call. Public routes take no token and know no caller."""
        if route.rule == PUBLIC:
            return None
        token = exchange.headers.get("x-auth-token")
        if not token:
            raise errors.Unauthorized("The request you have made requires authentication.")
        caller = await self._authenticator.caller(token)
        if caller.request not in {None, f"{exchange.method} {exchange.target}"}:
            raise errors.Unauthorized("The request you have made requires authentication.")
        target = {
            "project_id": caller.project_id,
            "user_id": caller.user_id,
            "tenant_id": caller.project_id,
            **parameters,
        }
        caller.require(route.rule, target)
        return caller


class _Exchange:
    """One HTTP request as ASGI gives it."""

    def __init__(self, scope: dict[str, Any], receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_query: bytes = scope.get("query_string", b"")
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.request_id = f"req-{uuid.uuid4()}"
        self._raw_path: bytes = scope.get("raw_path") or self.path.encode()
        self._receive = receive

    @property
    def prefix(self) -> str:
        """The first segment of the path as it came: it names the service, and with it the dialect of every error."""
        return self._raw_path.lstrip(b"/").partition(b"/")[0].decode("latin-1")

    @property
    def target(self) -> str:
        """Path and query as they came."""
        query = f"?{self.raw_query.decode('latin-1')}" if self.raw_query else ""
        return self._raw_path.decode("latin-1") + query

    def segments(self) -> list[str]:
        """The path, split before it is unquoted, so that %2F stays inside a segment."""
        try:
            parts = [unquote(part, errors="strict") for part in self._raw_path.decode("ascii").split("/") if part]
        except UnicodeDecodeError as error:
            raise errors.BadRequest("The path is not UTF-8.", field="path") from error
        if any("\x00" in part for part in parts):
            raise errors.BadRequest("NUL characters are not allowed.", field="path")
        return parts

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. BadRequest: the client went away before its end."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise errors.BadRequest("The connection broke off before the whole body had come.", field="body")
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    async def body(self, limit: int) -> bytes:
        """The whole body. TooLarge beyond the limit; UnsupportedMedia where it claims to be something but JSON."""
        declared = self.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            raise errors.TooLarge(f"The body is larger than {limit} bytes.")
        parts, size = [], 0
        async for chunk in self.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > limit:
                raise errors.TooLarge(f"The body is larger than {limit} bytes.")
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        known = media.endswith(("json", "json-patch")) or media in {"", "text/plain", "application/octet-stream"}
        if size and not known:
            raise errors.UnsupportedMedia(f"{media} is not a type that this resource reads; send application/json.")
        return b"".join(parts)


def _failure(error: errors.BoxshipError, service: Service | None, exchange: _Exchange) -> Reply:
    """The error in the dialect of the service."""
    request_error = _as_request_error(error)
    dialect = service.dialect if service else dialects.PLAIN
    status = dialect.status(request_error)
    if error.detail or status >= 500:
        log.warning(
            "request refused",
            request_id=exchange.request_id,
            path=exchange.path,
            status=status,
            reason=error.sentence,
            detail=error.detail,
        )
    reply = Reply(dialect.body(request_error, status, exchange.request_id), status)
    if isinstance(error, errors.Unauthorized):
        reply.headers["WWW-Authenticate"] = 'Keystone uri="/identity/v3"'
    return reply


def _as_request_error(error: errors.BoxshipError) -> errors.RequestError:
    """What the world refused, as the caller of a live view sees it."""
    if isinstance(error, errors.RequestError):
        return error
    if isinstance(error, errors.Absent):
        return errors.NotFound(error.sentence)
    if isinstance(error, errors.Busy):
        return errors.Unavailable(error.sentence)
    return errors.Conflict(error.sentence)


def _finished(reply: Reply, exchange: _Exchange, service: Service | None, version: Version) -> Reply:
    """The headers that every answer carries."""
    reply.headers["x-openstack-request-id"] = exchange.request_id
    reply.headers["x-compute-request-id"] = exchange.request_id  # where clients of Cinder and Manila look
    if service and service.microversions and reply.status != 300:  # a choice of versions is of none
        reply.headers.update(service.microversions.headers(version))
    return reply


async def _send(reply: Reply, receive: Receive, send: Send, *, head: bool) -> None:
    iterator = reply.body if isinstance(reply.body, AsyncIterator) else None
    content = b"" if iterator else reply.encoded()
    headers = dict(reply.headers)
    if content or iterator:
        headers.setdefault("Content-Type", reply.media)
    if not iterator and reply.status not in {204, 304}:
        headers["Content-Length"] = str(len(content))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    if iterator:
        await _stream(iterator, receive, send, head=head)
    else:
        await send({"type": "http.response.body", "body": b"" if head else content})


async def _stream(iterator: AsyncIterator[bytes], receive: Receive, send: Send, *, head: bool) -> None:
    """The body as it comes, until its end or until the client is gone, even where nothing comes for a long time."""
    left = asyncio.ensure_future(_departure(receive))
    sent = asyncio.ensure_future(_pass_on(iterator, send, head=head))
    try:
        await asyncio.wait({left, sent}, return_when=asyncio.FIRST_COMPLETED)
        if sent.done():
            await sent
    finally:
        for task in (left, sent):
            task.cancel()
        await asyncio.gather(left, sent, return_exceptions=True)


async def _pass_on(iterator: AsyncIterator[bytes], send: Send, *, head: bool) -> None:
    """What fails now cannot be told any more: the connection is cut off, so that nobody takes a part for the whole."""
    try:
        if not head:
            async for chunk in iterator:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except errors.BoxshipError as error:
        log.warning("answer cut off", reason=error.sentence, detail=error.detail)
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
