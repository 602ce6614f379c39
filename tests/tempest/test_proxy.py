"""The way from a TCP port to the engine's socket: bytes pass both ways, for the same user only."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance import proxy

FREE = ("127.0.0.1", 0)


@contextmanager
def echo(path: Path) -> Iterator[None]:
    """A socket that says back what it heard, in capitals, once the other side has ended."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            heard = b"".join(iter(lambda: connection.recv(4096), b""))
            connection.sendall(heard.upper())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.close()


def ask(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_bytes_pass_both_ways(tmp_path: Path) -> None:
    with echo(tmp_path / "engine"), proxy.listening(tmp_path / "engine", FREE) as address:
        assert ask(address) == b"HELLO"


def test_nobody_listens_afterwards(tmp_path: Path) -> None:
    with proxy.listening(tmp_path / "engine", FREE) as address:
        pass
    with pytest.raises(ConnectionRefusedError):
        ask(address)


def test_other_users_are_not_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with echo(tmp_path / "engine"), proxy.listening(tmp_path / "engine", FREE) as address:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        with contextlib.suppress(OSError):  # closed while we spoke
            assert ask(address) == b""


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with (
        socket.create_server(FREE) as other,
        pytest.raises(proxy.PortTaken, match="is taken"),
        proxy.listening(tmp_path / "engine", other.getsockname()),
    ):
        raise AssertionError("it listens")
