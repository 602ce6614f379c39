"""A TLS connection that is read and written at once: nothing is lost while the server gives session tickets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.cli import wire
from tests import certificates


def echo(listener: ssl.SSLSocket) -> None:
    """Give everything back, to one after the other, until the listener is closed."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                client.sendall(data)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """The port of a server that sends tickets after each handshake, and how to trust it."""
    made = certificates.make(tmp_path)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(made.certificate, made.key)
    assert own.num_tickets > 0
    listener = own.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
    thread = threading.Thread(target=echo, args=(listener,))
    thread.start()
    yield listener.getsockname()[1], wire.shared(ssl.create_default_context(cafile=made.certificate))
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def joined(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")


def exchange(client: ssl.SSLSocket, sent: bytes) -> bytes:
    """What comes back, read by a thread that began to wait before anything was written."""
    came = bytearray()

    def read() -> None:
        while len(came) < len(sent):
            part = client.recv(1 << 16)
            if not part:
                return
            came.extend(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    client.sendall(sent)
    reader.join(20)
    assert not reader.is_alive(), "what was written is lost"
    return bytes(came)


def test_what_is_written_while_tickets_come_arrives(server: tuple[int, ssl.SSLContext]) -> None:
    for number in range(100):
        with joined(*server) as client:
            assert exchange(client, b"%d" % number) == b"%d" % number


def test_much_at_once(server: tuple[int, ssl.SSLContext]) -> None:
    sent = bytes(range(256)) * 20000
    with joined(*server) as client:
        assert exchange(client, sent) == sent


def test_patience_ends(server: tuple[int, ssl.SSLContext]) -> None:
    with joined(*server) as client:
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
