"""A load generator that costs little itself: raw HTTP/1.1 on kept connections, one request under way on each."""

from __future__ import annotations

import asyncio
import time


async def rate(port: int, request: bytes, *, connections: int = 8, seconds: float = 3.0) -> float:
    """Answers per second to this request, all of which must be 2xx."""
    until = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_repeat(port, request, until) for _ in range(connections)))
    return sum(counts) / seconds


async def _repeat(port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.perf_counter() < until:
        writer.write(request)
        await _answer(reader)
        count += 1
    writer.close()
    return count


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.split(b" ", 2)[1].startswith(b"2"):
        raise SystemExit(f"the load met an error: {head[:200]!r}")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    return await reader.readexactly(length)


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
