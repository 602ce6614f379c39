"""The HTTP side of a plugin: bodies in, answers or ``{"Err": ...}`` out, each within the bound that Docker was promised.

Calls wait for the cloud in threads. One that takes longer than its time is answered without waiting for it: its thread
ends by itself, as everything that it asks has a time limit too, and undoes what it made.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic

import msgspec
import structlog

from boxship.core import errors
from boxship.plugins.cloud import Deadline
from boxship.plugins.docker.calls import Call, Client

if TYPE_CHECKING:
    import socket
    import ssl

log = structlog.get_logger("plugin")

_TYPE = b"application/vnd.docker.plugins.v1.1+json"
_LARGEST = 1 << 20
"""Bytes of a body; Docker's are a few thousand."""
_THREADS = 64
_MARGIN = 0.5
"""Seconds in which a call whose time is over may still say why."""
_GRACE = 5
"""Seconds that calls under way have when the plugin is told to end."""

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Plugin(Generic[Client]):
    """The ASGI application: ``calls`` by their paths, ``client`` for a call that is due, ``timeout`` in seconds for calls that
    have none of their own."""

    def __init__(self, calls: Mapping[str, Call[Client]], client: Callable[[Deadline], Client], timeout: float) -> None:
        self._calls = calls
        self._client = client
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(_THREADS, "call")

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        began = time.monotonic()
        path = str(scope["path"])
        try:
            status, answer = 200, await self._answered(scope, receive)
        except errors.RequestError as error:
            status, answer = error.status, msgspec.json.encode({"Err": error.sentence})
            self._complain(path, error)
        log.debug("answered", call=path, status=status, seconds=round(time.monotonic() - began, 3))
        headers = [(b"content-type", _TYPE), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _complain(self, path: str, error: errors.RequestError) -> None:
        say = log.error if error.status >= 500 else log.warning
        say("refused", call=path, status=error.status, reason=error.sentence, detail=error.detail)

    async def _answered(self, scope: Mapping[str, Any], receive: Receive) -> bytes:
        call = self._calls.get(scope["path"])
        if call is None:
            raise errors.NotFound("There is no such call.")
        if scope["method"] != "POST":
            raise errors.MethodNotAllowed("Calls are made with POST.")
        body = call.read(await _body(receive))
        seconds = call.seconds or self._timeout
        client = self._client(Deadline(seconds))
        waiting = asyncio.get_running_loop().run_in_executor(self._threads, call.answer, client, body)
        await asyncio.wait({waiting}, timeout=seconds + _MARGIN)
        if not waiting.done():
            waiting.add_done_callback(lambda late: late.exception())  # nobody else asks what became of it
            raise errors.Unavailable(f"The cloud did not answer within {seconds:g} s.")
        return msgspec.json.encode(_result(waiting, scope["path"]))

    def close(self) -> None:
        """Begin nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _result(done: asyncio.Future[msgspec.Struct], path: str) -> msgspec.Struct:
    """What a call gave. A defect of ours is told to the log, and not to Docker."""
    error = done.exception()
    if error is None:
        return done.result()
    if isinstance(error, errors.RequestError):
        raise error
    log.error("a call failed", call=path, exc_info=error)
    raise Failed from error


class Failed(errors.RequestError):
    """The plugin has a defect."""

    def __init__(self) -> None:
        super().__init__("The plugin failed; its log says why.")


async def _body(receive: Receive) -> bytes:
    """The whole body. TooLarge."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > _LARGEST:
            raise errors.TooLarge(f"A body has at most {_LARGEST} bytes.")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def serve(
    plugin: Plugin[Client], listener: socket.socket, context: ssl.SSLContext | None, ready: Callable[[], None]
) -> None:
    """Answer Docker until SIGTERM or SIGINT. ``ready`` is called when a connection would be answered."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """uvicorn's raises the signal again at the end, and what we have to tidy up would stay."""
            before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    server = Server(
        uvicorn.Config(
            plugin,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
            ssl_context_factory=(lambda _config, _default: context) if context else None,
        )
    )
    try:
        server.run(sockets=[listener])
    finally:
        plugin.close()
