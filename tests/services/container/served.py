"""A fake cloud behind a real socket, for what only a connection shows, and clients of its sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from boxship.config import Settings
from boxship.core.http import listening
from boxship.drivers.engine.fake.record import SAYING
from tests import cloud as clouds
from tests.services.container.containers import made, versioned
from tests.system.installation import free_port

__all__ = [
    "SAYING",
    "Served",
    "asked",
    "closing",
    "made",
    "refusal",
    "served",
    "session",
    "shown",
    "token",
    "versioned",
]


@dataclass(slots=True)
class Served:
    """The cloud, and the server that it is reached through."""

    cloud: clouds.Cloud
    http: uvicorn.Server
    task: asyncio.Task[None]

    async def stop(self) -> None:
        """As at the end of the program."""
        self.http.should_exit = True
        await self.task


@asynccontextmanager
async def served(directory: Path, **settings: Any) -> AsyncIterator[Served]:
    """A cloud whose sessions are open on a port of its own."""
    port = free_port()
    base = f"ws://127.0.0.1:{port}/container/websocket"
    async with clouds.running(directory / "state", websocket_url=base, **settings) as cloud:
        http = listening.server(cloud.program.server, cloud.program.settings)
        listener = listening.listen(Settings(listen=f"127.0.0.1:{port}"))
        running = Served(cloud, http, asyncio.create_task(http.serve(sockets=[listener])))
        try:
            yield running
        finally:
            await running.stop()


async def asked(running: Served, container: str, command: str | None = None, **query: str) -> str:
    """The URL of a new session of alice with process 1, or with a command."""
    if command is None:
        answer = await versioned(running.cloud, "GET", f"/{container}/attach")
        assert answer.status_code == 200, answer.text
        return str(answer.json())
    words = {"command": command, "interactive": "true", "run": "false", **query}
    answer = await versioned(running.cloud, "POST", f"/{container}/execute", params=words)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["proxy_url"])


def session(url: str, *protocols: str, **options: Any) -> connect:
    """A client of this session."""
    return connect(url, subprotocols=[Subprotocol(name) for name in protocols] or None, proxy=None, **options)


async def shown(client: ClientConnection, size: int) -> bytes:
    """The next so many bytes that come."""
    content = b""
    while len(content) < size:
        message = await client.recv()
        content += message.encode() if isinstance(message, str) else message
    return content


async def closing(client: ClientConnection) -> tuple[int, str]:
    """Code and reason of the end, after whatever comes before."""
    try:
        while True:
            await client.recv()
    except ConnectionClosed as end:
        assert end.rcvd is not None, "the connection broke off"
        return end.rcvd.code, end.rcvd.reason


async def refusal(url: str) -> tuple[int, str]:
    """Status and text with which the session is refused."""
    try:
        async with session(url):
            raise AssertionError(f"the session at {urlsplit(url).path} was opened")
    except InvalidStatus as error:
        return error.response.status_code, (error.response.body or b"").decode()


def token(url: str) -> str:
    """The token in the URL of a session."""
    return parse_qs(urlsplit(url).query)["token"][0]
