"""Makes containers real: look, plan (``plan.next_step``), act, record, until nothing is left or somebody else must
act first. Decides nothing; every act may be cut off at any instant and is done again by the next look."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from boxship.core import errors
from boxship.core.db.database import Database, Wake
from boxship.drivers.engine import interface as engine_interface
from boxship.drivers.linux.interface import Fabric
from boxship.drivers.storage.interface import Blobs
from boxship.services.container import model, operations, plan, states
from boxship.services.container.store import containers as store
from boxship.services.network import public as network
from boxship.services.volume import public as volume

log = structlog.get_logger("container")

SHORT = 0.05
"""Seconds until the next look where a port or volume is about to be ready and its wake-up might be missed."""


def _boot_id() -> str:
    """Changes with every boot of the host (proc(5), /proc/sys/kernel/random/boot_id)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class World:
    """The drivers that containers are made with."""

    engine: engine_interface.Engine
    fabric: Fabric
    blobs: Blobs
    boot_id: str = field(default_factory=_boot_id)


@dataclass(frozen=True, slots=True)
class _Look:
    """The row with the ports and volumes it needs and what was seen."""

    row: model.Container
    seen: plan.Seen
    plugs: list[network.Plug]
    mounts: dict[str, Path]


class ContainerReconciler:
    """One container after the other on this host."""

    kind = operations.KIND

    def __init__(self, database: Database, world: World, *, deadline: float) -> None:
        self.deadline = deadline
        self._database = database
        self._world = world
        self._pulls: dict[str, asyncio.Lock] = {}
        self._steps: dict[plan.Step, Callable[[_Look], Awaitable[engine_interface.ContainerSight | None]]] = {
            plan.Step.PULL: self._pull,
            plan.Step.CREATE: self._create,
            plan.Step.START: self._start,
            plan.Step.STOP: self._stop,
            plan.Step.REMOVE: self._remove,
            plan.Step.RELEASE: self._release,
            plan.Step.DISMISS: self._dismiss,
        }

    async def all(self) -> Iterable[str]:
        """Every container."""
        async with self._database.read() as transaction:
            return await store.ids(transaction, due_only=False)

    async def due(self) -> Iterable[str]:
        """Containers whose wish is not met."""
        async with self._database.read() as transaction:
            return await store.ids(transaction, due_only=True)

    async def reconcile(self, id: str) -> float | None:
        """Step until settled; None as well where a wake-up will come, with a short look again as the net beneath."""
        sight: engine_interface.ContainerSight | None = None
        while True:
            look = await self._look(id, sight)
            if look is None:
                return None
            step = plan.next_step(look.row, look.seen)
            if step is plan.Step.WAIT:
                return SHORT if look.row.wish is states.Wish.GONE else 1.0
            if step is plan.Step.NOTHING:
                await self._settle(look)
                return None
            if step is plan.Step.CLEAN:
                await self._clean(look)
                return None
            if step is plan.Step.VANISHED:
                raise errors.Refused("The container was removed from the engine by somebody else.")
            if step is plan.Step.FAIL:
                raise errors.Refused(look.seen.trouble or "A port or volume cannot be made ready.")
            sight = await self._steps[step](look)

    async def give_up(self, id: str, reason: str) -> None:
        """State Error with the reason; a container that is wanted gone stays Deleting and is tried again by the scan."""
        async with self._database.write() as transaction:
            row = await store.get(transaction, id)
            if row is None:
                return
            if row.wish is states.Wish.GONE:
                await store.record(transaction, id, status_reason=reason)
                return
            await store.record(
                transaction,
                id,
                status=states.Status.ERROR,
                status_reason=reason,
                observed=row.generation,
                started=row.starts,
                rebooted=row.reboots,
                pulling=False,
            )

    async def sweep(self) -> None:
        """Remove containers and sandboxes with our mark and no row; look again at rows that the engine contradicts."""
        seen = {sight.id: sight for sight in await self._world.engine.sights()}
        sandboxes = (await self._world.fabric.sight()).sandboxes
        async with self._database.write() as transaction:
            rows = await store.statuses(transaction)
            used = {name for name in sandboxes - rows.keys() if await network.sandbox_in_use(transaction, name)}
            for id, (_, status) in rows.items():
                if status != states.Status.ERROR and _contradicts(status, seen.get(id)):
                    transaction.wake(self.kind, id)
        for id in seen.keys() - rows.keys():
            log.info("orphan removed", container=id)
            await self._world.engine.remove(id)
        for name in sandboxes - rows.keys() - used:
            await self._world.fabric.remove_sandbox(name)

    async def watch(self, wake: Wake) -> None:
        """Turn the engine's events into wake-ups, as long as it talks. Busy: it went away."""
        async for event in self._world.engine.events():
            wake(self.kind, event.id)

    # The look.

    async def _look(self, id: str, sight: engine_interface.ContainerSight | None) -> _Look | None:
        """Row and world; ``sight`` is what the step just taken saw of the container, and spares asking again."""
        async with self._database.read() as transaction:
            row = await store.get(transaction, id)
            if row is None:
                return None
            plugs = await network.plugs(transaction, [plug.port_id for plug in row.plugs])
            views = await volume.mounts(transaction, [mount.volume_id for mount in row.mounts])
            plugged = row.wish is states.Wish.GONE and await network.sandbox_in_use(transaction, id)
        sight = sight or await self._world.engine.sight(id)
        image = sight is not None or await self._has_image(row)
        mounts = {view.volume_id: view.path for view in views if view.path is not None}
        seen = plan.Seen(
            container=sight,
            image=image,
            volumes=len(mounts) == len(row.mounts),
            wired=len(plugs) == len(row.plugs) and all(plug.active for plug in plugs),
            boot_id=self._world.boot_id,
            trouble=_trouble(row, plugs, views),
            plugged=plugged,
        )
        return _Look(row, seen, plugs, mounts)

    async def _has_image(self, row: model.Container) -> bool:
        if row.wish is states.Wish.GONE:
            return False
        if row.image_pull_policy == "always" and not row.pulling:
            return False
        return await self._world.engine.image(row.engine_image) is not None

    # The steps.

    async def _pull(self, look: _Look) -> None:
        """Bring the image; the same image is brought once for all that wait for it."""
        row = look.row
        if row.image_pull_policy == "never":
            raise errors.Refused(f"The image {row.image} is not on this host, and the pull policy is never.")
        await self._record(row, pulling=True)
        async with self._pulls.setdefault(row.engine_image, asyncio.Lock()):
            present = await self._world.engine.image(row.engine_image)
            if present is None or row.image_pull_policy == "always":
                await self._fetch(row)

    async def _fetch(self, row: model.Container) -> None:
        if row.image_id:
            await self._world.engine.load(self._archive(row.image_id), row.engine_image)
            return
        try:
            await self._world.engine.pull(row.engine_image)
        except errors.Busy as error:
            await self._world.engine.info()  # Busy as well where it is the engine that is away
            raise errors.Refused(error.sentence, detail=error.detail) from error

    async def _archive(self, image_id: str) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._world.blobs.read(image_id):
                yield chunk
        except errors.Absent as error:
            raise errors.Refused("The image was deleted before the container was made.") from error

    async def _create(self, look: _Look) -> engine_interface.ContainerSight:
        await self._world.fabric.ensure_sandbox(look.row.id)
        return await self._world.engine.create(_spec(look, self._world.fabric.sandbox_path(look.row.id)))

    async def _start(self, look: _Look) -> engine_interface.ContainerSight:
        sight = await self._world.engine.start(look.row.id)
        await self._record(
            look.row,
            **_sighted(sight),
            observed=look.row.generation,
            started=look.row.starts,
            rebooted=look.row.reboots,
            boot_id=self._world.boot_id,
            status_reason=None,
            pulling=False,
            host=socket.gethostname(),
        )
        return sight

    async def _stop(self, look: _Look) -> None:
        await self._world.engine.stop(look.row.id, look.row.stop_timeout)

    async def _remove(self, look: _Look) -> None:
        await self._world.engine.remove(look.row.id)

    async def _release(self, look: _Look) -> None:
        async with self._database.write() as transaction:
            await operations.release(transaction, look.row)
            await store.record(transaction, look.row.id, plugs=[], mounts=[])

    async def _clean(self, look: _Look) -> None:
        await self._world.fabric.remove_sandbox(look.row.id)
        async with self._database.write() as transaction:
            await store.forget(transaction, look.row.id)

    async def _dismiss(self, look: _Look) -> None:
        """auto_remove: the one wish that is written here, in the name of the user who asked for it at creation."""
        async with self._database.write() as transaction:
            await store.change_wish(transaction, look.row.id, wish=states.Wish.GONE)

    async def _settle(self, look: _Look) -> None:
        """Record what is seen; nothing is written where the row says so already."""
        row, sight = look.row, look.seen.container
        values: dict[str, object] = {"observed": row.generation, "pulling": False}
        if sight is not None and not (row.status is states.Status.ERROR and row.observed == row.generation):
            values |= _sighted(sight) | {"started": row.starts, "rebooted": row.reboots}
            values["status_reason"] = sight.error or None
        await self._record(row, **values)

    async def _record(self, row: model.Container, **values: object) -> None:
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        if changed:
            async with self._database.write() as transaction:
                await store.record(transaction, row.id, **changed)


