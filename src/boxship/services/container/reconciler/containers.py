"""Makes containers real: look, plan (``plan.next_step``), act, record, until nothing is left or somebody else must
act first. Decides nothing; every act may be cut off at any instant and is done again by the next look."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from boxship.core import errors
from boxship.core.db.database import Database, Transaction, Wake
from boxship.drivers.engine import interface as engine_interface
from boxship.services.container import model, operations, plan, states
from boxship.services.container.operations.capsules import KIND as CAPSULE
from boxship.services.container.reconciler.diary import Diary
from boxship.services.container.reconciler.pulling import Pulling
from boxship.services.container.reconciler.specification import MIB, specification
from boxship.services.container.reconciler.world import World
from boxship.services.container.store import actions as actions_store
from boxship.services.container.store import capsules as capsules_store
from boxship.services.container.store import containers as store
from boxship.services.container.store import sessions as sessions_store
from boxship.services.network import public as network
from boxship.services.share import public as share
from boxship.services.volume import public as volume

log = structlog.get_logger("container")

UNKNOWN_AFTER = 60.0
"""Seconds without an answer from the engine until containers are Unknown: longer than it takes to restart one."""
PATIENCE = 0.5
"""Seconds between looks whether long work is still wanted."""
SHORT = 0.05
"""Seconds until the next look where a port or volume is about to be ready and its wake-up might be missed."""


@dataclass(frozen=True, slots=True)
class _Home:
    """Where the container lives: the sandbox (its own or its capsule's), the ports there, and whether it may begin."""

    id: str
    plugs: list[model.Plug]
    pod: str | None = None
    turn: bool = True


@dataclass(frozen=True, slots=True)
class _Look:
    """The row with the ports and volumes it needs and what was seen."""

    row: model.Container
    seen: plan.Seen
    home: _Home
    plugs: list[network.Plug]
    mounts: dict[str, Path]
    diary: Diary


class ContainerReconciler:
    """One container after the other on this host."""

    kind = operations.KIND
    leisure = 0.0

    def __init__(self, database: Database, world: World, *, deadline: float) -> None:
        self.deadline = deadline
        self._database = database
        self._world = world
        self.images = Pulling(database, world)
        self._away_since: float | None = None
        self._steps: dict[plan.Step, Callable[[_Look], Awaitable[engine_interface.ContainerSight | None]]] = {
            plan.Step.PULL: self._pull,
            plan.Step.CREATE: self._create,
            plan.Step.START: self._start,
            plan.Step.STOP: self._stop,
            plan.Step.KILL: self._kill,
            plan.Step.PAUSE: self._pause,
            plan.Step.UNPAUSE: self._unpause,
            plan.Step.RESIZE: self._resize,
            plan.Step.DISCARD: self._discard,
            plan.Step.REMOVE: self._remove,
            plan.Step.RELEASE: self._release,
            plan.Step.DISMISS: self._dismiss,
        }

    async def all(self) -> Iterable[str]:
        """Every container."""
        async with self._database.read() as transaction:
            return await store.ids(transaction, self._world.hosts.only, due_only=False)

    async def due(self) -> Iterable[str]:
        """Containers whose wish is not met."""
        async with self._database.read() as transaction:
            ids = await store.ids(transaction, self._world.hosts.only, due_only=True)
            lost = await store.orphaned(transaction, self._world.hosts.names) if self._world.hosts.shared else []
        return [*ids, *lost]

    async def share(self, id: str) -> str:
        """The project of the container."""
        async with self._database.read() as transaction:
            return await store.project(transaction, id)

    async def reconcile(self, id: str) -> float | None:
        """Step until settled; None as well where a wake-up will come, with a short look again as the net beneath."""
        diary = Diary()
        try:
            return await self._proceed(id, diary)
        except errors.DriverError as error:
            diary.failed(error)
            await self._note(id, diary)
            raise

    async def _proceed(self, id: str, diary: Diary) -> float | None:
        sight: engine_interface.ContainerSight | None = None
        while True:
            look = await self._look(id, sight, diary)
            if look is None:
                return None
            step = plan.next_step(look.row, look.seen)
            if step is plan.Step.WAIT:
                await self._note(id, diary)
                if not look.seen.turn:
                    return None  # the capsule wakes it
                return SHORT if look.row.wish is states.Wish.GONE else 1.0
            if step is plan.Step.NOTHING:
                await self._settle(look)
                return None
            if step is plan.Step.CLEAN:
                await self._clean(look)
                return None
            diary.begin(step)
            if step is plan.Step.VANISHED:
                raise errors.Refused("The container was removed from the engine by somebody else.")
            if step is plan.Step.FAIL:
                raise errors.Refused(look.seen.trouble or "A port or volume cannot be made ready.")
            sight = await self._steps[step](look)
            diary.done()

    async def _note(self, id: str, diary: Diary) -> None:
        """Keep the steps taken so far with the actions that they were taken for."""
        if diary.events:
            async with self._database.write() as transaction:
                await actions_store.proceed(transaction, id, diary.taken(), observed=0)

    async def give_up(self, id: str, reason: str) -> None:
        """State Error with the reason, or the state as it was where a change to a running container was refused.

        A container that is wanted gone stays Deleting and is tried again by the scan.
        """
        alive = None
        with contextlib.suppress(errors.DriverError):
            alive = await self._world.engine.sight(id)
        async with self._database.write() as transaction:
            row = await store.get(transaction, id)
            if row is None:
                return
            if row.wish is states.Wish.GONE:
                await store.record(transaction, id, status_reason=reason)
                return
            _tell_capsule(transaction, row)
            seen = _sighted(alive) if alive and _untouched(row, alive) else {"status": states.Status.ERROR}
            await store.record(transaction, id, **seen, **_caught_up(row), pulling=False, status_reason=reason)
            await actions_store.proceed(transaction, id, [], observed=row.generation, message=reason)

    async def sweep(self) -> None:
        """Remove containers and sandboxes with our mark and no row; look again at rows that the engine contradicts."""
        seen = {sight.id: sight for sight in await self._sights()}
        sandboxes = (await self._world.fabric.sight()).sandboxes
        async with self._database.write() as transaction:
            rows = await store.statuses(transaction, self._world.hosts.only)
            homes = {*rows, *await capsules_store.ids(transaction, self._world.hosts.only)}
            used = {name for name in sandboxes - homes if await network.sandbox_in_use(transaction, name)}
            for id, (_, status) in rows.items():
                if status != states.Status.ERROR and _contradicts(status, seen.get(id)):
                    transaction.wake(self.kind, id)
        for id in seen.keys() - rows.keys():
            log.info("orphan removed", container=id)
            await self._world.engine.remove(id)
        for name in sandboxes - homes - used:
            await self._world.fabric.remove_sandbox(name)

    async def _sights(self) -> list[engine_interface.ContainerSight]:
        """All containers in the engine. Where it has been away for a while, nobody knows what they do, and the rows say so."""
        try:
            sights = await self._world.engine.sights()
        except errors.Busy as error:
            now = asyncio.get_running_loop().time()
            self._away_since = self._away_since or now
            if now - self._away_since >= UNKNOWN_AFTER:
                async with self._database.write() as transaction:
                    await store.mark_unknown(transaction, self._world.hosts.only, error.sentence)
            raise
        self._away_since = None
        return sights

    async def watch(self, wake: Wake) -> None:
        """Turn the engine's events into wake-ups, as long as it talks. Busy: it went away."""
        async for event in self._world.engine.events():
            wake(self.kind, event.id)

    # The look.

    def _is_here(self, row: model.Container) -> bool:
        """Whether the container is this host's, or is to be forgotten with a host that is gone for good."""
        hosts = self._world.hosts
        return hosts.owns(row.host) or (row.wish is states.Wish.GONE and hosts.inherits(row.host, row.id))

    async def _look(self, id: str, sight: engine_interface.ContainerSight | None, diary: Diary) -> _Look | None:
        """Row and world; ``sight`` is what the step just taken saw of the container, and spares asking again."""
        async with self._database.read() as transaction:
            row = await store.get(transaction, id)
            if row is None or not self._is_here(row):
                return None
            home = await _home(transaction, row)
            plugs = await network.plugs(transaction, [plug.port_id for plug in home.plugs])
            volumes = await volume.mounts(transaction, [each.source_id for each in row.mounts if not each.is_share])
            shares = await share.mounts(transaction, [each.source_id for each in row.mounts if each.is_share])
            leaving = row.wish is states.Wish.GONE and home.pod is None
            plugged = leaving and await network.sandbox_in_use(transaction, id)
        sight = sight or await self._world.engine.sight(id)
        image = (sight is not None and sight.build == row.rebuilds) or await self.images.ready(row)
        mounts = {view.volume_id: view.path for view in volumes if view.path is not None}
        mounts |= {view.share_id: view.path for view in shares if view.path is not None}
        seen = plan.Seen(
            container=sight,
            image=image,
            volumes=mounts.keys() == {mount.source_id for mount in row.mounts},
            wired=len(plugs) == len(home.plugs) and all(plug.active for plug in plugs),
            boot_id=self._world.boot_id,
            trouble=_trouble(home, plugs) or _unmountable(volumes, shares),
            turn=home.turn,
            plugged=plugged,
        )
        return _Look(row, seen, home, plugs, mounts, diary)

    # The steps.

    async def _pull(self, look: _Look) -> None:
        if look.row.image_pull_policy == "never":
            raise errors.Refused(f"The image {look.row.image} is not on this host, and the pull policy is never.")
        await self._record(look, pulling=True)
        await self._unless_changed(look, self.images.bring(look.row))

    async def _create(self, look: _Look) -> engine_interface.ContainerSight:
        await self._world.fabric.ensure_sandbox(look.home.id)
        await self._share(look.home)
        sandbox = self._world.fabric.sandbox_path(look.home.id)
        return await self._world.engine.create(specification(look.row, look.plugs, look.mounts, sandbox))

    async def _share(self, home: _Home) -> None:
        """What the containers of a capsule share must be there before any of them; a reboot took it away."""
        if home.pod:
            await self._world.engine.ensure_pod(home.pod)

    async def _start(self, look: _Look) -> engine_interface.ContainerSight:
        await self._share(look.home)
        sight = await self._world.engine.start(look.row.id)
        look.diary.done()
        seen = _sighted(sight) | _caught_up(look.row) | {"boot_id": self._world.boot_id}
        await self._record(look, **seen, status_reason=None, pulling=False)
        return sight

    async def _stop(self, look: _Look) -> None:
        await self._unless_changed(look, self._world.engine.stop(look.row.id, look.row.stop_timeout))

    async def _unless_changed(self, look: _Look, work: Coroutine[None, None, None]) -> None:
        """Do what may take minutes, but leave it as soon as something else is wanted: who waits for an image that does not
        come, or for a process that does not end, can still delete the container at once."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=PATIENCE))[0]:
                async with self._database.read() as transaction:
                    if await store.generation(transaction, look.row.id) != look.row.generation:
                        return
            task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _kill(self, look: _Look) -> None:
        await self._world.engine.kill(look.row.id, look.row.kill_signal)
        await self._record(look, killed=look.row.kills)

    async def _pause(self, look: _Look) -> None:
        await self._world.engine.pause(look.row.id)

    async def _unpause(self, look: _Look) -> None:
        await self._world.engine.unpause(look.row.id)

    async def _resize(self, look: _Look) -> None:
        memory = look.row.memory * MIB if look.row.memory else None
        await self._world.engine.update(look.row.id, cpus=look.row.cpu, memory=memory)
        await self._record(look, resized=look.row.resizes)

    async def _discard(self, look: _Look) -> None:
        await self._world.engine.remove(look.row.id)

    async def _remove(self, look: _Look) -> None:
        await self._world.engine.remove(look.row.id)

    async def _release(self, look: _Look) -> None:
        async with self._database.write() as transaction:
            await operations.release(transaction, look.row)
            await store.record(transaction, look.row.id, plugs=[], mounts=[], group_id=None)

    async def _clean(self, look: _Look) -> None:
        if look.home.pod is None:
            await self._world.fabric.remove_sandbox(look.row.id)
        async with self._database.write() as transaction:
            _tell_capsule(transaction, look.row)
            await store.forget(transaction, look.row.id)
            await actions_store.forget(transaction, look.row.id)
            await sessions_store.forget(transaction, look.row.id)

    async def _dismiss(self, look: _Look) -> None:
        """auto_remove: the one wish that is written here, in the name of the user who asked for it at creation."""
        async with self._database.write() as transaction:
            await store.change_wish(transaction, look.row.id, wish=states.Wish.GONE)

    async def _settle(self, look: _Look) -> None:
        """Record what is seen; nothing is written where the row says so already."""
        row, sight = look.row, look.seen.container
        values: dict[str, object] = _caught_up(row) | {"pulling": False}
        if sight is not None and not (row.status is states.Status.ERROR and row.observed == row.generation):
            values |= _sighted(sight)
            if row.observed != row.generation or sight.error:  # what was refused is told until something new is asked
                values["status_reason"] = sight.error or look.seen.trouble
        await self._record(look, **values)

    async def _record(self, look: _Look, **values: object) -> None:
        """Write what differs from the row, and finish the actions that are real by it."""
        row, events = look.row, look.diary.taken()
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not changed and not events:
            return
        async with self._database.write() as transaction:
            if changed:
                await store.record(transaction, row.id, **changed)
                _tell_capsule(transaction, row)
            if events or "observed" in changed:
                observed = row.generation if "observed" in values else row.observed
                await actions_store.proceed(transaction, row.id, events, observed=observed)


async def _home(transaction: Transaction, row: model.Container) -> _Home:
    """The container's own sandbox, or its capsule's."""
    if row.capsule_id is None:
        return _Home(row.id, row.plugs)
    capsule = await capsules_store.get(transaction, row.capsule_id)
    siblings = await store.of_capsules(transaction, [row.capsule_id])
    plugs = capsule.plugs if capsule else []
    return _Home(row.capsule_id, plugs, pod=row.capsule_id, turn=plan.has_turn(row, siblings))


def _tell_capsule(transaction: Transaction, row: model.Container) -> None:
    """Its capsule looks again, and wakes those whose turn it is now."""
    if row.capsule_id:
        transaction.wake(CAPSULE, row.capsule_id)


def _sighted(sight: engine_interface.ContainerSight) -> dict[str, object]:
    return {
        "status": states.SEEN[sight.state],
        "engine_id": sight.engine_id,
        "exit_code": sight.exit_code,
        "started_at": sight.started_at,
        "finished_at": sight.finished_at,
        "health": sight.health,
    }


def _caught_up(row: model.Container) -> dict[str, object]:
    """That the wish as it was looked at is real, and every order in it done."""
    return {
        "observed": row.generation,
        "started": row.starts,
        "rebooted": row.reboots,
        "killed": row.kills,
        "rebuilt": row.rebuilds,
        "resized": row.resizes,
    }


def _untouched(row: model.Container, sight: engine_interface.ContainerSight) -> bool:
    """Whether what was refused left a container running that nobody wanted to start or make anew."""
    alive = sight.state in {engine_interface.EngineState.RUNNING, engine_interface.EngineState.PAUSED}
    return alive and row.starts == row.started and row.reboots == row.rebooted and row.rebuilds == sight.build


def _contradicts(status: str, sight: engine_interface.ContainerSight | None) -> bool:
    """Whether the engine says something else than the row (an event was missed while the program was away)."""
    if sight is None:
        return status != states.Status.CREATING
    return states.SEEN[sight.state] != status


def _unmountable(volumes: list[volume.MountView], shares: list[share.MountView]) -> str | None:
    for view in volumes:
        if view.reason:
            return f"Volume {view.volume_id} cannot be mounted: {view.reason}"
    for mounted in shares:
        if mounted.reason:
            return f"Share {mounted.share_id} cannot be mounted: {mounted.reason}"
    return None


def _trouble(home: _Home, plugs: list[network.Plug]) -> str | None:
    for plug in plugs:
        if plug.reason:
            return f"Port {plug.port_id} cannot be wired: {plug.reason}"
    if len(plugs) < len(home.plugs):
        return "A port of the container was removed by somebody else."
    return None
