"""The WebSocket to a session in the cloud, as a ``terminal.Line``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from boxship.cli import api
from boxship.cli.failure import Failure

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_GOODBYE = 2.0
"""Seconds to wait for the other end when we close."""


class NotJoined(Failure):
    """The session is not there (any more), or its token is not taken."""


class WebSocket:
    """One session; its messages are bytes in both directions."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._before = b""
        self._shown = True

    def replay(self, log: bytes) -> None:
        """Show this log first. What the session repeats of its end is left out."""
        self._before, self._shown = log, not log

    def receive(self) -> bytes:
        if not self._shown:
            self._shown = True
            return self._before
        data, log = self._received(), self._before
        self._before = b""
        return data[overlap(log, data) :] or (self.receive() if data else b"")

    def _received(self) -> bytes:
        from websockets.exceptions import ConnectionClosed

        try:
            data = self._connection.recv()
            while not data:  # an empty message is no end
                data = self._connection.recv()
        except ConnectionClosed:
            return b""
        return data if isinstance(data, bytes) else data.encode()

    def send(self, data: bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            self._connection.send(data)
        except ConnectionClosed:
            return  # the reading side says so

    def end_input(self) -> None:
        """An empty message stands for the end of the input."""
        self.send(b"")

    def close(self) -> None:
        self._connection.close()

    @property
    def broken(self) -> bool:
        """Whether it ended otherwise than by the end of the process (RFC 6455, 7.4.1)."""
        return self._connection.close_code not in {1000, 1005}

    @property
    def reason(self) -> str:
        """Why it ended, in the cloud's words; empty where it says nothing."""
        return self._connection.close_reason or ""

    @property
    def exit_code(self) -> int | None:
        """What the cloud says at the end of how the process ended: ``exit 7``; None where it says nothing."""
        match = re.search(r"\bexit(?:ed| code)? \(?([0-9]{1,3})\b", self.reason)
        return int(match[1]) if match else None


def overlap(log: bytes, data: bytes) -> int:
    """How many bytes at the start of ``data`` are the end of ``log`` already."""
    return next((count for count in range(min(len(log), len(data)), 0, -1) if log.endswith(data[:count])), 0)


@contextmanager
def opened(cloud: api.Cloud, url: str) -> Iterator[WebSocket]:
    """The session behind this URL. NotJoined: it cannot be reached, or the token in the URL is not taken."""
    from websockets.exceptions import InvalidHandshake, InvalidURI
    from websockets.sync.client import connect
    from websockets.typing import Origin, Subprotocol

    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    try:
        connection = connect(
            url,
            ssl=cloud.tls() if secure else None,
            origin=Origin(f"{'https' if secure else 'http'}://{parts.netloc}"),
            subprotocols=[Subprotocol("binary")],
            compression=None,
            proxy=None,
            max_size=None,
            close_timeout=_GOODBYE,
        )
        with connection:
            yield WebSocket(connection)
    except (InvalidHandshake, InvalidURI, TimeoutError, ConnectionError) as error:
        raise NotJoined(f"The session at {parts.netloc} cannot be joined: {error}.") from error
