"""Makes volumes real: looks at the storage, takes the planned steps, records what it saw. Never decides (``plan.py``)."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from boxship.core import errors as core_errors
from boxship.core.db import holds, placed
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.core.reconcile.placed import Placed
from boxship.drivers.storage.interface import Backends, Kind, Source, Storage, VolumeSight
from boxship.services.image import public as image
from boxship.services.volume import plan, states
from boxship.services.volume.model import GIB, KIND, SNAPSHOT, Snapshot, Volume
from boxship.services.volume.operations import messages, sources
from boxship.services.volume.reconciler import owners
from boxship.services.volume.reconciler.streams import sparse
from boxship.services.volume.store import snapshots as snapshot_store
from boxship.services.volume.store import volumes as store
from boxship.services.volume.store.tables import volumes

log = structlog.get_logger("volume")

_MOST_STEPS = 4
"""Steps in a row: unmount, remove, forget, and one for what changed meanwhile."""


class VolumeReconciler(Placed):
    """One volume at a time, from its wish and the storage alone."""

    kind = KIND
    table = volumes

    def __init__(
        self, database: Database, storages: Backends, images: image.ImageLive, hosts: Hosts, *, deadline: float
    ) -> None:
        super().__init__(database, hosts, deadline=deadline)
        self._storages = storages
        self._images = images
        self._strangers: set[str] = set()

    async def all(self) -> Iterable[str]:
        """Every volume, as after a reboot nothing is mounted. What is recorded and is not so is corrected before anybody is told
        a path that leads to an empty directory, or the device of another volume."""
        seen = {(name, sight.id): sight for name in self._storages.names for sight in await self._seen(name)}
        async with self._database.write() as transaction:
            for volume in await store.recorded_in_use(transaction, self._hosts.only):
                where = _where(seen.get((volume.backend, volume.id)))
                if where != {"path": volume.path, "device": volume.device}:
                    await store.update(transaction, volume, **where)
        return await super().all()

    async def _seen(self, backend: str) -> list[VolumeSight]:
        """What a storage has; nothing, where it does not tell."""
        try:
            return await self._storages.of(backend).sights()
        except core_errors.DriverError as error:
            log.warning("a storage does not tell what is mounted", reason=error.sentence, detail=error.detail)
            return []

    async def reconcile(self, id: str) -> float | None:
        for _ in range(_MOST_STEPS):
            async with self._database.read() as transaction:
                volume = await store.get(transaction, id)
                held = bool(await holds.holders(transaction, (KIND, id)))
            if volume is None or not self._is_here(volume):
                return None
            storage = self._storages.of(volume.backend)
            await owners.inherit(self._storages, self._hosts, volume.backend, id)
            sight = await storage.sight(id)
            copying = storage.progress(id) is not None
            step = plan.next_step(volume, sight, held=held, copying=copying)
            if step in {plan.Step.SETTLED, plan.Step.WAIT, plan.Step.FORGET}:
                await self._settle(volume, sight, step)
                return None
            await self._take(step, volume)
        return 0.0

    async def _take(self, step: plan.Step, volume: Volume) -> None:
        log.debug("step", id=volume.id, step=step)
        id, storage = volume.id, self._storages.of(volume.backend)
        if step == plan.Step.CREATE:
            await self._create(volume)
        elif step == plan.Step.REVERT:
            await self._revert(volume)
        elif step == plan.Step.EXTEND:
            await storage.extend(id, volume.size * GIB)
        elif step == plan.Step.ATTACH:
            await storage.attach(id)
        elif step == plan.Step.MOUNT:
            await storage.mount(id)
        elif step in {plan.Step.UNMOUNT, plan.Step.LOOSEN}:
            await storage.unmount(id, keep_device=step == plan.Step.LOOSEN)
        elif step == plan.Step.DETACH:
            await storage.detach(id)
        elif step == plan.Step.REMOVE:
            await storage.remove(id)
        else:
            raise core_errors.Refused(
                "The data of this volume is not in the storage any more; restore it or delete it."
            )

    async def _create(self, volume: Volume) -> None:
        if volume.source_kind == states.IMAGE:
            await self._download(volume)
            return
        source = Source(Kind(volume.source_kind), volume.source_id) if volume.source_id else None
        try:
            origin = await self._origin(source) if source else volume.backend
            if source and origin != volume.backend:
                await self._copy(volume, source, self._storages.of(origin))
                await self._tidy(volume)
            else:
                await self._storages.of(volume.backend).create(volume.id, volume.size * GIB, source)
        except core_errors.Absent as error:
            raise core_errors.Refused(f"The {volume.source_kind} that it was to be made from is gone.") from error
        await self._record(volume, made=True, made_size=volume.size)

    async def _origin(self, source: Source) -> str:
        """The backend of what a volume is made from. Absent: no row knows it."""
        async with self._database.read() as transaction:
            found: Volume | Snapshot | None = await store.get(transaction, source.id)
            if source.kind is Kind.SNAPSHOT:
                found = await snapshot_store.get(transaction, source.id)
        if found is None:
            raise core_errors.Absent(f"No row knows the {source.kind} any more.")
        return found.backend

    async def _copy(self, volume: Volume, source: Source, other: Storage) -> None:
        """From another backend: of a snapshot of the copy's own, where the source is a volume, as that may be written to."""
        if source.kind is Kind.VOLUME:
            await other.snapshot(volume.id, source.id)
        taken = Source(Kind.SNAPSHOT, volume.id if source.kind is Kind.VOLUME else source.id)
        await self._storages.of(volume.backend).fill(volume.id, volume.size * GIB, other.read(taken))

    async def _tidy(self, volume: Volume) -> None:
        """What was taken of its source for the copy is not needed any more, whether the copy is made or was given up."""
        if volume.made or volume.source_kind != Kind.VOLUME:
            return
        try:
            elsewhere = [await self._origin(Source(Kind.VOLUME, volume.source_id or ""))]
        except core_errors.Absent:
            elsewhere = list(self._storages.names)
        for name in elsewhere:
            if name != volume.backend:
                await self._storages.of(name).remove_snapshot(volume.id)

    async def _download(self, volume: Volume) -> None:
        id = volume.source_id or ""
        async with self._database.read() as transaction:
            host = await image.host_of(transaction, id)
        try:
            await self._storages.of(volume.backend).fill(
                volume.id, volume.size * GIB, sparse(self._images.read(host, id))
            )
        except core_errors.Absent as error:
            raise core_errors.Refused("The image that it was to be made from is gone.") from error
        await self._record(volume, made=True, made_size=volume.size)

    async def _revert(self, volume: Volume) -> None:
        try:
            await self._storages.of(volume.backend).revert(volume.id, volume.revert_to or "")
        except core_errors.Absent as error:
            raise core_errors.Refused("The snapshot to go back to is gone.") from error
        await self._record(volume, reverted=volume.revert_asked)

    async def _settle(self, volume: Volume, sight: VolumeSight | None, step: plan.Step) -> None:
        """Nothing is left to be done now: record it."""
        if step != plan.Step.WAIT:
            await self._tidy(volume)
        if step == plan.Step.FORGET:
            await self._forget(volume)
        elif step == plan.Step.SETTLED and sight is not None:
            settled = {"made": True, "made_size": sight.size // GIB, "observed": volume.generation, "fault": None}
            await self._record(volume, **settled, **_where(sight))

    async def _record(self, volume: Volume, **seen: object) -> None:
        """Write what was seen, unless it is known or the wish changed meanwhile (then it is looked at again)."""
        if all(getattr(volume, name) == value for name, value in seen.items()):
            return
        async with self._database.write() as transaction:
            if await store.update(transaction, volume, **seen):
                await holds.wake_holders(transaction, (KIND, volume.id))
                if seen.get("made") and not volume.made:
                    await sources.let_go(transaction, volume)
                if "reverted" in seen and volume.revert_to:
                    await holds.release(transaction, (SNAPSHOT, volume.revert_to), (KIND, volume.id))

    async def _forget(self, volume: Volume) -> None:
        async with self._database.write() as transaction:
            if not await holds.holders(transaction, (KIND, volume.id)):
                await sources.let_go(transaction, volume)
                await store.delete(transaction, volume)

    async def give_up(self, id: str, reason: str) -> None:
        """Error or error_deleting, with the reason, until the wish changes. A volume that cannot grow or go back is as it was:
        that wish is withdrawn."""
        async with self._database.write() as transaction:
            volume = await store.get(transaction, id, lock=True)
            if volume is None:
                return
            withdrawn = _withdrawn(volume)
            if withdrawn:
                await store.update(transaction, volume, generation=volume.generation + 1, **withdrawn)
                transaction.wake(KIND, id)
            else:
                await store.update(transaction, volume, observed=volume.generation, fault=reason)
            if not volume.made:
                await sources.let_go(transaction, volume)
            if volume.revert_to and "reverted" in withdrawn:
                await holds.release(transaction, (SNAPSHOT, volume.revert_to), (KIND, id))
            await messages.write(transaction, volume.project_id, messages.of_volume(volume, reason))
            await holds.wake_holders(transaction, (KIND, id))

    async def sweep(self) -> None:
        """Unmount what no row knows, and report it. Its bytes stay: rows go only after their bytes, so such volumes come
        from a lost or restored database, and may be the only copy of somebody's data."""
        for name in self._storages.names:
            await self._sweep(name)

    async def _sweep(self, backend: str) -> None:
        storage = self._storages.of(backend)
        seen = await self._seen(backend)
        async with self._database.read() as transaction:
            known = set(await placed.ids(transaction, self.table, self._hosts.only)) if seen else set()
        if self._storages.shared(backend):  # the others may be other hosts', but not what is in use here
            seen = [sight for sight in seen if sight.device and sight.id not in known]
            self._strangers.difference_update(sight.id for sight in seen)
        for sight in seen:
            if sight.id not in known and sight.id not in self._strangers:
                await storage.unmount(sight.id)
                self._strangers.add(sight.id)
                log.warning("a volume is in the storage that the database does not know; it is kept", id=sight.id)


def _where(sight: VolumeSight | None) -> dict[str, str | None]:
    """Where a volume is used on this host, as it is recorded."""
    places = (sight.path, sight.device) if sight else (None, None)
    return dict(zip(("path", "device"), (str(place) if place else None for place in places), strict=True))


def _withdrawn(volume: Volume) -> dict[str, int]:
    """The wishes that only concern what a volume is besides being there."""
    if not volume.made or volume.deleting:
        return {}
    if volume.revert_asked != volume.reverted:
        return {"reverted": volume.revert_asked}
    return {"size": volume.made_size} if volume.made_size < volume.size else {}
