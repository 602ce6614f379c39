"""uvicorn's WebSocket connection, with pings to those clients only that can stand them."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class PingingProtocol(WebSocketsSansIOProtocol):
    """One connection.

    websocket-client, which python-zunclient is built on, answers a ping inside of its reading, and goes on reading there
    until output comes: meanwhile nobody looks at the keyboard, and a shell that waits for a command waits for ever. It is
    known by saying nothing of who it is, which other clients do.
    """

    def start_keepalive(self) -> None:
        """Called by uvicorn when the connection is accepted."""
        if "User-Agent" in self.request.headers:
            super().start_keepalive()
