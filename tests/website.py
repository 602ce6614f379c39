"""A website on loopback, for what is fetched from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

LOOPBACK = "127.0.0.0/8"
"""What has to be allowed for it to be reached."""


@dataclass(slots=True)
class Website:
    """``pages`` by path; ``/to?URL`` redirects, ``/status/N`` answers with that, ``/broken`` ends early, ``/slow`` waits for
    ``gate`` in its midst. ``seen`` are the paths that were asked for."""

    port: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        self.seen.append(request.path)
        if request.path == "/to":
            return web.Response(status=302, headers={"Location": request.query_string})
        if request.path.startswith("/status/"):
            return web.Response(status=int(request.path.rpartition("/")[2]))
        if request.path in {"/broken", "/slow"}:
            return await self._slowly(request)
        if request.path not in self.pages:
            return web.Response(status=404)
        return web.Response(body=self.pages[request.path])

    async def _slowly(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"first")
        if request.path == "/slow":
            await self.gate.wait()
            await response.write(b"-last")
        elif request.transport is not None:
            request.transport.close()
        return response


@asynccontextmanager
async def running() -> AsyncIterator[Website]:
    """One, for so long."""
    site = Website()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", site.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        site.gate.set()
        await runner.cleanup()
