"""The engine's socket on 127.0.0.1:2375, which two places of the Zun plugin have built in; for this user, while it is open.

Whoever speaks to the engine is root on this host, so connections of other users are closed unheard: the kernel tells whose
a connection is (proc(5), /proc/net/tcp). Copies bytes, and understands none of them.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ADDRESS = ("127.0.0.1", 2375)


class PortTaken(Exception):
    """Somebody else listens on the port that the plugin has built in."""


@contextmanager
def listening(engine: Path, address: tuple[str, int] = ADDRESS) -> Iterator[tuple[str, int]]:
    """Pass on connections until the end; the address it listens on. PortTaken: it is not free."""
    try:
        listener = socket.create_server(address)
    except OSError as error:
        raise PortTaken(
            f"{address[0]}:{address[1]} is taken ({error.strerror}); the Zun plugin has this address of an engine built in. "
            "Stop what listens there and run again."
        ) from error
    thread = threading.Thread(target=_serve, args=(listener, engine), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread, which close alone does not
        thread.join()
        listener.close()


def _serve(listener: socket.socket, engine: Path) -> None:
    while True:
        try:
            client, peer = listener.accept()
        except OSError:
            return
        if _owner(peer, listener.getsockname()) != os.getuid():
            client.close()
            continue
        threading.Thread(target=_carry, args=(client, engine), daemon=True).start()


def _carry(client: socket.socket, engine: Path) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(str(engine))
        except OSError:
            return
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        _copy(client, server)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _owner(peer: tuple[str, int], local: tuple[str, int]) -> int | None:
    """The user whose connection it is, seen from its other end; None: the kernel knows no such connection."""
    ends = [_written(peer), _written(local)]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1:3] == ends:
            return int(words[7])
    return None


def _written(address: tuple[str, int]) -> str:
    """As /proc/net/tcp writes it: the address as a number of this machine, in hexadecimal."""
    number = int.from_bytes(socket.inet_aton(address[0]), "little")
    return f"{number:08X}:{address[1]:04X}"
