"""Makes, restores and removes backups: looks, takes the planned steps, records what it saw. Never decides (``plan.py``)."""

from __future__ import annotations

from boxship.core import errors as core_errors
from boxship.core.db import holds
from boxship.core.db.database import Database, Transaction
from boxship.core.hosts import Hosts
from boxship.core.reconcile.placed import Placed
from boxship.drivers.storage.interface import Backends, Backups, BackupSight, Kind, Source
from boxship.services.volume import plan
from boxship.services.volume.model import BACKUP, GIB, SNAPSHOT, Backup
from boxship.services.volume.operations import errands, messages
from boxship.services.volume.store import backups as store
from boxship.services.volume.store import volumes as volume_store
from boxship.services.volume.store.tables import backups

_MOST_STEPS = 3
"""Steps in a row: make, restore, and one for what changed meanwhile."""


class BackupReconciler(Placed):
    """One backup at a time, from its wish, the storage and the backups that are there."""

    kind = BACKUP
    table = backups

    def __init__(
        self, database: Database, storages: Backends, backups: Backups, hosts: Hosts, *, deadline: float
    ) -> None:
        super().__init__(database, hosts, deadline=deadline)
        self._storages = storages
        self._backups = backups

    async def reconcile(self, id: str) -> float | None:
        for _ in range(_MOST_STEPS):
            async with self._database.read() as transaction:
                backup = await store.get(transaction, id)
            if backup is None or not self._is_here(backup):
                return None
            sight = await self._backups.sight(id)
            step = plan.next_backup_step(backup, sight)
            if step in {plan.Step.SETTLED, plan.Step.FORGET}:
                await self._settle(backup, sight, step)
                return None
            await self._take(step, backup)
        return 0.0

    async def _take(self, step: plan.Step, backup: Backup) -> None:
        if step == plan.Step.CREATE:
            await self._make(backup)
        elif step == plan.Step.RESTORE:
            await self._restore(backup)
        elif step == plan.Step.REMOVE:
            await self._backups.remove(backup.id)
        else:
            raise core_errors.Refused("The data of this backup is not there any more; delete it.")

    async def _make(self, backup: Backup) -> None:
        """Of a snapshot of its own, where none is named: one moment's picture, and the volume is free to be used."""
        source, storage = Source(Kind.SNAPSHOT, backup.snapshot_id or backup.id), self._storages.of(backup.backend)
        try:
            if backup.snapshot_id is None:
                await storage.snapshot(backup.id, backup.volume_id)
            extents = storage.read(source)
            await self._backups.write(backup.id, backup.volume_id, backup.size * GIB, extents)
        except core_errors.Absent as error:
            raise core_errors.Refused("What was to be backed up is gone.") from error

    async def _restore(self, backup: Backup) -> None:
        """Whole or not at all; every part was checked when it is put in its place."""
        target = backup.restore_to or ""
        async with self._database.read() as transaction:
            volume = await volume_store.get(transaction, target)
        if volume is None or volume.deleting:
            raise core_errors.Refused("The volume to restore to is gone.")
        if not volume.made:
            raise core_errors.Busy("The volume to restore to is not made yet.")
        await self._storages.of(volume.backend).fill(target, volume.size * GIB, self._backups.read(backup.id))
        async with self._database.write() as transaction:
            if await store.update(transaction, backup, restored=backup.restore_asked):
                await errands.end(transaction, target)

    async def _settle(self, backup: Backup, sight: BackupSight | None, step: plan.Step) -> None:
        """Nothing is left to be done now: record it."""
        if backup.snapshot_id is None:
            await self._storages.of(backup.backend).remove_snapshot(backup.id)
        async with self._database.write() as transaction:
            if step == plan.Step.SETTLED and sight is not None:
                seen = {"made": True, "object_count": sight.parts, "observed": backup.generation, "fault": None}
                await store.update(transaction, backup, **seen)
            elif step == plan.Step.FORGET:
                await store.delete(transaction, backup)
            if not backup.made:
                await self._let_go(transaction, backup)

    async def _let_go(self, transaction: Transaction, backup: Backup) -> None:
        """What it was made of is needed no more."""
        if backup.snapshot_id is not None:
            await holds.release(transaction, (SNAPSHOT, backup.snapshot_id), (BACKUP, backup.id))
        else:
            await errands.end(transaction, backup.volume_id)

    async def give_up(self, id: str, reason: str) -> None:
        """Error or error_deleting, with the reason. A backup that cannot be restored is as it was: that wish is withdrawn."""
        async with self._database.write() as transaction:
            backup = await store.get(transaction, id, lock=True)
            if backup is None:
                return
            if backup.made and backup.restore_asked != backup.restored and not backup.deleting:
                await store.update(transaction, backup, restored=backup.restore_asked, observed=backup.generation)
                await errands.end(transaction, backup.restore_to or "")
            else:
                await store.update(transaction, backup, observed=backup.generation, fault=reason)
            if not backup.made:
                await self._let_go(transaction, backup)
            await messages.write(transaction, backup.project_id, _failure(backup, reason))

    async def sweep(self) -> None:
        """Backups that no row knows stay: they may be the only copy of somebody's data."""


def _failure(backup: Backup, reason: str) -> messages.Failure:
    """What is told of a failure, by what the wish was."""
    action, detail = messages.Action.BACKUP_CREATE, messages.Detail.BACKUP_CREATE
    if backup.deleting:
        action, detail = messages.Action.BACKUP_DELETE, messages.Detail.BACKUP_DELETE
    elif backup.made:
        action, detail = messages.Action.BACKUP_RESTORE, messages.Detail.BACKUP_RESTORE
    return messages.Failure(
        resource_id=backup.id,
        resource_type=messages.Resource.BACKUP,
        action=action,
        detail=detail,
        reason=reason,
    )
