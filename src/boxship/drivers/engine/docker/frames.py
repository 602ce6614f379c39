"""Docker's framing of output without a terminal (Docker Engine API, ContainerAttach, "Stream format"). Pure."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, AsyncIterator


async def unframed(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """What is inside of the frames (8 bytes of header each: stream, 0, 0, 0, length), as soon as it is there, in whatever
    pieces they come; of a frame that is cut off, what came of it."""
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
