"""One WebSocket as its handler sees it (RFC 6455 over ASGI): messages in and out. Knows nothing of what they carry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from boxship.core import errors
from boxship.core.http.call import Query

log = structlog.get_logger("websocket")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

NORMAL, INTERNAL = 1000, 1011
"""Codes of an end (RFC 6455, 7.4.1)."""
_REASON = 120
"""Bytes of a reason; a close frame holds 123."""


class Gone(Exception):
    """The client has left."""


class WebSocket:
    """A connection that was asked for and is accepted or refused. ``subprotocols`` are those that the client offers."""

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        self.path: str = scope["path"]
        self.query = Query.parse(scope.get("query_string", b""))
        self.subprotocols: list[str] = list(scope.get("subprotocols", ()))
        self._receive = receive
        self._send = send
        self._accepted = False
        self._over = False

    async def accept(self, subprotocol: str | None) -> None:
        """Begin the session. Gone: the client did not wait."""
        if (await self._receive())["type"] != "websocket.connect":
            raise Gone
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
        self._accepted = True

    async def receive(self) -> bytes | str:
        """The next message. Gone: the client has left."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._over = True
            raise Gone
        data = message.get("bytes")
        return message.get("text") or "" if data is None else bytes(data)

    async def send(self, data: bytes | str) -> None:
        """One message. Gone: the client has left."""
        key = "text" if isinstance(data, str) else "bytes"
        try:
            await self._send({"type": "websocket.send", key: data})
        except (OSError, RuntimeError) as error:  # what uvicorn raises for a connection that is closed
            self._over = True
            raise Gone from error

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """End the session, or refuse it (the client reads 403 then). Repeatable."""
        if self._over:
            return
        self._over = True
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason[:_REASON]})
        except (OSError, RuntimeError) as error:
            log.debug("closed already", error=repr(error))


Handler = Callable[[WebSocket], Awaitable[None]]
"""Serves one WebSocket from its beginning to its end."""


async def serve(handler: Handler | None, socket: WebSocket) -> None:
    """Hand a WebSocket to its handler, and close it whatever happens. None: there is nothing at its path."""
    try:
        if handler is not None:
            await handler(socket)
    except Gone:
        pass
    except errors.BoxshipError as error:
        log.info("session ended", path=socket.path, reason=error.sentence, detail=error.detail)
        await socket.close(INTERNAL, error.sentence)
    except Exception as error:
        log.error("session failed", path=socket.path, error=repr(error), exc_info=True)
        await socket.close(INTERNAL, "An unexpected error ended the session.")
    finally:
        await socket.close()
