"""What the fake engine keeps: containers, images and pods, in a file with a line per change. Decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec

from boxship.core import errors
from boxship.drivers.engine.interface import EngineEvent, EngineState

SAYING = b"This is the fake engine of Boxship: nothing runs here.\n"
"""What every container prints, and every command in one."""


class Container(msgspec.Struct):
    """A container as the file keeps it."""

    id: str
    engine_id: str
    command: tuple[str, ...]
    build: int = 0
    state: str = EngineState.CREATED
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cpus: float | None = None
    memory: int | None = None
    pod: str | None = None
    check: str | None = None
    """The command of the healthcheck."""


class Change(msgspec.Struct):
    """A line of the file: a container as it is now, an image or a pod that is there, or (none of these) one that is gone."""

    id: str
    container: Container | None = None
    image: bool = False
    pod: bool = False


class Record:
    """All that is remembered, and who listens to changes."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "containers.jsonl"
        self._containers: dict[str, Container] = {}
        self._images: set[str] = set()
        self._pods: set[str] = set()
        self._listeners: set[asyncio.Queue[EngineEvent]] = set()
        self._read()

    def _read(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for line in self._path.read_bytes().splitlines() if self._path.is_file() else []:
            with contextlib.suppress(msgspec.DecodeError):  # the last line of a program that was killed
                self._apply(msgspec.json.decode(line, type=Change))
        changes = [Change(id, container) for id, container in self._containers.items()]
        changes += [Change(reference, image=True) for reference in self._images]
        changes += [Change(pod, pod=True) for pod in self._pods]
        self._path.write_bytes(b"".join(msgspec.json.encode(change) + b"\n" for change in changes))
        self._file = self._path.open("ab", buffering=0)

    def _apply(self, change: Change) -> None:
        if change.image:
            self._images.add(change.id)
        elif change.pod:
            self._pods.add(change.id)
        elif change.container is None:
            self._containers.pop(change.id, None)
            self._images.discard(change.id)
            self._pods.discard(change.id)
        else:
            self._containers[change.id] = change.container

    def _change(self, change: Change, action: str = "") -> None:
        self._apply(change)
        self._file.write(msgspec.json.encode(change) + b"\n")
        for listener in self._listeners if action else ():
            listener.put_nowait(EngineEvent(change.id, action))

    def _known(self, id: str) -> Container:
        if id not in self._containers:
            raise errors.Absent(f"The container {id} is not in the engine.")
        return self._containers[id]

    def _running(self, id: str) -> Container:
        """The container, if it runs. Refused: it does not, or it is paused."""
        container = self._known(id)
        if container.state == EngineState.PAUSED:
            raise errors.Refused("The container is paused.")
        if container.state != EngineState.RUNNING:
            raise errors.Refused("The container is not running.")
        return container

    async def events(self) -> AsyncIterator[EngineEvent]:
        queue: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def close(self) -> None:
        self._file.close()


def exit_code(command: tuple[str, ...]) -> int | None:
    """The code with which the command ends at once, or None."""
    words = " ".join(command).removeprefix("sh -c ").split()
    if words == ["false"]:
        return 1
    if len(words) == 2 and words[0] == "exit" and words[1].isdigit():
        return int(words[1])
    return 0 if words == ["true"] else None
