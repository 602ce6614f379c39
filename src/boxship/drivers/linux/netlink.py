"""Requests to the kernel's rtnetlink(7), one at a time, from inside a namespace. Knows the format, not the meaning.

A request costs some microseconds where a run of ip(8) costs milliseconds; ports, which come and go with every
container, are made this way. What is made rarely is left to ip(8) (``programs``).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from types import TracebackType

from boxship.core import errors
from boxship.drivers.linux import namespace

REQUEST, ACK, REPLACE, EXCLUSIVE, CREATE = 0x1, 0x4, 0x100, 0x200, 0x400
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_TIMEOUT = 30.0
_SEND_BUFFER_FORCE = 32

_ABSENT = {errno.ENODEV, errno.ENOENT, errno.ESRCH}
_BUSY = {errno.EBUSY, errno.EAGAIN, errno.ENOBUFS, errno.EINTR, errno.ENOMEM}


def attribute(kind: int, value: bytes | str | int) -> bytes:
    """An attribute, padded: bytes as they are, text with the zero at its end, numbers in 32 bits."""
    if isinstance(value, int):
        value = struct.pack("=I", value)
    elif isinstance(value, str):
        value = value.encode() + b"\0"
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A message with its header, padded so that another may follow."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body + bytes(-len(body) % 4)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes in a message, after its fixed part."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


class Netlink:
    """A socket to the kernel that speaks of the namespace it was opened in."""

    def __init__(self, where: str, protocol: int = socket.NETLINK_ROUTE) -> None:
        def open_socket() -> socket.socket:
            return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)

        self._socket = namespace.inside(where, open_socket) if where else open_socket()
        self._socket.settimeout(_TIMEOUT)
        self._sequence = 0

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def ask(self, kind: int, body: bytes, flags: int = 0) -> bytes:
        """Send a request; the body of the answer, if there is one besides the acknowledgement.

        Absent: what the request names is not there. Busy: the kernel has no room or no time. Refused: anything else.
        """
        self._sequence += 1
        try:
            self._socket.send(message(kind, REQUEST | ACK | flags, self._sequence, body))
            return self._answer(self._sequence, self._sequence)
        except TimeoutError as error:
            raise errors.Busy("The kernel did not answer a request about its network.") from error

    def transact(self, parts: Sequence[tuple[int, int, bytes]]) -> None:
        """Send messages (kind, flags, body) that are one change, and wait for the acknowledgement that the last but one
        asks for; errors as with ``ask``, of whichever message comes first."""
        first = self._sequence + 1
        numbered = enumerate(parts, first)
        data = b"".join(message(kind, REQUEST | flags, number, body) for number, (kind, flags, body) in numbered)
        self._sequence += len(parts)
        self._socket.setsockopt(socket.SOL_SOCKET, _SEND_BUFFER_FORCE, 2 * len(data) + (1 << 16))
        try:
            self._socket.send(data)
            self._answer(first, self._sequence - 1)
        except TimeoutError as error:
            raise errors.Busy("The kernel did not answer a request about its network.") from error

    def _answer(self, first: int, last: int) -> bytes:
        """The answer to the request numbered ``last``. An error is one of that, or of one before it from ``first`` on."""
        answer = b""
        while True:
            data = self._socket.recv(1 << 16)
            at = 0
            while at + _HEADER.size <= len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
                body = data[at + _HEADER.size : at + length]
                at += (length + 3) & ~3
                if kind == _ERROR and sequence >= first:
                    _check(-struct.unpack_from("=i", body)[0])
                if sequence != last:
                    continue
                if kind == _ERROR:
                    return answer
                if kind == _DONE:
                    return answer
                answer = body


def _check(number: int) -> None:
    if not number:
        return
    detail = f"netlink: {errno.errorcode.get(number, number)}"
    if number in _ABSENT:
        raise errors.Absent("Something that is needed is not in the kernel's network.", detail=detail)
    if number in _BUSY:
        raise errors.Busy("The kernel is busy with its network.", detail=detail)
    raise errors.Refused(f"The kernel refuses a change of its network: {os.strerror(number)}.", detail=detail)
