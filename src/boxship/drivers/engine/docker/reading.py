"""What a container of a Docker engine prints, uses and holds: read through, never kept."""

from __future__ import annotations

import base64
import collections
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from boxship.core import errors
from boxship.drivers.engine import connection
from boxship.drivers.engine.connection import Missing
from boxship.drivers.engine.docker import access
from boxship.drivers.engine.docker.access import Access, named, running
from boxship.drivers.engine.docker.frames import unframed
from boxship.drivers.engine.interface import LogQuery, PathSight, Processes, Usage

_LOG_LIMIT = 8 << 20
_PROC = Path("/proc")


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
        """Docker knows CPU and memory. It does not know our networks, and not the writes that the kernel does later for a
        container: both are read from the kernel's own books of its processes."""
        shown = await self._inspected(id)
        if not shown["State"]["Running"]:
            raise errors.Refused("The container is not running.")
        with named(id):
            found = await self._docker.json("GET", f"/containers/{self._name(id)}/stats", stream=False)
            listed = await self._docker.json("GET", f"/containers/{self._name(id)}/top", ps_args="-eo pid")
        pids = [int(row[0]) for row in listed["Processes"]]
        read, written = _moved(found, pids)
        received, sent = traffic(_read(_PROC / str(shown["State"]["Pid"]) / "net" / "dev"))
        memory = found["memory_stats"]
        return Usage(
            cpu=_cpu(found),
            memory=_used(memory),
            memory_limit=memory.get("limit", 0),
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
            chunks = self._docker.chunks("GET", self._archive(id), silence=connection.SILENCE, path=path)
            async with contextlib.aclosing(chunks) as parts:
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
        async with self._at(id, path):
            await self._docker.upload("PUT", self._archive(id), archive, path=path)

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


def _cpu(found: dict[str, Any]) -> float:
    """Per cent of one core between Docker's two samples (``docker stats`` reckons so as well)."""
    now, before = found["cpu_stats"], found["precpu_stats"]
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    passed = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    cores = now.get("online_cpus") or len(now["cpu_usage"].get("percpu_usage") or ()) or 1
    return used / passed * cores * 100 if used > 0 and passed > 0 else 0.0


def _used(memory: dict[str, Any]) -> int:
    """Bytes without the page cache that the kernel would give back (cgroup v1 and v2 name it differently)."""
    told = memory.get("stats", {})
    cache = told.get("total_inactive_file", told.get("inactive_file", 0))
    return max(int(memory.get("usage", 0)) - int(cache), 0)


def _moved(found: dict[str, Any], pids: Iterable[int]) -> tuple[int, int]:
    """Bytes read and written: what the block layer put down to the container, or its processes caused, if that is more.

    cgroup v1 does not know who caused a write that the kernel does later, so Docker tells 0 for most of them; the books
    of the processes (proc(5), /proc/pid/io) do, and hold those of children that have ended.
    """
    entries = found.get("blkio_stats", {}).get("io_service_bytes_recursive") or []
    block = {
        word: sum(entry["value"] for entry in entries if entry["op"].lower() == word) for word in ("read", "write")
    }
    books = [_book(_read(_PROC / str(pid) / "io")) for pid in pids]
    read = sum(book.get("read_bytes", 0) for book in books)
    written = sum(book.get("write_bytes", 0) - book.get("cancelled_write_bytes", 0) for book in books)
    return max(block["read"], read), max(block["write"], written)


def _book(text: str) -> dict[str, int]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: int(value) for name, _, value in pairs if value.strip().isdigit()}


def traffic(text: str) -> tuple[int, int]:
    """Bytes received and sent in /proc/pid/net/dev, over all devices but the loopback."""
    received = sent = 0
    for line in text.splitlines()[2:]:
        device, _, figures = line.partition(":")
        if device.strip() != "lo" and figures:
            received += int(figures.split()[0])
            sent += int(figures.split()[8])
    return received, sent


def _read(path: Path) -> str:
    """Empty where the process has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""
