"""A front of the cloud that can be away, slow, or another kind of cloud: requests pass it, and answers can be changed."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.plugins.caller import serving
from tests.plugins.kuryr import world as worlds

Edit = Callable[[str, int, Any], tuple[int, Any]]
"""Path, status and body of an answer -> status and body as the plugin sees them."""


class Front:
    """``mode``: ``open``, ``broken`` (every answer is an error page), ``silent`` (no answer ever comes)."""

    def __init__(self, behind: str, url: str) -> None:
        self.url = url
        self.mode = "open"
        self.edit: Edit = lambda _path, status, body: (status, body)
        self.asked: list[str] = []
        self._behind = behind

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Any]
    ) -> None:
        body = await _body(receive)
        path = scope["path"]
        self.asked.append(f"{scope['method']} {path}")
        if self.mode == "silent":
            await asyncio.Event().wait()
        status, content = 502, b"<html>Bad Gateway</html>"
        if self.mode == "open":
            async with httpx.AsyncClient(timeout=30) as client:
                url = f"{self._behind}{path}?{scope['query_string'].decode()}"
                kept = {name: value for name, value in scope["headers"] if name in {b"x-auth-token", b"content-type"}}
                answer = await client.request(scope["method"], url, content=body, headers=kept)
            status, document = self.edit(path, answer.status_code, answer.json() if answer.content else None)
            content = json.dumps(document).encode() if document is not None else b""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def _body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    content = b""
    while True:
        message = await receive()
        content += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return content


@contextmanager
def before(world: worlds.World) -> Iterator[Front]:
    """A front of the world's cloud."""
    listener = socket.create_server(("127.0.0.1", 0))
    front = Front(f"{world.url}/network", f"http://127.0.0.1:{listener.getsockname()[1]}")
    with serving(front, listener):
        yield front