def _sighted(sight: engine_interface.ContainerSight) -> dict[str, object]:
    return {
        "status": states.SEEN[sight.state],
        "engine_id": sight.engine_id,
        "exit_code": sight.exit_code,
        "started_at": sight.started_at,
        "finished_at": sight.finished_at,
        "health": sight.health,
    }


def _contradicts(status: str, sight: engine_interface.ContainerSight | None) -> bool:
    """Whether the engine says something else than the row (an event was missed while the program was away)."""
    if sight is None:
        return status != states.Status.CREATING
    return states.SEEN[sight.state] != status


def _trouble(row: model.Container, plugs: list[network.Plug], views: list[volume.MountView]) -> str | None:
    for view in views:
        if view.reason:
            return f"Volume {view.volume_id} cannot be mounted: {view.reason}"
    for plug in plugs:
        if plug.reason:
            return f"Port {plug.port_id} cannot be wired: {plug.reason}"
    if len(plugs) < len(row.plugs):
        return "A port of the container was removed by somebody else."
    return None


def _spec(look: _Look, sandbox: Path) -> engine_interface.ContainerSpec:
    row = look.row
    name = operations.label(row.hostname or row.name)
    nameservers = tuple(dict.fromkeys(server for plug in look.plugs for server in plug.nameservers))
    return engine_interface.ContainerSpec(
        id=row.id,
        image=row.engine_image,
        sandbox=sandbox,
        command=tuple(row.command) if row.command else None,
        entrypoint=tuple(row.entrypoint) if row.entrypoint else None,
        environment=row.environment,
        labels=row.labels,
        workdir=row.workdir,
        hostname=row.hostname or name,
        cpus=row.cpu,
        memory=row.memory * 2**20 if row.memory else None,
        restart=_restart(row),
        health=_health(row),
        interactive=row.interactive,
        tty=row.tty,
        privileged=row.privileged,
        binds=tuple(engine_interface.Bind(look.mounts[mount.volume_id], mount.destination) for mount in row.mounts),
        files=tuple(engine_interface.InjectedFile(file.destination, file.content) for file in row.files),
        hosts=tuple((fixed.ip, row.hostname or name) for plug in look.plugs for fixed in plug.addresses),
        nameservers=nameservers,
        search=tuple(dict.fromkeys(plug.domain for plug in look.plugs if plug.domain)),
    )


def _restart(row: model.Container) -> engine_interface.RestartPolicy:
    if row.restart_policy is None:
        return engine_interface.RestartPolicy()
    return engine_interface.RestartPolicy(row.restart_policy.Name, int(row.restart_policy.MaximumRetryCount))


def _health(row: model.Container) -> engine_interface.HealthCheck | None:
    check = row.healthcheck
    return engine_interface.HealthCheck(check.test, check.interval, check.retries, check.timeout) if check else None
