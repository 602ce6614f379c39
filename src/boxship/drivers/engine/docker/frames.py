"""Docker's framing of output without a terminal (Docker Engine API, ContainerAttach, "Stream format"). Pure."""

from __future__ import annotations

import struct


def demultiplexed(raw: bytes) -> bytes:
    """Docker's stream of frames (8 bytes of header: stream, 0, 0, 0, length) as the bytes alone; a cut last frame counts."""
    parts, at = [], 0
    while at + 8 <= len(raw):
        (length,) = struct.unpack(">I", raw[at + 4 : at + 8])
        parts.append(raw[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(parts)
