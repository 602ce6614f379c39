"""What a container of a Docker engine prints, uses and holds: read through, never kept."""

from __future__ import annotations

import base64
import collections
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from boxship.core import errors
from boxship.drivers.engine import spool
from boxship.drivers.engine.connection import Missing
from boxship.drivers.engine.docker import access, figures
from boxship.drivers.engine.docker.access import Access, named, running
from boxship.drivers.engine.docker.frames import unframed
from boxship.drivers.engine.interface import LogQuery, PathSight, Processes, Usage

_LOG_LIMIT = 8 << 20


class Reading(Access):
    """The part of ``interface.Engine`` that reads from containers, and puts files into them."""

    async def logs(self, id: str, query: LogQuery) -> bytes:
        """The newest ``_LOG_LIMIT`` bytes of it: what an engine keeps of a log may be more than should be held in memory."""
        parts: collections.deque[bytes] = collections.deque()
        size = 0
        async for part in self._printed(id, query, silence=access.GRACE):
            parts.append(part)
            size += len(part)
            while size - len(parts[0]) >= _LOG_LIMIT:
                size -= len(parts.popleft())
        return b"".join(parts)[-_LOG_LIMIT:]

    async def follow(self, id: str, query: LogQuery) -> AsyncIterator[bytes]:
        async with contextlib.aclosing(self._printed(id, query, follow=True)) as parts:
            async for part in parts:
                yield part

    async def _printed(self, id: str, query: LogQuery, **order: Any) -> AsyncGenerator[bytes, None]:
        shown = await self._inspected(id)
        chunks = self._docker.chunks("GET", f"/containers/{self._name(id)}/logs", **_asked(query), **order)
        with named(id):
            async with contextlib.aclosing(chunks if shown["Config"]["Tty"] else unframed(chunks)) as parts:
                async for part in parts:
                    yield part

    async def stats(self, id: str) -> Usage:
        shown = await self._inspected(id)
        if not shown["State"]["Running"]:
            raise errors.Refused("The container is not running.")
        with named(id), running():
            sample = await self._docker.json("GET", f"/containers/{self._name(id)}/stats", stream=False)
        first = shown["State"]["Pid"]
        pids = figures.processes(first)
        read, written = figures.moved(sample, first, pids)
        received, sent = figures.traffic(first)
        return Usage(
            cpu=figures.cpu(sample),
            memory=figures.memory(sample),
            memory_limit=figures.memory_limit(sample),
            received=received,
            sent=sent,
            read=read,
            written=written,
            processes=len(pids),
        )

    async def top(self, id: str, arguments: str) -> Processes:
        with named(id), running():
            listed = await self._docker.json(
                "GET", f"/containers/{self._name(id)}/top", **({"ps_args": arguments} if arguments else {})
            )
        return Processes(tuple(listed["Titles"]), tuple(tuple(row) for row in listed["Processes"] or ()))

    async def get_archive(self, id: str, path: str) -> AsyncIterator[bytes]:
        async with self._at(id, path):
            chunks = self._docker.chunks("GET", self._archive(id), silence=access.GRACE, path=path)
            async with contextlib.aclosing(spool.passed(chunks, self._directory)) as parts:
                async for part in parts:
                    yield part

    async def stat(self, id: str, path: str) -> PathSight:
        async with self._at(id, path):
            try:
                headers = await self._docker.headers(self._archive(id), path=path)
            except errors.Refused as error:  # an answer to HEAD has no words: something on the way is no directory
                raise Missing(error.detail) from error
        told = json.loads(base64.b64decode(headers["X-Docker-Container-Path-Stat"]))
        return PathSight(told["name"], told["size"], told["mode"], told["mtime"], told.get("linkTarget", ""))

    async def put_archive(self, id: str, path: str, archive: AsyncIterator[bytes]) -> None:
        async with contextlib.aclosing(spool.written(archive, self._directory)) as whole:
            first = await anext(whole, b"")  # what is wrong with the archive is told apart from what the engine says
            async with self._at(id, path):
                await self._docker.upload("PUT", self._archive(id), _rejoined(first, whole), path=path)

    def _archive(self, id: str) -> str:
        return f"/containers/{self._name(id)}/archive"

    @contextlib.asynccontextmanager
    async def _at(self, id: str, path: str) -> AsyncIterator[None]:
        """Say which path the container does not have, where it is not the container that is not there.

        The engine looks for paths in the container's root, into which its program for archives is locked (chroot(2)) since
        20.10: links that the container changes meanwhile lead it nowhere else (CVE-2018-15664).
        """
        if "\x00" in path:
            raise errors.Absent("No path has NUL in it.")
        try:
            yield
        except Missing as error:
            await self._inspected(id)
            raise errors.Absent(f"There is no {path} in the container.", detail=error.sentence) from error


def _asked(query: LogQuery) -> dict[str, Any]:
    return {
        "stdout": query.stdout,
        "stderr": query.stderr,
        "timestamps": query.timestamps,
        "tail": "all" if query.tail is None else query.tail,
        "since": query.since,
    }


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part
