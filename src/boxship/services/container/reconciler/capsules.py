"""Makes capsules real: says how they are, wakes their containers, and takes away what these shared. The containers
themselves, and the order in which they begin, are the matter of their own reconciler."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from boxship.core.db.database import Database
from boxship.services.container import model, plan, states
from boxship.services.container.operations import KIND as CONTAINER
from boxship.services.container.operations import capsules as operations
from boxship.services.container.reconciler.world import World
from boxship.services.container.store import capsules as store
from boxship.services.container.store import containers as containers_store
from boxship.services.network import public as network

log = structlog.get_logger("capsule")

SHORT = 0.05
"""Seconds until the next look at one that is going; the ends of its parts wake it earlier."""


class CapsuleReconciler:
    """One capsule after the other on this host."""

    kind = operations.KIND
    leisure = 0.0

    def __init__(self, database: Database, world: World, *, deadline: float) -> None:
        self.deadline = deadline
        self._database = database
        self._world = world

    async def all(self) -> Iterable[str]:
        """Every capsule."""
        async with self._database.read() as transaction:
            return await store.ids(transaction, self._world.hosts.only)

    async def due(self) -> Iterable[str]:
        """Capsules whose containers are not all made, or that are going."""
        async with self._database.read() as transaction:
            ids = await store.ids(transaction, self._world.hosts.only, due_only=True)
            lost = await store.orphaned(transaction, self._world.hosts.names) if self._world.hosts.shared else []
        return [*ids, *lost]

    async def share(self, id: str) -> str:
        """The project of the capsule."""
        async with self._database.read() as transaction:
            row = await store.get(transaction, id)
        return row.project_id if row else ""

    async def reconcile(self, id: str) -> float | None:
        async with self._database.read() as transaction:
            row = await store.get(transaction, id)
            if row is None or not self._is_here(row):
                return None
            containers = await containers_store.of_capsules(transaction, [id])
            plugged = await network.sandbox_in_use(transaction, id)
        if row.wish is not states.Wish.GONE:
            await self._tell(row, containers)
            return None
        if containers:
            return 1.0
        if row.plugs or row.volumes or row.group_id:
            await self._release(row)
            return SHORT
        if plugged:
            return SHORT
        await self._world.engine.remove_pod(id)
        await self._world.fabric.remove_sandbox(id)
        async with self._database.write() as transaction:
            await store.forget(transaction, id)
        return None

    def _is_here(self, row: model.Capsule) -> bool:
        """Whether the capsule is this host's, or is to be forgotten with a host that is gone for good."""
        hosts = self._world.hosts
        return hosts.owns(row.host) or (row.wish is states.Wish.GONE and hosts.inherits(row.host, row.id))

    async def _tell(self, row: model.Capsule, containers: list[model.Container]) -> None:
        """Record how it is, and wake the containers that wait for a port, a volume or their turn."""
        status, reason = plan.capsule_status(containers)
        waiting = [each.id for each in containers if each.observed != each.generation]
        seen = {"status": status, "status_reason": reason, "observed": 0 if waiting else row.generation}
        changed = {name: value for name, value in seen.items() if getattr(row, name) != value}
        if not changed and not waiting:
            return
        async with self._database.write() as transaction:
            if changed:
                await store.record(transaction, row.id, **changed)
            for id in waiting:
                transaction.wake(CONTAINER, id)

    async def _release(self, row: model.Capsule) -> None:
        async with self._database.write() as transaction:
            await operations.release(transaction, row)
            await store.record(transaction, row.id, plugs=[], volumes=[], group_id=None)

    async def give_up(self, id: str, reason: str) -> None:
        """The reason is told; what is wanted gone is tried again by the scan."""
        async with self._database.write() as transaction:
            await store.record(transaction, id, status_reason=reason)

    async def sweep(self) -> None:
        """Remove what pods share that have no capsule any more."""
        pods = await self._world.engine.pods()
        async with self._database.read() as transaction:
            known = set(await store.ids(transaction, self._world.hosts.only))
        for id in pods - known:
            log.info("orphan removed", pod=id)
            await self._world.engine.remove_pod(id)
