"""Bytes as images have them, one after the other, and as volumes have them, in extents with holes between."""

from __future__ import annotations

from collections.abc import AsyncIterator

from boxship.drivers.storage.interface import Extent

CHUNK = 1 << 20
_NOTHING = bytes(CHUNK)


async def flat(extents: AsyncIterator[Extent], size: int) -> AsyncIterator[bytes]:
    """All ``size`` bytes in order, zeros for the holes."""
    done = 0
    async for at, data in extents:
        for hole in _zeros(at - done):
            yield hole
        yield data
        done = at + len(data)
    for hole in _zeros(size - done):
        yield hole


def _zeros(count: int) -> list[bytes]:
    """So many zeros in chunks that are all the same object."""
    whole, rest = divmod(count, CHUNK)
    return [_NOTHING] * whole + [_NOTHING[:rest]] * bool(rest)


async def sparse(stream: AsyncIterator[bytes]) -> AsyncIterator[Extent]:
    """The bytes with their places, without chunks that are zeros throughout."""
    at = 0
    async for data in stream:
        for start in range(0, len(data), CHUNK):
            part = data[start : start + CHUNK]
            if not _NOTHING.startswith(part):
                yield at + start, part
        at += len(data)
