"""A proxy that ends TLS in front of a server, as operators have one: it forwards bytes, and knows nothing of them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator

from tests.certificates import Certificate
from tests.system.installation import free_port


@contextlib.contextmanager
def running(certificate: Certificate, target: str) -> Iterator[int]:
    """The port of a proxy in front of ``HOST:PORT``; it is gone at the end."""
    port = free_port()
    loop = asyncio.new_event_loop()
    ready, stopping = threading.Event(), asyncio.Event()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)

    async def serve() -> None:
        async with await asyncio.start_server(lambda *ends: _forward(target, *ends), "127.0.0.1", port, ssl=context):
            ready.set()
            await stopping.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10), "the proxy does not listen"
        yield port
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()


async def _forward(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = target.rpartition(":")
    there_reader, there_writer = await asyncio.open_connection(host, int(port))
    ways = [asyncio.create_task(_pass(reader, there_writer)), asyncio.create_task(_pass(there_reader, writer))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    for end in (writer, there_writer):
        end.close()
        with contextlib.suppress(OSError):
            await end.wait_closed()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
