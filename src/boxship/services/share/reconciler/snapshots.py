"""Takes and removes snapshots of shares: looks, takes the planned steps, records what it saw. Never decides (``plan.py``)."""

from __future__ import annotations

from boxship.core import errors as core_errors
from boxship.core.db import holds
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.core.reconcile.placed import Placed
from boxship.drivers.storage.interface import Storage
from boxship.services.share import plan
from boxship.services.share.model import KIND, SNAPSHOT, Snapshot
from boxship.services.share.operations import messages
from boxship.services.share.store import snapshots as store
from boxship.services.share.store.tables import snapshots

_MOST_STEPS = 3
"""Steps in a row: remove, forget, and one for what changed meanwhile."""


class SnapshotReconciler(Placed):
    """One snapshot at a time, from its wish and the storage alone."""

    kind = SNAPSHOT
    table = snapshots

    def __init__(self, database: Database, storage: Storage, hosts: Hosts, *, deadline: float) -> None:
        super().__init__(database, hosts, deadline=deadline)
        self._storage = storage

    async def reconcile(self, id: str) -> float | None:
        for _ in range(_MOST_STEPS):
            async with self._database.read() as transaction:
                snapshot = await store.get(transaction, id)
                held = bool(await holds.holders(transaction, (SNAPSHOT, id)))
            if snapshot is None or not self._is_here(snapshot):
                return None
            sight = await self._storage.snapshot_sight(id)
            copying = self._storage.progress(id) is not None
            step = plan.next_snapshot_step(snapshot, sight, held=held, copying=copying)
            if step in {plan.Step.SETTLED, plan.Step.WAIT, plan.Step.FORGET}:
                await self._settle(snapshot, step)
                return None
            await self._take(step, snapshot)
        return 0.0

    async def _take(self, step: plan.Step, snapshot: Snapshot) -> None:
        if step == plan.Step.REMOVE:
            await self._storage.remove_snapshot(snapshot.id)
            return
        if step == plan.Step.LOST:
            raise core_errors.Refused("The data of this snapshot is not in the storage any more; delete it.")
        try:
            await self._storage.snapshot(snapshot.id, snapshot.share_id)
        except core_errors.Absent as error:
            raise core_errors.Refused("The data of its share is not in the storage.") from error

    async def _settle(self, snapshot: Snapshot, step: plan.Step) -> None:
        """Nothing is left to be done now: record it."""
        async with self._database.write() as transaction:
            if step == plan.Step.SETTLED:
                await store.update(transaction, snapshot, made=True, observed=snapshot.generation, fault=None)
            if step != plan.Step.FORGET or await holds.holders(transaction, (SNAPSHOT, snapshot.id)):
                return
            if await store.delete(transaction, snapshot):
                await holds.release(transaction, (KIND, snapshot.share_id), (SNAPSHOT, snapshot.id))

    async def give_up(self, id: str, reason: str) -> None:
        """Error or error_deleting, with the reason, until the wish changes."""
        async with self._database.write() as transaction:
            snapshot = await store.get(transaction, id, lock=True)
            if snapshot is None:
                return
            await store.update(transaction, snapshot, observed=snapshot.generation, fault=reason)
            await messages.write(transaction, snapshot.project_id, messages.of_snapshot(snapshot, reason))

    async def sweep(self) -> None:
        """Snapshots that no row knows stay: like such shares they may be the only copy of somebody's data."""
