"""Takes and removes snapshots: looks, takes the planned steps, records what it saw. Never decides (``plan.py``)."""

from __future__ import annotations

from boxship.core import errors as core_errors
from boxship.core.db import holds
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.core.reconcile.placed import Placed
from boxship.drivers.storage.interface import Backends
from boxship.services.volume import plan
from boxship.services.volume.model import KIND, SNAPSHOT, Snapshot
from boxship.services.volume.operations import messages
from boxship.services.volume.reconciler import owners
from boxship.services.volume.store import snapshots as store
from boxship.services.volume.store.tables import snapshots

_MOST_STEPS = 3
"""Steps in a row: remove, forget, and one for what changed meanwhile."""


class SnapshotReconciler(Placed):
    """One snapshot at a time, from its wish and the storage alone."""

    kind = SNAPSHOT
    table = snapshots

    def __init__(self, database: Database, storages: Backends, hosts: Hosts, *, deadline: float) -> None:
        super().__init__(database, hosts, deadline=deadline)
        self._storages = storages

    async def reconcile(self, id: str) -> float | None:
        for _ in range(_MOST_STEPS):
            async with self._database.read() as transaction:
                snapshot = await store.get(transaction, id)
                held = bool(await holds.holders(transaction, (SNAPSHOT, id)))
            if snapshot is None or not self._is_here(snapshot):
                return None
            storage = self._storages.of(snapshot.backend)
            await owners.inherit(self._storages, self._hosts, snapshot.backend, id)
            sight = await storage.snapshot_sight(id)
            copying = storage.progress(id) is not None
            step = plan.next_snapshot_step(snapshot, sight, held=held, copying=copying)
            if step in {plan.Step.SETTLED, plan.Step.WAIT, plan.Step.FORGET}:
                await self._settle(snapshot, step)
                return None
            await self._take(step, snapshot)
        return 0.0

    async def _take(self, step: plan.Step, snapshot: Snapshot) -> None:
        storage = self._storages.of(snapshot.backend)
        if step == plan.Step.REMOVE:
            await storage.remove_snapshot(snapshot.id)
            return
        if step == plan.Step.LOST:
            raise core_errors.Refused("The data of this snapshot is not in the storage any more; delete it.")
        try:
            await storage.snapshot(snapshot.id, snapshot.volume_id)
        except core_errors.Absent as error:
            raise core_errors.Refused("The data of its volume is not in the storage.") from error

    async def _settle(self, snapshot: Snapshot, step: plan.Step) -> None:
        """Nothing is left to be done now: record it."""
        async with self._database.write() as transaction:
            if step == plan.Step.SETTLED:
                await store.update(transaction, snapshot, made=True, observed=snapshot.generation, fault=None)
            if step != plan.Step.FORGET or await holds.holders(transaction, (SNAPSHOT, snapshot.id)):
                return
            if await store.delete(transaction, snapshot):
                await holds.release(transaction, (KIND, snapshot.volume_id), (SNAPSHOT, snapshot.id))

    async def give_up(self, id: str, reason: str) -> None:
        """Error or error_deleting, with the reason, until the wish changes."""
        async with self._database.write() as transaction:
            snapshot = await store.get(transaction, id, lock=True)
            if snapshot is None:
                return
            await store.update(transaction, snapshot, observed=snapshot.generation, fault=reason)
            going = snapshot.deleting
            failure = messages.Failure(
                resource_id=id,
                resource_type=messages.Resource.SNAPSHOT,
                action=messages.Action.SNAPSHOT_DELETE if going else messages.Action.SNAPSHOT_CREATE,
                detail=messages.Detail.SNAPSHOT_DELETE if going else messages.Detail.SNAPSHOT_CREATE,
                reason=reason,
            )
            await messages.write(transaction, snapshot.project_id, failure)

    async def sweep(self) -> None:
        """Snapshots that no row knows stay: like such volumes they may be the only copy of somebody's data."""
