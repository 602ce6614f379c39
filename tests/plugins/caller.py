"""What every plugin is tested with: calls as Docker makes them over a real UNIX socket, and an application behind a socket."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

Document = dict[str, Any]


class Refused(Exception):
    """The plugin answered with an error."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(f"{status}: {sentence}")
        self.status = status
        self.sentence = sentence


class Caller:
    """Docker as a plugin hears it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def raw(self, method: str, path: str, body: bytes) -> tuple[int, Document]:
        """One request as it is."""
        connection = http.client.HTTPConnection("plugin")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(30)
        connection.sock.connect(str(self.path))
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            assert isinstance(found, dict)
            return answer.status, found
        finally:
            connection.close()

    def call(self, path: str, body: Document | None = None) -> Document:
        """One call. Refused: it did not work."""
        status, answer = self.raw("POST", f"/{path}", json.dumps(body or {}).encode())
        if status != 200 or answer.get("Err"):
            raise Refused(status, answer["Err"])
        return answer


@contextmanager
def serving(application: Any, listener: socket.socket) -> Iterator[None]:
    """An ASGI application behind a socket, for the time of the ``with``."""
    up = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            up.set()

    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", ws="none")
    config.timeout_graceful_shutdown = 1  # some never answer
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert up.wait(20)
        yield
    finally:
        server.should_exit = True
        thread.join(30)
