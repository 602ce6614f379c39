"""The metadata address: sockets at 169.254.169.254 inside the namespaces of routers and name services.

The namespace that a connection comes into and the address that it comes from say who asks; nothing that is sent does. What
is sent is a stranger's: parsed by h11 up to a small size, within a few seconds, a few connections at a time of each.
What is answered the fabric's user says (``interface.MetadataHandler``).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from ipaddress import ip_address

import h11

from boxship.core import errors
from boxship.drivers.linux import namespace, programs
from boxship.drivers.linux.interface import MetadataHandler, MetadataPage, MetadataQuestion
from boxship.drivers.linux.nat import METADATA

PORT = 80

_MOST_OF_CLIENT, _MOST_OF_DOOR, _MOST = 8, 64, 512
"""Connections at a time."""
_MOST_ANSWERS = 8
"""Answers worked out at a time, so that there is always something left for others."""
_LONGEST = 8192
_PATIENCE = 5.0
"""Seconds from the connection to the end of the answer."""

_FORWARDED = {b"x-forwarded-for", b"forwarded", b"via"}
"""Whoever forwards for others is not the one who asks: software inside that can be made to fetch pages would tell secrets."""


class Doors:
    """The sockets of one installation; a door is a namespace in which the address is served."""

    def __init__(self) -> None:
        self.handler: MetadataHandler | None = None
        self._open: dict[str, tuple[tuple[int, int], asyncio.Server]] = {}
        self._counts: Counter[str] = Counter()
        self._answers = asyncio.Semaphore(_MOST_ANSWERS)

    async def open(self, where: str, kind: str, id: str) -> None:
        """Serve the address in the namespace of a router or a name service. Repeatable; costs nothing where it is served."""
        if self.handler is None:
            return
        identity = namespace.identity(where)
        if where in self._open and self._open[where][0] == identity:
            return
        await self.close(where)
        made = await asyncio.to_thread(_listening, where)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve((kind, id), reader, writer)

        self._open[where] = identity, await asyncio.start_server(serve, sock=made, limit=_LONGEST)

    async def close(self, where: str) -> None:
        """Let go of the socket, which would keep the namespace. Repeatable."""
        found = self._open.pop(where, None)
        if found:
            found[1].close()

    async def close_all(self) -> None:
        """Let go of all of them."""
        for where in list(self._open):
            await self.close(where)

    async def _serve(self, door: tuple[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one answer."""
        client = str((writer.get_extra_info("peername") or ("gone",))[0])
        keys = ("", f"{door[0]} {door[1]}", f"{door[0]} {door[1]} {client}")
        try:
            if all(
                self._counts[key] < most
                for key, most in zip(keys, (_MOST, _MOST_OF_DOOR, _MOST_OF_CLIENT), strict=True)
            ):
                self._counts.update(keys)
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await self._converse(door, client, reader, writer)
                finally:
                    self._counts.subtract(keys)
                    self._counts += Counter()  # what is at zero goes
        except (TimeoutError, OSError, h11.ProtocolError):
            pass  # whoever asks so gets no answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(
        self, door: tuple[str, str], client: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST)
        request = await _request(connection, reader)
        if request is None:
            return
        page = await self._page(door, client, request)
        headers = [
            ("content-type", page.media),
            ("content-length", str(len(page.body))),
            ("connection", "close"),
        ]
        answer = connection.send(h11.Response(status_code=page.status, headers=headers, reason=page.reason))
        writer.write(answer or b"")
        if request.method != b"HEAD":
            writer.write(connection.send(h11.Data(data=page.body)) or b"")
        await writer.drain()

    async def _page(self, door: tuple[str, str], client: str, request: h11.Request) -> MetadataPage:
        if any(name in _FORWARDED for name, _ in request.headers):
            return MetadataPage(403, b"Forwarded requests are not answered.\n")
        if request.method not in {b"GET", b"HEAD"}:
            return MetadataPage(405, b"Only GET is answered.\n")
        assert self.handler is not None, "there is no door without it"
        path = request.target.decode("ascii", "replace")
        async with self._answers:
            return await self.handler(MetadataQuestion(door[0], door[1], ip_address(client), path))


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The head of the request; None: the client went. ProtocolError: it is none, or too long."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await reader.read(_LONGEST))


def _listening(where: str) -> socket.socket:
    """A socket at the address, which is put on the loopback device of the namespace."""
    programs.ip(where, [f"address replace {METADATA}/32 dev lo"])

    def make() -> socket.socket:
        made = socket.create_server((str(METADATA), PORT), backlog=_MOST_OF_DOOR)
        made.setblocking(False)
        return made

    try:
        return namespace.inside(where, make)
    except OSError as error:
        raise errors.Busy(f"The metadata address cannot be served yet: {error.strerror}.") from error
