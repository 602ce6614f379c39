"""The WebSocket to a session in the cloud, as a ``terminal.Line``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from boxship.cli import api
from boxship.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_GOODBYE = 2.0
"""Seconds to wait for the other end when we close."""


class WebSocket:
    """One session; its messages are bytes in both directions."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def receive(self) -> bytes:
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
    def exit_code(self) -> int | None:
        """What the cloud says at the end of how the process ended: ``exit 7``; None where it says nothing."""
        match = re.search(r"\bexit(?:ed| code)? \(?([0-9]{1,3})\b", self._connection.close_reason or "")
        return int(match[1]) if match else None


@contextmanager
def opened(cloud: api.Cloud, url: str) -> Iterator[WebSocket]:
    """The session behind this URL. Failure: it cannot be reached, or the token in the URL is not taken."""
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
        raise Failure(f"The session at {parts.netloc} cannot be joined: {error}.", Exit.FAILURE) from error
