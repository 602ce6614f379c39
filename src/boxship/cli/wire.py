"""TLS for a connection that one thread reads while another writes. It knows nothing of what goes through.

OpenSSL's state of a connection is for one thread at a time, and Python before 3.13 does not see to that: what one thread writes
while another one is given a session ticket (which servers send after the handshake) is lost, and both wait for ever.
"""

from __future__ import annotations

import select
import ssl
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Wire(ssl.SSLSocket):
    """Waits without holding the connection, and holds it only while bytes move."""

    _turn: threading.Lock | None = None
    _patience: float | None = None

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        super().settimeout(0)
        self._turn = threading.Lock()

    def settimeout(self, value: float | None) -> None:
        if self._turn is None:
            super().settimeout(value)
        else:
            self._patience = value

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:  # noqa: ARG002 (TLS knows no flags)
        return self._moved(lambda: self.read(buflen))

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ARG002 (TLS knows no flags)
        left = memoryview(data).cast("B")
        while left:
            part = left
            left = left[self._moved(lambda: self.send(part)) :]  # noqa: B023 (called before the next round)

    def _moved(self, work: Callable[[], T]) -> T:
        """What the work gives once the connection is ready for it. TimeoutError: not in time."""
        assert self._turn is not None
        while True:
            with self._turn:
                try:
                    return work()
                except ssl.SSLWantReadError:
                    reads, writes = True, False
                except ssl.SSLWantWriteError:
                    reads, writes = False, True
            if not any(select.select([self] * reads, [self] * writes, [], self._patience)):
                raise TimeoutError


def shared(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context, whose connections two threads may use from now on."""
    context.sslsocket_class = Wire
    return context
