"""Makes shares real: looks at storage and exports, takes the planned steps, records what it saw. Never decides (``plan.py``)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from boxship.core import errors as core_errors
from boxship.core.db import holds, placed
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.core.reconcile.placed import Placed
from boxship.drivers.shares.interface import Access, Export, Exports
from boxship.drivers.storage.interface import Kind, Source, Storage, VolumeSight
from boxship.services.share import plan
from boxship.services.share.model import GIB, KIND, SNAPSHOT, Rule, Share
from boxship.services.share.operations import messages
from boxship.services.share.states import State
from boxship.services.share.store import rules as rule_store
from boxship.services.share.store import shares as store
from boxship.services.share.store.tables import shares

log = structlog.get_logger("share")

_MOST_STEPS = 6
"""Steps in a row: withdraw, unmount, shrink, mount, export, and one for what changed meanwhile."""
TOO_MUCH = "It holds more than"
"""How the storage begins its refusal of a size that the data does not fit in."""


class ShareReconciler(Placed):
    """One share at a time, from its wish, the storage and the exports alone."""

    kind = KIND
    table = shares

    def __init__(
        self, database: Database, storage: Storage, exports: Exports, hosts: Hosts, *, deadline: float
    ) -> None:
        super().__init__(database, hosts, deadline=deadline)
        self._storage = storage
        self._exports = exports
        self._strangers: set[str] = set()

    async def all(self) -> Iterable[str]:
        """Every share, as after a reboot nothing is mounted. What is recorded and is not so is corrected before anybody is told
        a path that leads to an empty directory."""
        try:
            seen = {sight.id: sight for sight in await self._storage.sights()}
        except core_errors.DriverError as error:
            log.warning("the storage does not tell what is mounted", reason=error.sentence, detail=error.detail)
            seen = {}
        async with self._database.write() as transaction:
            for share in await store.recorded_in_use(transaction, self._hosts.only):
                path = _path(seen.get(share.id))
                if path != share.path:
                    await store.update(transaction, share, path=path)
        return await super().all()

    async def reconcile(self, id: str) -> float | None:
        for _ in range(_MOST_STEPS):
            async with self._database.read() as transaction:
                share = await store.get(transaction, id)
                held = bool(await holds.holders(transaction, (KIND, id)))
                rules = (await rule_store.of(transaction, [id])).get(id, [])
            if share is None or not self._is_here(share):
                return None
            sight = plan.Sight(
                await self._storage.sight(id), await self._exports.sight(id), self._storage.progress(id) is not None
            )
            wanted = self._wanted(share, sight, rules)
            step = plan.next_step(share, sight, wanted, held=held)
            if step in {plan.Step.SETTLED, plan.Step.WAIT, plan.Step.FORGET}:
                await self._settle(share, sight, rules, step)
                return None
            await self._take(step, share, wanted)
        return 0.0

    def _wanted(self, share: Share, sight: plan.Sight, rules: Sequence[Rule]) -> Export | None:
        """How it is to be exported: to those that its rules name, and not at all where nothing is exported or nobody may."""
        if sight.volume is None or sight.volume.path is None or self._exports.location(share.id) is None:
            return None
        access = {rule.access_to: rule.access_level == "rw" for rule in rules if not rule.deleting}
        if not access:
            return None
        return Export(
            share.id, sight.volume.path, tuple(Access(name, access[name]) for name in sorted(access, key=_breadth))
        )

    async def _take(self, step: plan.Step, share: Share, wanted: Export | None) -> None:
        log.debug("step", id=share.id, step=step)
        id = share.id
        if step == plan.Step.CREATE:
            await self._create(share)
        elif step == plan.Step.REVERT:
            await self._revert(share)
        elif step == plan.Step.EXTEND:
            await self._extend(share)
        elif step == plan.Step.SHRINK:
            await self._storage.shrink(id, share.size * GIB)
        elif step == plan.Step.MOUNT:
            await self._storage.mount(id)
        elif step == plan.Step.EXPORT and wanted is not None:
            await self._exports.put(wanted)
        elif step in {plan.Step.EXPORT, plan.Step.WITHDRAW}:
            await self._exports.drop(id)
        elif step == plan.Step.UNMOUNT:
            await self._storage.unmount(id)
        elif step == plan.Step.REMOVE:
            await self._storage.remove(id)
        else:
            raise core_errors.Refused(
                "The data of this share is not in the storage any more; restore it or delete the share."
            )

    async def _create(self, share: Share) -> None:
        source = Source(Kind.SNAPSHOT, share.snapshot_id) if share.snapshot_id else None
        try:
            await self._storage.create(share.id, share.size * GIB, source)
        except core_errors.Absent as error:
            raise core_errors.Refused("The snapshot that it was to be made from is gone.") from error

    async def _extend(self, share: Share) -> None:
        """A kernel that lets no mounted file system grow does it with the next mount: that is now, if nobody uses it."""
        await self._exports.drop(share.id)
        try:
            await self._storage.unmount(share.id)
        except core_errors.Busy as error:
            log.info("a share in use grows with its next mount", id=share.id, reason=error.sentence)
        await self._storage.extend(share.id, share.size * GIB)

    async def _revert(self, share: Share) -> None:
        try:
            await self._storage.revert(share.id, share.revert_to or "")
        except core_errors.Absent as error:
            raise core_errors.Refused("The snapshot to go back to is gone.") from error
        await self._record(share, reverted=share.revert_asked)

    async def _settle(self, share: Share, sight: plan.Sight, rules: Sequence[Rule], step: plan.Step) -> None:
        """Nothing is left to be done now: record it."""
        if step == plan.Step.FORGET:
            await self._forget(share)
        elif step == plan.Step.SETTLED and sight.volume is not None:
            await self._record(
                share,
                made=True,
                made_size=sight.volume.size // GIB,
                observed=share.generation,
                fault=None,
                path=_path(sight.volume),
                location=self._exports.location(share.id),
                revert_to=None,
            )
            await self._record_rules(share, rules)

    async def _record(self, share: Share, **seen: object) -> None:
        """Write what was seen, unless it is known or the wish changed meanwhile (then it is looked at again)."""
        if all(getattr(share, name) == value for name, value in seen.items()):
            return
        async with self._database.write() as transaction:
            if await store.update(transaction, share, **seen):
                await holds.wake_holders(transaction, (KIND, share.id))
                if seen.get("made") and not share.made and share.snapshot_id:
                    await holds.release(transaction, (SNAPSHOT, share.snapshot_id), (KIND, share.id))
                if "revert_to" in seen and share.revert_to:
                    await holds.release(transaction, (SNAPSHOT, share.revert_to), (KIND, share.id))

    async def _record_rules(self, share: Share, rules: Sequence[Rule]) -> None:
        """The rules are in force, and what was taken away is gone; unless the wish changed meanwhile."""
        new = [rule.id for rule in rules if not rule.deleting and (not rule.applied or rule.fault)]
        gone = [rule.id for rule in rules if rule.deleting]
        if not new and not gone:
            return
        async with self._database.write() as transaction:
            present = await store.get(transaction, share.id, lock=True)
            if present is None or present.generation != share.generation:
                return
            if new:
                await rule_store.update(transaction, new, applied=True, fault=None)
            await rule_store.delete(transaction, gone)

    async def _forget(self, share: Share) -> None:
        async with self._database.write() as transaction:
            if not await holds.holders(transaction, (KIND, share.id)):
                for snapshot in (share.snapshot_id, share.revert_to):
                    if snapshot:
                        await holds.release(transaction, (SNAPSHOT, snapshot), (KIND, share.id))
                await store.delete(transaction, share)

    async def give_up(self, id: str, reason: str) -> None:
        """Error or error_deleting, with the reason, until the wish changes. A share that cannot change its size or go back
        is as it was, and that wish is withdrawn; rules that cannot be put in force are in error by themselves."""
        size = await self._size(id)
        async with self._database.write() as transaction:
            share = await store.get(transaction, id, lock=True)
            if share is None:
                return
            if share.made and size not in {0, share.made_size}:  # that part of the wish came true
                share = await store.update(transaction, share, made_size=size) or share
            withdrawn = _withdrawn(share, reason)
            rules = [rule.id for rule in (await rule_store.of(transaction, [id])).get(id, []) if not rule.applied]
            if withdrawn:
                await store.update(transaction, share, generation=share.generation + 1, **withdrawn)
                transaction.wake(KIND, id)
            elif rules and share.made and not share.deleting:
                await rule_store.update(transaction, rules, fault=reason)
                await store.update(transaction, share, observed=share.generation, fault=None)
            else:
                await store.update(transaction, share, observed=share.generation, fault=reason)
            if share.revert_to and "revert_to" in withdrawn:
                await holds.release(transaction, (SNAPSHOT, share.revert_to), (KIND, id))
            await messages.write(transaction, share.project_id, messages.of_share(share, reason))
            await holds.wake_holders(transaction, (KIND, id))

    async def _size(self, id: str) -> int:
        """GiB that it has now; 0: nobody knows."""
        try:
            sight = await self._storage.sight(id)
        except core_errors.DriverError:
            return 0
        return sight.size // GIB if sight else 0

    async def sweep(self) -> None:
        """Export and mount nothing that no row knows, and report it. Its bytes stay: rows go only after their bytes, so such
        shares come from a lost or restored database, and may be the only copy of somebody's data."""
        await self._exports.open()  # a server that has died is started again
        seen = {sight.id for sight in await self._storage.sights()}
        exported = {export.share_id for export in await self._exports.sights()}
        async with self._database.read() as transaction:
            known = set(await placed.ids(transaction, self.table, self._hosts.only)) if seen | exported else set()
        for id in sorted(exported - known):
            await self._exports.drop(id)
        for id in sorted(seen - known - self._strangers):
            await self._storage.unmount(id)
            self._strangers.add(id)
            log.warning("a share is in the storage that the database does not know; it is kept", id=id)


def _breadth(address: str) -> tuple[int, str]:
    """Servers take the first rule that a client meets: single addresses come before the networks that they are in."""
    return -ipaddress.ip_network(address).prefixlen, address


def _path(sight: VolumeSight | None) -> str | None:
    """Where a share is mounted on this host, as it is recorded."""
    path: Path | None = sight.path if sight else None
    return str(path) if path else None


def _withdrawn(share: Share, reason: str) -> dict[str, object]:
    """The wishes that only concern what a share is besides being there, and the state that tells of them."""
    if not share.made or share.deleting:
        return {}
    if share.revert_asked != share.reverted:
        return {
            "reverted": share.revert_asked,
            "revert_to": None,
            "size": share.made_size,
            "declared": State.REVERTING_ERROR,
        }
    if share.made_size < share.size:
        return {"size": share.made_size, "declared": State.EXTENDING_ERROR}
    if share.made_size > share.size:
        failed = State.DATA_LOSS if reason.startswith(TOO_MUCH) else State.SHRINKING_ERROR
        return {"size": share.made_size, "declared": failed}
    return {}
