"""Docker's framing of output without a terminal (Docker Engine API, ContainerAttach, "Stream format"). Pure."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, AsyncIterator


def demultiplexed(raw: bytes) -> bytes:
    """Docker's stream of frames (8 bytes of header: stream, 0, 0, 0, length) as the bytes alone; a cut last frame counts."""
    parts, at = [], 0
    while at + 8 <= len(raw):
        (length,) = struct.unpack(">I", raw[at + 4 : at + 8])
        parts.append(raw[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(parts)


async def unframed(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same of a stream that comes in any pieces: what is inside of the frames, as soon as it is there."""
    header, missing = b"", 0
    async for chunk in chunks:
        at = 0
        while at < len(chunk):
            if missing:
                part = chunk[at : at + missing]
                missing -= len(part)
                at += len(part)
                yield part
                continue
            taken = chunk[at : at + 8 - len(header)]
            header += taken
            at += len(taken)
            if len(header) == 8:
                (missing,) = struct.unpack(">I", header[4:])
                header = b""
