"""Makes name services real: a dnsmasq per network that has one, with records and DHCP of the ports plugged in."""

from __future__ import annotations

from boxship.core.db.database import Transaction
from boxship.drivers.linux.interface import FabricSight
from boxship.services.network import model, plan
from boxship.services.network.reconciler.claims import Claimed
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import removals, rows, stations, tables


class NamesReconciler(Claimed):
    """Rows of ``network_names``; their ids are those of the networks."""

    kind: str = model.Kind.NAMES
    leisure: float = 4.0  # a fifth of the time at most, however many ports come and go
    table = tables.names
    hinted = tables.networks

    def seen(self, sight: FabricSight) -> frozenset[str]:
        return sight.names

    async def remove(self, id: str) -> None:
        await self.fabric.remove_names(id)

    async def reconcile(self, id: str) -> None:
        """Make the name service as the rows say, or remove it."""
        async with self.database.read() as transaction:
            loaded = await self._load(transaction, id)
        if loaded is None:
            await self.cleared(id)
            return
        if not await self.claim(id, loaded.names.host, [loaded.port.port]):
            return
        await self.ground.ensure([id], ())
        await self.fabric.ensure_names(plan.names(loaded))
        await self._record(loaded)

    async def _load(self, transaction: Transaction, id: str) -> plan.NamesRows | None:
        found = await rows.get(transaction, self.table, model.Names, id)
        network = await rows.get(transaction, tables.networks, model.Network, id)
        view = await ports_store.view(transaction, found.port_id) if found else None
        if found is None or view is None or network is None:
            return None
        subnets = (await networks_store.subnets_of(transaction, [id])).get(id, [])
        records = await ports_store.records(transaction, id)
        clients = await stations.of_network(transaction, id)
        return plan.NamesRows(found, view, subnets, records, clients, network)

    async def _record(self, loaded: plan.NamesRows) -> None:
        """The service's port is as active as the service is."""
        names = loaded.names
        if names.observed == names.generation and not names.reason:
            return
        async with self.database.write() as transaction:
            if await rows.observe(transaction, self.table, names.id, names.generation, reason=None):
                await rows.change(transaction, tables.ports, names.port_id, status=str(model.Status.ACTIVE))
            await removals.clear(transaction, self.kind, names.id)

    async def give_up(self, id: str, reason: str) -> None:
        """Record the reason, and show the port as down."""
        async with self.database.write() as transaction:
            found = await rows.get(transaction, self.table, model.Names, id)
            if found is not None and await self.failed(transaction, id, reason):
                await rows.change(transaction, tables.ports, found.port_id, status=str(model.Status.DOWN))
