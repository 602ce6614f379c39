"""WebSockets as ASGI gives them: how they are refused, what is sent in which form and how fast, how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from boxship.config import Settings
from boxship.core import errors
from boxship.core.http import dialects
from boxship.core.http.server import Server
from boxship.core.http.websocket import Gone, WebSocket
from boxship.core.service import Service
from tests.core import virtual

NAMED = [(b"User-Agent", b"test")]


class Wire:
    """What an ASGI server would get and give; ``closed``: the client has gone."""

    def __init__(self, *messages: dict[str, Any], closed: bool = False) -> None:
        self.sent: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.closed = closed
        self._messages = [{"type": "websocket.connect"}, *messages]

    def scope(self, path: str, headers: Sequence[tuple[bytes, bytes]] = NAMED, protocol: str = "") -> dict[str, Any]:
        offered = [protocol] if protocol else []
        return {"path": path, "query_string": b"a=%ff", "headers": headers, "subprotocols": offered}

    def socket(self, headers: Sequence[tuple[bytes, bytes]] = NAMED, protocol: str = "") -> WebSocket:
        return WebSocket(self.scope("/", headers, protocol), self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        return self._messages.pop(0) if self._messages else {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message: dict[str, Any]) -> None:
        if self.closed:
            raise OSError("gone")
        self.sent.append(message)
        self.times.append(asyncio.get_running_loop().time())


async def refused(socket: WebSocket) -> None:
    raise errors.Forbidden("No.")


async def broken(socket: WebSocket) -> None:
    raise ValueError("secret")


async def open_and_broken(socket: WebSocket) -> None:
    await socket.accept()
    raise ValueError("secret")


async def open_and_busy(socket: WebSocket) -> None:
    await socket.accept()
    raise errors.Busy("ü" * 100)


async def done(socket: WebSocket) -> None:
    await socket.accept()


async def asks(socket: WebSocket) -> None:
    assert socket.query


async def joined(wire: Wire, path: str) -> None:
    """What a server does with a connection to this path."""
    sockets = {
        f"/{handler.__name__}": handler for handler in (refused, broken, open_and_broken, open_and_busy, asks, done)
    }
    service = Service(("t",), "t", "t", "/t", dialects.NEUTRON, routes=[], rules=[], sockets=sockets)
    nothing: Any = None
    server = Server([service], settings=Settings(), database=nothing, authenticator=nothing, pages={})
    await server({"type": "websocket", **wire.scope(path)}, wire.receive, wire.send)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/x", 404),
        ("/t", 404),
        ("/t/refused/x", 404),
        ("//t//refused/", 403),
        ("/t/broken", 500),
        ("/t/asks", 400),
    ],
)
async def test_a_refusal_is_an_answer_in_http(path: str, status: int) -> None:
    wire = Wire()
    await joined(wire, path)
    start, body = wire.sent
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    assert b'"message"' in body["body"]
    assert b"secret" not in body["body"]


@pytest.mark.parametrize(("path", "code"), [("open_and_broken", 1011), ("open_and_busy", 1011), ("done", 1000)])
async def test_how_it_ended_is_told_in_the_closing(path: str, code: int) -> None:
    wire = Wire()
    await joined(wire, f"/t/{path}")
    accepted, closed = wire.sent
    assert accepted["type"] == "websocket.accept"
    assert (closed["type"], closed["code"]) == ("websocket.close", code)
    assert "secret" not in closed["reason"]
    assert len(closed["reason"].encode()) <= 123


@pytest.mark.parametrize("path", ["open_and_busy", "refused", "done"])
async def test_who_has_gone_is_told_nothing(path: str) -> None:
    wire = Wire(closed=True)
    await joined(wire, f"/t/{path}")
    assert wire.sent == []


async def test_messages() -> None:
    both: list[dict[str, Any]] = [
        {"type": "websocket.receive", "text": "/w=="},
        {"type": "websocket.receive", "bytes": b"/w=="},
    ]
    socket = Wire(*both).socket(protocol="base64")
    await socket.accept()
    assert [await socket.receive(), await socket.receive()] == [b"\xff", b"\xff"]
    with pytest.raises(Gone):
        await socket.receive()
    plain = Wire(*both, {"type": "websocket.receive", "text": "ü", "bytes": None}).socket()
    await plain.accept()
    assert [await plain.receive() for _ in range(3)] == [b"/w==", b"/w==", "ü".encode()]


@pytest.mark.parametrize(("headers", "times"), [(NAMED, [0, 0, 0, 0]), ([], [0, 0, 0.02, 0.04])])
def test_clients_that_may_miss_a_message_get_one_at_a_time(
    headers: list[tuple[bytes, bytes]], times: list[float]
) -> None:
    async def scenario() -> list[float]:
        wire = Wire()
        socket = wire.socket(headers)
        await socket.accept()
        await socket.send(b"at once")
        await socket.send(b"later")
        await socket.close()
        await socket.close()
        return wire.times

    assert virtual.run(scenario()) == pytest.approx(times)
