"""The world beyond the host: a network namespace behind a cable, with servers in it, for traffic that leaves the cloud."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.system.installation import free_range
from tests.system.waiting import until

PORT = 9000
_SINK = """
import socket, sys, threading
def serve(connection, peer):
    with connection:
        connection.sendall(f"you come from {peer[0]}\\n".encode())
        while connection.recv(4096):
            print("heard", flush=True)
with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as listener:
    print("listening", flush=True)
    while True:
        threading.Thread(target=serve, args=listener.accept(), daemon=True).start()
"""


@dataclass(slots=True)
class Outside:
    """``address`` is reached from everywhere the host forwards to; a server there greets and counts what it hears."""

    address: str
    heard: list[str]
    process: subprocess.Popen[str]

    def count(self) -> int:
        """How many times something was heard so far."""
        return len(self.heard)


@contextmanager
def beyond() -> Iterator[Outside]:
    """Make it, and take it away."""
    name = f"bxt{secrets.token_hex(3)}"
    start = free_range().removesuffix(".0/24")
    _ip("netns", "add", name)
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("address", "add", f"{start}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        for words in (f"address add {start}.2/24 dev eth0", "link set eth0 up", f"route add default via {start}.1"):
            _ip("-n", name, *words.split())
        command = ["ip", "netns", "exec", name, sys.executable, "-c", _SINK, str(PORT)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            heard: list[str] = []
            assert process.stdout
            threading.Thread(target=heard.extend, args=(process.stdout,), daemon=True).start()
            try:
                until(lambda: bool(heard), "the server outside listens")
                yield Outside(f"{start}.2", heard, process)
            finally:
                process.terminate()
    finally:
        _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def connects(host: str, port: int, seconds: float = 0.5) -> bool:
    """Whether a TCP connection from the host comes about."""
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return True
    except OSError:
        return False


def echoes(connection: socket.socket, text: bytes = b"hello\n", seconds: float = 0.3) -> bool:
    """Whether what is sent over the connection comes back."""
    connection.settimeout(seconds)
    try:
        connection.sendall(text)
        return bool(connection.recv(4096))
    except OSError:
        return False
