"""Carries bytes between a client's WebSocket and a process, both ways, until one of them ends; keeps none of them.

Nobody's slowness fills the memory: a side is read only as fast as the other takes what was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from boxship.core import errors
from boxship.core.http.websocket import WebSocket
from boxship.drivers.engine.interface import Stream

_HELD = 0.05
"""Seconds that a character may wait for its end: programs write one in one go, but pipes cut anywhere."""


class Idle(Exception):
    """Nothing came or went for too long."""


async def carry(socket: WebSocket, stream: Stream, idle: float) -> None:
    """Until the process ends and its last output is sent.

    Gone: the client left before. BadRequest: it sent what it had not agreed on. Idle: nothing moved for ``idle`` seconds.
    """
    now = asyncio.get_running_loop().time
    patience = asyncio.timeout(idle)
    try:
        async with patience:
            await _both(socket, stream, lambda: patience.reschedule(now() + idle))
    except TimeoutError as error:
        raise Idle from error


async def _both(socket: WebSocket, stream: Stream, moved: Callable[[], None]) -> None:
    into = asyncio.create_task(_input(socket, stream, moved))
    out = asyncio.create_task(_output(socket, stream, moved))
    try:
        await asyncio.wait({into, out}, return_when=asyncio.FIRST_COMPLETED)
        await (out if out.done() else into)
    finally:
        for task in (into, out):
            task.cancel()
        await asyncio.gather(into, out, return_exceptions=True)


async def _input(socket: WebSocket, stream: Stream, moved: Callable[[], None]) -> None:
    """What the client sends, until it leaves. An empty message, Boxship's own, is the end of the input."""
    while True:
        data = await socket.receive()
        moved()
        try:
            await (stream.write(data) if data else stream.end_input())
        except errors.Busy:
            continue  # the process reads no more; its last output may still be on the way


async def _output(socket: WebSocket, stream: Stream, moved: Callable[[], None]) -> None:
    """What the process writes, in whole characters."""
    held = b""
    while True:
        try:
            async with asyncio.timeout(_HELD if held else None):
                part = await stream.read()
        except TimeoutError:
            ready, held = held, b""
        else:
            ready, held = split(held + part) if part else (held, b"")
        if ready:
            moved()
            await socket.send(ready)
        elif not held:
            return


def split(data: bytes) -> tuple[bytes, bytes]:
    """Bytes up to the last whole character of UTF-8, and the beginning of one that is cut: clients decode each message
    by itself. What is no UTF-8 is not held back."""
    for length in range(1, min(len(data), 3) + 1):
        first = data[-length]
        if first & 0xC0 == 0x80:
            continue  # inside of a character
        needed = 4 if first >> 3 == 0b11110 else 3 if first >> 4 == 0b1110 else 2 if first >> 5 == 0b110 else 1
        return (data[:-length], data[-length:]) if needed > length else (data, b"")
    return data, b""
