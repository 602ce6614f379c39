"""What the reconcilers of this service share: which ids are due, and the sweep. Never acts on a row by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.drivers.linux.interface import FabricSight
from boxship.services.network import model
from boxship.services.network.reconciler.ground import Ground
from boxship.services.network.store import removals, rows


class Rows:
    """A kind of rows in ``table``, seen in the world as ``seen(sight)``."""

    kind: str
    leisure: float = 0.0
    table: ClassVar[sa.Table]

    def __init__(self, ground: Ground, *, deadline: float) -> None:
        self.ground = ground
        self.database = ground.database
        self.fabric = ground.fabric
        self.hosts = ground.hosts
        self.deadline = deadline

    def seen(self, sight: FabricSight) -> frozenset[str]:
        """The ids of this kind in the world."""
        raise NotImplementedError

    async def remove(self, id: str) -> None:
        """Remove it from the world."""
        raise NotImplementedError

    async def wanted(self, transaction: Transaction) -> list[str]:
        """The ids of all rows that something in the world of this host stands for."""
        return await rows.ids(transaction, self.table)

    async def all(self) -> Iterable[str]:
        """Every row and every removal. What a reboot took away is marked first, so that nobody relies on it."""
        await self._mark_lost(await self.fabric.sight(), await self._settled())
        async with self.database.read() as transaction:
            return [*await self.wanted(transaction), *await removals.ids(transaction, self.kind)]

    async def due(self) -> Iterable[str]:
        """The rows whose wish is not met, and the removals."""
        async with self.database.read() as transaction:
            behind = await rows.behind(transaction, self.table, self.hosts.only)
            return [*behind, *await removals.ids(transaction, self.kind)]

    async def share(self, id: str) -> str:
        """The project of the row."""
        async with self.database.read() as transaction:
            return await rows.project(transaction, self.table, id)

    async def sweep(self) -> None:
        """Remove what has neither row nor removal; make again what somebody else removed."""
        settled = await self._settled()
        sight = await self.fabric.sight()
        async with self.database.read() as transaction:
            known = await self.known(transaction)
        for id in sorted(self.seen(sight) - known):
            await self.remove(id)
        await self._mark_lost(sight, settled & known)

    async def known(self, transaction: Transaction) -> set[str]:
        """The ids that have a row or a removal."""
        return {*await self.wanted(transaction), *await removals.ids(transaction, self.kind)}

    async def _settled(self) -> set[str]:
        """The rows that are real as far as was recorded; read before the look that may disprove it.

        What was given up is not: it is tried again by a new wish or a restart, not by every sweep.
        """
        async with self.database.read() as transaction:
            wanted = set(await self.wanted(transaction))
            behind = await rows.behind(transaction, self.table, self.hosts.only)
            unsettled = {*behind, *await rows.failed(transaction, self.table)}
        return wanted - unsettled

    async def _mark_lost(self, sight: FabricSight, settled: set[str]) -> None:
        lost = settled - self.seen(sight)
        if not lost:
            return
        async with self.database.write() as transaction:
            await self.lose(transaction, sorted(lost))

    async def lose(self, transaction: Transaction, ids: list[str]) -> None:
        """Record that these are not in the world."""
        await rows.wish(transaction, self.table, ids, self.kind)

    async def cleared(self, id: str) -> None:
        """Remove from the world what has no row any more, where a removal says so. What may be on any host every host removes,
        and one of them notes it; for a host that is away another one does, and what is left there goes when it is back."""
        async with self.database.read() as transaction:
            removal = await removals.get(transaction, self.kind, id)
            blocked = self.kind == model.Kind.NETWORK and await removals.blocks(transaction, id)
        if removal is None or blocked or (removal.host and not self.hosts.claims(removal.host, id)):
            return
        await self.remove(id)
        if not self.hosts.claims(removal.host, id):
            return
        async with self.database.write() as transaction:
            await self.forgotten(transaction, removal)
            await removals.clear(transaction, self.kind, id)

    async def forgotten(self, transaction: Transaction, removal: model.Removal) -> None:
        """What else ends when a removed thing is gone from the world."""

    async def failed(self, transaction: Transaction, id: str, reason: str) -> bool:
        """Record Error and the reason on the present wish; False: there is no row (a removal is tried again)."""
        generation = await rows.generation(transaction, self.table, id)
        if generation is None:
            return False
        seen = {"reason": reason} | ({"status": str(model.Status.ERROR)} if "status" in self.table.c else {})
        return await rows.observe(transaction, self.table, id, generation, **seen)

    async def give_up(self, id: str, reason: str) -> None:
        """Record Error and the reason."""
        async with self.database.write() as transaction:
            await self.failed(transaction, id, reason)
