"""Containers of the fake engine: states that follow the verbs."""

from __future__ import annotations

import re
import uuid

from msgspec import structs

from boxship.core import clock, errors
from boxship.drivers.engine.fake import hosts
from boxship.drivers.engine.fake.record import Change, Container, Record, exit_code
from boxship.drivers.engine.interface import ContainerSight, ContainerSpec, EngineState

_POD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LEAST = 6 << 20
"""As Docker's least limit of memory, in bytes."""


class Containers(Record):
    """The part of ``interface.Engine`` about containers and pods."""

    async def create(self, spec: ContainerSpec) -> ContainerSight:
        if spec.id not in self._containers:
            if spec.image not in self._images:
                raise errors.Absent(f"The image {spec.image} is not on this host.")
            self._in_pod(spec.pod)
            made = Container(
                spec.id,
                uuid.uuid4().hex * 2,
                spec.command or (),
                spec.build,
                cpus=spec.cpus,
                memory=spec.memory or None,
                pod=spec.pod,
                check=spec.health.command if spec.health else None,
            )
            self._change(Change(spec.id, made), "create")
        return self._sight(spec.id)

    async def start(self, id: str) -> ContainerSight:
        container = self._known(id)
        if container.state == EngineState.RUNNING:
            return self._sight(id)
        if container.state == EngineState.PAUSED:
            raise errors.Busy("The container is paused.")
        self._in_pod(container.pod)
        code = exit_code(container.command)
        running = structs.replace(container, state=EngineState.RUNNING, started_at=clock.now(), exit_code=None)
        self._change(Change(id, running), "start")
        if code is not None:
            self._end(id, code)
        return self._sight(id)

    def _end(self, id: str, code: int) -> None:
        ended = structs.replace(self._containers[id], state=EngineState.EXITED, exit_code=code, finished_at=clock.now())
        self._change(Change(id, ended), "die")

    async def stop(self, id: str, timeout: int) -> None:  # noqa: ARG002 (nothing here needs time to end)
        if self._known(id).state in {EngineState.RUNNING, EngineState.PAUSED}:
            self._end(id, 137)

    async def kill(self, id: str, signal: str) -> None:  # noqa: ARG002 (every signal ends what does not run)
        if self._known(id).state not in {EngineState.RUNNING, EngineState.PAUSED}:
            raise errors.Refused("The container is not running.")
        self._end(id, 137)

    async def pause(self, id: str) -> None:
        if self._known(id).state != EngineState.PAUSED:
            self._change(Change(id, structs.replace(self._running(id), state=EngineState.PAUSED)), "pause")

    async def unpause(self, id: str) -> None:
        container = self._known(id)
        if container.state == EngineState.PAUSED:
            self._change(Change(id, structs.replace(container, state=EngineState.RUNNING)), "unpause")

    async def update(self, id: str, *, cpus: float | None, memory: int | None) -> None:
        container = self._known(id)
        if (cpus is not None and not 0 < cpus <= hosts.CPUS) or (
            memory is not None and not _LEAST <= memory <= hosts.MEMORY
        ):
            raise errors.Refused(
                f"The engine refuses: up to {hosts.CPUS} cores, {_LEAST} to {hosts.MEMORY} bytes of memory."
            )
        limited = structs.replace(container, cpus=cpus or container.cpus, memory=memory or container.memory)
        self._change(Change(id, limited), "update")

    async def remove(self, id: str) -> None:
        if id in self._containers:
            self._change(Change(id), "destroy")

    async def sight(self, id: str) -> ContainerSight | None:
        return self._sight(id) if id in self._containers else None

    async def sights(self) -> list[ContainerSight]:
        return [self._sight(id) for id in self._containers]

    def _in_pod(self, pod: str | None) -> None:
        if pod is not None and pod not in self._pods:
            raise errors.Busy("The pod of the container is not there yet.")

    async def ensure_pod(self, pod: str) -> None:
        if not _POD.fullmatch(pod):
            raise errors.Refused(f"A pod cannot be called {pod[:100]!r}.")
        if pod not in self._pods:
            self._change(Change(pod, pod=True))

    async def remove_pod(self, pod: str) -> None:
        if pod in self._pods:
            self._change(Change(pod))

    async def pods(self) -> set[str]:
        return set(self._pods)

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
            health=_health(kept),
            restarts=0,
            build=kept.build,
        )


def _health(kept: Container) -> str | None:
    """As the check ends at once: what runs is healthy, but for a check that can only fail."""
    if kept.check is None or kept.state != EngineState.RUNNING:
        return None
    return "unhealthy" if exit_code(tuple(kept.check.split())) else "healthy"
