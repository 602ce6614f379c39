"""What is placed on no host for good, routers and name services: the host that takes one over, and the ports that go with it.
Never makes anything real."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.network import model
from boxship.services.network.reconciler.base import Rows
from boxship.services.network.store import claims
from boxship.services.network.store import ports as ports_store


class Claimed(Rows):
    """A kind of rows with a ``host``, which one of the hosts that live takes over when nobody else has it. The rows of
    ``hinted`` with the same ids say in which availability zones that host is to be."""

    hinted: sa.Table

    async def all(self) -> Iterable[str]:
        """Also what is to be taken over."""
        return {*await super().all(), *await self._free()}

    async def due(self) -> Iterable[str]:
        """Also what is to be taken over."""
        return {*await super().due(), *await self._free()}

    async def wanted(self, transaction: Transaction) -> list[str]:
        """The rows that this host has."""
        return await claims.held(transaction, self.table, self.hosts.only)

    async def _free(self) -> Sequence[str]:
        if not self.hosts.shared:
            return ()
        living = [host.name for host in self.hosts.living()]
        async with self.database.read() as transaction:
            held = await claims.held_by_others(transaction, self.table, living)
            hints = await claims.hints(transaction, self.hinted, [id for id, _ in held])
        return [id for id, holder in held if self.hosts.claims(holder, id, hints.get(id, ()))]

    async def claim(self, id: str, holder: str, ports: Sequence[model.Port]) -> bool:
        """Whether this host has the row, or takes it over from ``holder`` now, with its ports. Where there are no other hosts
        nothing is written."""
        if not self.hosts.shared:
            return True
        if holder != self.hosts.here and not await self._may_take(id, holder):
            return False
        strays = [port for port in ports if port.host != self.hosts.here]
        if holder == self.hosts.here and not strays:
            return True
        async with self.database.write() as transaction:
            if not await claims.take(transaction, self.table, id, (holder, self.hosts.here)):
                return False
            await ports_store.move(transaction, [port.id for port in strays], self.hosts.here)
            for network_id in sorted({port.network_id for port in ports}):
                transaction.wake(model.Kind.TUNNEL, network_id)
        return True

    async def _may_take(self, id: str, holder: str) -> bool:
        async with self.database.read() as transaction:
            hints = await claims.hints(transaction, self.hinted, [id])
        return self.hosts.claims(holder, id, hints.get(id, ()))
