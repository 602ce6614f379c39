"""One WebSocket as its handler sees it (RFC 6455 over ASGI): bytes in and out. Knows nothing of what they carry.

``binary`` and ``base64`` are the subprotocols of websockify, which OpenStack's consoles speak: the bytes as they are, or
base64 in text. Without a subprotocol bytes go as they are, and text counts as UTF-8.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from boxship.core import errors, metrics
from boxship.core.http.call import Query, Reply

log = structlog.get_logger("websocket")

Message = Mapping[str, Any]
"""One of ASGI's, as its specification tells."""
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Any], Awaitable[None]]

PROTOCOLS = ("binary", "base64")

NORMAL, WRONG_DATA, POLICY, INTERNAL = 1000, 1007, 1008, 1011
"""Codes of an end (RFC 6455, 7.4.1)."""
_REASON = 123
"""Bytes of a reason (RFC 6455, 5.5)."""
_PACE = 0.02
"""Seconds from a message to the next for clients that say nothing of who they are, as python-zunclient: it looks for one
message whenever bytes come, and of two that a TLS proxy packed together the second would stay hidden."""


class Gone(Exception):
    """The client has left."""


class WebSocket:
    """A connection that was asked for and is accepted or refused."""

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        self.path: str = scope["path"]
        self._raw_query: bytes = scope.get("query_string", b"")
        offered = scope.get("subprotocols", ())
        self._protocol = next((name for name in offered if name in PROTOCOLS), None)
        self._paced = all(name.lower() != b"user-agent" for name, _ in scope.get("headers", ()))
        self._next = 0.0
        self._receive = receive
        self._send = send
        self._accepted = False
        self._over = False

    @property
    def query(self) -> Query:
        """BadRequest: it cannot be read."""
        return Query.parse(self._raw_query)

    @property
    def accepted(self) -> bool:
        return self._accepted

    async def accept(self) -> None:
        """Begin, with the first of the client's subprotocols that is known here. Gone: the client did not wait."""
        if (await self._receive())["type"] != "websocket.connect":
            raise Gone
        await self._sent({"type": "websocket.accept", "subprotocol": self._protocol})
        self._accepted = True

    async def receive(self) -> bytes:
        """The next message. Gone: the client has left. BadRequest: it is no base64, where that was agreed on."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._over = True
            raise Gone
        data = message.get("text")
        data = message["bytes"] if data is None else data.encode()
        return _decoded(data) if self._protocol == "base64" else bytes(data)

    async def send(self, data: bytes) -> None:
        """One message; waits while the client reads too slowly. Gone: the client has left."""
        await self._in_turn()
        if self._protocol == "base64":
            await self._sent({"type": "websocket.send", "text": base64.b64encode(data).decode()})
        else:
            await self._sent({"type": "websocket.send", "bytes": data})

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """End what was accepted. Repeatable."""
        if self._over:
            return
        self._over = True
        await self._in_turn()
        cut = reason.encode()[:_REASON].decode(errors="ignore")
        await self._said({"type": "websocket.close", "code": code, "reason": cut})

    async def refuse(self, reply: Reply) -> None:
        """Answer with HTTP instead of accepting (ASGI, "Websocket Denial Response")."""
        self._over = True
        headers = [(b"content-type", reply.media.encode())]
        await self._said({"type": "websocket.http.response.start", "status": reply.status, "headers": headers})
        await self._said({"type": "websocket.http.response.body", "body": reply.encoded()})

    async def _in_turn(self) -> None:
        if self._paced:
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, self._next - now))
            self._next = max(self._next, now) + _PACE

    async def _said(self, message: Message) -> None:
        """A last word, which nobody has to hear."""
        try:
            await self._sent(message)
        except Gone as error:
            log.debug("closed already", error=repr(error.__cause__))

    async def _sent(self, message: Message) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:  # what uvicorn raises for a connection that is closed
            self._over = True
            raise Gone from error


Handler = Callable[[WebSocket], Awaitable[None]]
"""Serves one WebSocket from its beginning to its end. A ``BoxshipError`` before it accepts is a refusal."""

Refusal = Callable[[errors.BoxshipError], Reply]
"""How a refusal is answered."""


async def serve(handler: Handler | None, socket: WebSocket, refusal: Refusal) -> None:
    """Hand a WebSocket to its handler, and close it afterwards. None: there is nothing at its path."""
    try:
        if handler is None:
            raise errors.NotFound("The resource could not be found.")
        with metrics.websockets.track_inprogress():
            await handler(socket)
    except Gone:
        return
    except errors.BoxshipError as error:
        await end(socket, error, refusal)
    else:
        await socket.close()


async def end(socket: WebSocket, error: errors.BoxshipError, refusal: Refusal) -> None:
    """Say what went wrong: as an answer, or in the closing of what was accepted."""
    if not socket.accepted:
        await socket.refuse(refusal(error))
        return
    log.info("session ended", path=socket.path, reason=error.sentence, detail=error.detail)
    await socket.close(WRONG_DATA if isinstance(error, errors.BadRequest) else INTERNAL, error.sentence)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.BadRequest("A message was no base64.", detail=str(error)) from error
