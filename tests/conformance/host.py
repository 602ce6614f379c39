"""An engine under test with sandboxes to put containers in, whether it is real or not."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from boxship.drivers.engine import busybox, pods, runtime
from boxship.drivers.engine.docker import DockerEngine
from boxship.drivers.engine.fake import FakeEngine
from boxship.drivers.engine.interface import ContainerSight, ContainerSpec, Engine, EngineState
from boxship.drivers.linux import namespace

T = TypeVar("T")

IMAGE = "busybox:latest"
DEADLINE = 30.0
"""How long something that must happen may take on a busy machine, in seconds."""


@dataclass(slots=True)
class Host:
    """An engine, and where it keeps things; ``socket`` is None for the fake one."""

    directory: Path
    socket: Path | None = None
    mark: str = field(default_factory=lambda: secrets.token_hex(2))
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = self.another()

    def another(self, mark: str = "") -> Engine:
        """The driver of a restarted program (or of another installation on the same engine): no memory."""
        if self.socket is None:
            return FakeEngine(self.directory / (mark or self.mark))
        return DockerEngine(self.socket, mark or self.mark, self.directory / "containers" / (mark or self.mark))

    def sandbox(self, id: str) -> Path:
        """A sandbox of the container's own, made when the engine is real."""
        if self.socket is None:
            return self.directory / id
        name = f"boxship-{self.mark}-sandbox-{id}"
        namespace.create(name)
        return namespace.path(name)

    def name(self, id: str) -> str:
        """What the container is called in the engine."""
        return f"boxship-{self.mark}-{id}"

    def spec(self, id: str, *command: str, **wish: Any) -> ContainerSpec:
        """A container that runs the command, or sleeps."""
        return ContainerSpec(id, wish.pop("image", IMAGE), self.sandbox(id), command or ("sleep", "1000"), **wish)

    async def have_image(self) -> None:
        if await self.engine.image(IMAGE) is None:
            await self.engine.load(pieces(busybox.image()), IMAGE)

    async def run(self, id: str, *command: str, **wish: Any) -> ContainerSight:
        await self.engine.create(self.spec(id, *command, **wish))
        return await self.engine.start(id)

    async def ends(self, id: str) -> ContainerSight:
        """The container once it has ended by itself."""

        async def ended() -> ContainerSight | None:
            sight = await self.seen(id)
            return sight if sight.state == EngineState.EXITED else None

        return await eventually(ended, f"{id} ends")

    async def seen(self, id: str) -> ContainerSight:
        sight = await self.engine.sight(id)
        assert sight is not None, f"{id} is not in the engine"
        return sight

    async def clear(self) -> None:
        """Remove all containers, pods and sandboxes; nothing of them may be left."""
        for sight in await self.engine.sights():
            await self.engine.remove(sight.id)
        for pod in await self.engine.pods():
            await self.engine.remove_pod(pod)
        assert not await self.engine.pods()
        await self.engine.close()
        if self.socket is None:
            return
        for name in namespace.names(f"boxship-{self.mark}-"):
            namespace.remove(name)
        assert not (pods.PODS / self.mark).exists()
        assert not runtime.forget_all(f"boxship-{self.mark}-"), "notes of sandboxes were left behind"
        kept = self.directory / "containers" / self.mark
        assert not (list(kept.iterdir()) if kept.is_dir() else [])


async def pieces(content: bytes, size: int = 1 << 16) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def eventually(condition: Callable[[], Awaitable[T | None]], what: str) -> T:
    """The first true answer of the condition, asked until the deadline."""
    end = time.monotonic() + DEADLINE
    while True:
        answer = await condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {DEADLINE:g} s: {what}"
        await asyncio.sleep(0.02)
