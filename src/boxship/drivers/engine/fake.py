"""An engine that runs nothing and says so: containers are rows in a file, their states follow the verbs.

For people who test API clients and for quick tests; it needs neither root nor Docker. A restarted program finds its
containers again. Every well-formed image can be pulled but those whose name holds ``missing`` or ``no-such``; a container whose
command is ``false`` or ``exit N`` ends at once with that code, every other one runs until it is stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from boxship.core import clock, errors
from boxship.drivers.engine.interface import (
    ContainerSight,
    ContainerSpec,
    EngineEvent,
    EngineInfo,
    EngineState,
    ExecResult,
    ImageSight,
    LogQuery,
    PullProgress,
)

SAYING = b"This is the fake engine of Boxship: nothing runs here.\n"
"""What every container prints, and every command in one."""


class _Container(msgspec.Struct):
    """A container as the file keeps it."""

    id: str
    engine_id: str
    command: tuple[str, ...]
    build: int = 0
    state: str = EngineState.CREATED
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class _Change(msgspec.Struct):
    """A line of the file: a container as it is now, or (None) gone; an image that is there."""

    id: str
    container: _Container | None = None
    image: bool = False


class FakeEngine:
    """See ``interface.Engine``. The file in ``directory`` grows by a line per change and is written anew on start."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "containers.jsonl"
        self._containers: dict[str, _Container] = {}
        self._images: set[str] = set()
        self._listeners: set[asyncio.Queue[EngineEvent]] = set()
        self._read()

    def _read(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for line in self._path.read_bytes().splitlines() if self._path.is_file() else []:
            with contextlib.suppress(msgspec.DecodeError):  # the last line of a program that was killed
                self._apply(msgspec.json.decode(line, type=_Change))
        changes = [_Change(id, container) for id, container in self._containers.items()]
        changes += [_Change(reference, image=True) for reference in self._images]
        self._path.write_bytes(b"".join(msgspec.json.encode(change) + b"\n" for change in changes))
        self._file = self._path.open("ab", buffering=0)

    def _apply(self, change: _Change) -> None:
        if change.image:
            self._images.add(change.id)
        elif change.container is None:
            self._containers.pop(change.id, None)
            self._images.discard(change.id)
        else:
            self._containers[change.id] = change.container

    def _change(self, change: _Change, action: str = "") -> None:
        self._apply(change)
        self._file.write(msgspec.json.encode(change) + b"\n")
        for listener in self._listeners if action else ():
            listener.put_nowait(EngineEvent(change.id, action))

    async def info(self) -> EngineInfo:
        return EngineInfo("fake", "1", cpus=2, memory=8 << 30)

    async def close(self) -> None:
        self._file.close()

    async def image(self, reference: str) -> ImageSight | None:
        if reference not in self._images:
            return None
        return ImageSight(f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}", (reference,), 1 << 20)

    async def pull(self, reference: str, progress: Callable[[PullProgress], None] | None = None) -> ImageSight:
        if "missing" in reference or "no-such" in reference:
            raise errors.Refused(f"There is no image {reference}, or it may not be pulled.")
        if progress:
            progress(PullProgress(1 << 20, 1 << 20))
        return self._have(reference)

    async def load(self, archive: AsyncIterator[bytes], reference: str) -> ImageSight:
        size = 0
        async for chunk in archive:
            size += len(chunk)
        if size == 0:
            raise errors.Refused("The image is not an archive as `docker save` writes it.")
        return self._have(reference)

    def _have(self, reference: str) -> ImageSight:
        self._change(_Change(reference, image=True))
        return ImageSight(f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}", (reference,), 1 << 20)

    async def remove_image(self, reference: str) -> None:
        self._change(_Change(reference))

    async def create(self, spec: ContainerSpec) -> ContainerSight:
        if spec.id not in self._containers:
            if spec.image not in self._images:
                raise errors.Absent(f"The image {spec.image} is not on this host.")
            made = _Container(spec.id, uuid.uuid4().hex * 2, spec.command or (), spec.build)
            self._change(_Change(spec.id, made), "create")
        return self._sight(spec.id)

    async def start(self, id: str) -> ContainerSight:
        container = self._known(id)
        if container.state == EngineState.RUNNING:
            return self._sight(id)
        code = _exit_code(container.command)
        running = msgspec.structs.replace(container, state=EngineState.RUNNING, started_at=clock.now(), exit_code=None)
        self._change(_Change(id, running), "start")
        if code is not None:
            self._end(id, code)
        return self._sight(id)

    def _end(self, id: str, code: int) -> None:
        ended = msgspec.structs.replace(
            self._containers[id], state=EngineState.EXITED, exit_code=code, finished_at=clock.now()
        )
        self._change(_Change(id, ended), "die")

    async def stop(self, id: str, timeout: int) -> None:  # noqa: ARG002 (nothing here needs time to end)
        if self._known(id).state == EngineState.RUNNING:
            self._end(id, 137)

    async def kill(self, id: str, signal: str) -> None:  # noqa: ARG002 (every signal ends what does not run)
        if self._known(id).state != EngineState.RUNNING:
            raise errors.Refused("The container is not running.")
        self._end(id, 137)

    async def remove(self, id: str) -> None:
        if id in self._containers:
            self._change(_Change(id), "destroy")

    async def sight(self, id: str) -> ContainerSight | None:
        return self._sight(id) if id in self._containers else None

    async def sights(self) -> list[ContainerSight]:
        return [self._sight(id) for id in self._containers]

    async def events(self) -> AsyncIterator[EngineEvent]:
        queue: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def logs(self, id: str, query: LogQuery) -> bytes:
        container = self._known(id)
        if container.started_at is None or not query.stdout or query.tail == 0:
            return b""
        stamp = f"{container.started_at.isoformat()} ".encode() if query.timestamps else b""
        return stamp + SAYING

    async def execute(self, id: str, command: tuple[str, ...]) -> ExecResult:
        if self._known(id).state != EngineState.RUNNING:
            raise errors.Refused("The container is not running.")
        code = _exit_code(command)
        return ExecResult(SAYING.decode(), code or 0)

    def _known(self, id: str) -> _Container:
        if id not in self._containers:
            raise errors.Absent(f"The container {id} is not in the engine.")
        return self._containers[id]

    def _sight(self, id: str) -> ContainerSight:
        kept = self._containers[id]
        return ContainerSight(
            id=id,
            engine_id=kept.engine_id,
            state=EngineState(kept.state),
            exit_code=kept.exit_code,
            error="",
            started_at=kept.started_at,
            finished_at=kept.finished_at,
            health=None,
            restarts=0,
            build=container.build,
        )


def _exit_code(command: tuple[str, ...]) -> int | None:
    """The code with which the command ends at once, or None."""
    words = " ".join(command).removeprefix("sh -c ").split()
    if words == ["false"]:
        return 1
    if len(words) == 2 and words[0] == "exit" and words[1].isdigit():
        return int(words[1])
    return 0 if words == ["true"] else None
