"""Makes volumes real: looks at the storage, takes the planned steps, records what it saw. Never decides (``plan.py``)."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from boxship.core import errors as core_errors
from boxship.core.db import holds
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.drivers.storage.interface import Storage, VolumeSight
from boxship.services.volume import plan
from boxship.services.volume.model import GIB, KIND, Volume
from boxship.services.volume.store import volumes as store

log = structlog.get_logger("volume")

_MOST_STEPS = 4
"""Steps in a row: unmount, remove, forget, and one for what changed meanwhile."""


class VolumeReconciler:
    """One volume at a time, from its wish and the storage alone."""

    kind = KIND
    leisure = 0.0

    def __init__(self, database: Database, storage: Storage, hosts: Hosts, *, deadline: float) -> None:
        self.deadline = deadline
        self._database = database
        self._storage = storage
        self._hosts = hosts
        self._strangers: set[str] = set()

    async def all(self) -> Iterable[str]:
        """Every volume, as after a reboot nothing is mounted. What is recorded as mounted and is not is corrected before
        anybody is told a path that leads to an empty directory."""
        try:
            mounted = {sight.id for sight in await self._storage.sights() if sight.path}
        except core_errors.DriverError as error:
            log.warning("the storage does not tell what is mounted", reason=error.sentence, detail=error.detail)
            mounted = set()
        async with self._database.write() as transaction:
            for volume in await store.recorded_mounted(transaction, self._hosts.only):
                if volume.id not in mounted:
                    await store.update(transaction, volume, path=None)
            return await store.ids(transaction, self._hosts.only)

    async def due(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            ids = await store.due(transaction, self._hosts.only)
            lost = await store.orphaned(transaction, self._hosts.names) if self._hosts.shared else []
        return [*ids, *lost]

    async def share(self, id: str) -> str:
        """The project of the volume."""
        async with self._database.read() as transaction:
            volume = await store.get(transaction, id)
        return volume.project_id if volume else ""

    async def reconcile(self, id: str) -> float | None:
        for _ in range(_MOST_STEPS):
            async with self._database.read() as transaction:
                volume = await store.get(transaction, id)
                held = bool(await holds.holders(transaction, (KIND, id)))
            if volume is None or not self._is_here(volume):
                return None
            sight = await self._storage.sight(id)
            step = plan.next_step(volume, sight, held=held)
            if step in {plan.Step.SETTLED, plan.Step.WAIT, plan.Step.FORGET}:
                await self._settle(volume, sight, step)
                return None
            await self._take(step, volume)
        return 0.0

    def _is_here(self, volume: Volume) -> bool:
        """Whether the volume is this host's, or is to be forgotten with a host that is gone for good."""
        return self._hosts.owns(volume.host) or (volume.deleting and self._hosts.inherits(volume.host, volume.id))

    async def _take(self, step: plan.Step, volume: Volume) -> None:
        log.debug("step", id=volume.id, step=step)
        if step == plan.Step.CREATE:
            await self._storage.create(volume.id, volume.size * GIB)
            await self._record(volume, made=True)
        elif step == plan.Step.MOUNT:
            await self._storage.mount(volume.id)
        elif step == plan.Step.UNMOUNT:
            await self._storage.unmount(volume.id)
        elif step == plan.Step.REMOVE:
            await self._storage.remove(volume.id)
        else:
            raise core_errors.Refused(
                "The data of this volume is not in the storage any more; restore it or delete it."
            )

    async def _settle(self, volume: Volume, sight: VolumeSight | None, step: plan.Step) -> None:
        """Nothing is left to be done now: record it."""
        if step == plan.Step.FORGET:
            await self._forget(volume)
        elif step == plan.Step.SETTLED:
            path = str(sight.path) if sight and sight.path else None
            await self._record(volume, made=True, path=path, observed=volume.generation, fault=None)

    async def _record(self, volume: Volume, **seen: object) -> None:
        """Write what was seen, unless it is known or the wish changed meanwhile (then it is looked at again)."""
        if all(getattr(volume, name) == value for name, value in seen.items()):
            return
        async with self._database.write() as transaction:
            if await store.update(transaction, volume, **seen):
                await holds.wake_holders(transaction, (KIND, volume.id))

    async def _forget(self, volume: Volume) -> None:
        async with self._database.write() as transaction:
            if not await holds.holders(transaction, (KIND, volume.id)):
                await store.delete(transaction, volume)

    async def give_up(self, id: str, reason: str) -> None:
        """Error or error_deleting, with the reason, until the wish changes."""
        async with self._database.write() as transaction:
            volume = await store.get(transaction, id, lock=True)
            if volume is None:
                return
            await store.update(transaction, volume, observed=volume.generation, fault=reason)
            await holds.wake_holders(transaction, (KIND, id))

    async def sweep(self) -> None:
        """Unmount what no row knows, and report it. Its bytes stay: rows go only after their bytes, so such volumes come
        from a lost or restored database, and may be the only copy of somebody's data."""
        seen = await self._storage.sights()
        async with self._database.read() as transaction:
            known = set(await store.ids(transaction, self._hosts.only)) if seen else set()
        for sight in seen:
            if sight.id not in known and sight.id not in self._strangers:
                await self._storage.unmount(sight.id)
                self._strangers.add(sight.id)
                log.warning("a volume is in the storage that the database does not know; it is kept", id=sight.id)
