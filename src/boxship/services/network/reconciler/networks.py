"""Makes networks real: the segment, and for external ones the way to the host."""

from __future__ import annotations

from boxship.core.db.database import Transaction
from boxship.drivers.linux.interface import FabricSight
from boxship.services.network import model, plan
from boxship.services.network.reconciler.base import Rows
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import rows, tables


class NetworkReconciler(Rows):
    """Rows of ``networks``."""

    kind: str = model.Kind.NETWORK
    table = tables.networks

    def seen(self, sight: FabricSight) -> frozenset[str]:
        return sight.networks

    async def remove(self, id: str) -> None:
        self.ground.forget([id], ())
        await self.fabric.remove_uplink(id)
        await self.fabric.remove_network(id)

    async def wanted(self, transaction: Transaction) -> list[str]:
        """All networks, or those of this host's ports where other hosts are."""
        if not self.hosts.shared:
            return await super().wanted(transaction)
        return sorted(await ports_store.networks_on(transaction, self.hosts.here))

    async def reconcile(self, id: str) -> None:
        """Make the network as its row says, or remove it once everything in it is gone."""
        if not await self.ground.make_network(id):
            await self.cleared(id)
            return
        async with self.database.read() as transaction:
            network = await rows.get(transaction, self.table, model.Network, id)
            subnets = (await networks_store.subnets_of(transaction, [id])).get(id, [])
        if network is not None and plan.uplink(network, subnets) is None:
            await self.fabric.remove_uplink(id)

    async def forgotten(self, transaction: Transaction, removal: model.Removal) -> None:
        await networks_store.free_segment(transaction, removal.id)
