"""Makes routers real, with their legs, gateway and floating IPs."""

from __future__ import annotations

from collections.abc import Iterable

from boxship.core.db.database import Transaction
from boxship.drivers.linux.interface import FabricSight
from boxship.services.network import model, plan
from boxship.services.network.reconciler.claims import Claimed
from boxship.services.network.store import addresses, forwarding, removals, rows, tables
from boxship.services.network.store import routers as routers_store


class RouterReconciler(Claimed):
    """Rows of ``routers``."""

    kind: str = model.Kind.ROUTER
    table = tables.routers
    hinted = tables.routers

    def seen(self, sight: FabricSight) -> frozenset[str]:
        return sight.routers

    async def remove(self, id: str) -> None:
        await self.fabric.remove_router(id)

    async def wanted(self, transaction: Transaction) -> list[str]:
        """The routers that are up; one that is down is not in the kernel."""
        down = await rows.find(transaction, self.table, model.Router, self.table.c.admin_state_up.is_(False))
        return sorted({*await super().wanted(transaction)} - {router.id for router in down})

    async def reconcile(self, id: str) -> None:
        """Make the router as its rows say, or remove it."""
        async with self.database.read() as transaction:
            loaded = await self._load(transaction, id)
            undone = await removals.legs(transaction, id)
        if loaded is None:
            await self.cleared(id)
            return
        if not await self.claim(id, loaded.router.host, [port for _, port in loaded.legs]):
            return
        if loaded.router.admin_state_up:
            await self.ground.ensure([port.network_id for _, port in loaded.legs], ())
            await self.fabric.ensure_router(plan.router(loaded))
        else:
            await self.fabric.remove_router(id)
        await self._record(loaded, undone)

    async def _load(self, transaction: Transaction, id: str) -> plan.RouterRows | None:
        router = await rows.get(transaction, self.table, model.Router, id)
        if router is None:
            return None
        legs = await routers_store.legs_of(transaction, [id])
        had = await addresses.of_ports(transaction, [leg.port_id for leg, _ in legs])
        wanted = {address.subnet_id for found in had.values() for address in found}
        subnets = await rows.find(transaction, tables.subnets, model.Subnet, tables.subnets.c.id.in_(wanted))
        floating = await routers_store.floating_of(transaction, tables.floating.c.router_id == id)
        forwarded = await forwarding.of_floating(transaction, [entry.id for entry in floating])
        networks, servers = await self._advertised(transaction, subnets)
        return plan.RouterRows(
            router=router,
            legs=legs,
            addresses=had,
            subnets={subnet.id: subnet for subnet in subnets},
            floating=floating,
            forwardings=forwarded,
            networks=networks,
            servers=servers,
        )

    async def _advertised(
        self, transaction: Transaction, subnets: Iterable[model.Subnet]
    ) -> tuple[dict[str, model.Network], dict[str, tuple[str, ...]]]:
        """The networks with subnets that are advertised, and the addresses of their name services."""
        ids = {subnet.network_id for subnet in subnets if subnet.ipv6_ra_mode is not None}
        if not ids:
            return {}, {}
        networks = await rows.find(transaction, tables.networks, model.Network, tables.networks.c.id.in_(ids))
        names = await rows.find(transaction, tables.names, model.Names, tables.names.c.id.in_(ids))
        served = await addresses.of_ports(transaction, [found.port_id for found in names])
        return {network.id: network for network in networks}, {
            found.id: tuple(address.ip for address in served.get(found.port_id, ())) for found in names
        }

    async def _record(self, loaded: plan.RouterRows, undone: list[str]) -> None:
        router = loaded.router
        down = [entry.id for entry in loaded.floating if entry.status != model.Status.ACTIVE]
        if router.observed == router.generation and not router.reason and not undone and not down:
            return
        async with self.database.write() as transaction:
            for port_id in undone:
                await removals.clear(transaction, removals.LEG, port_id)
            seen = {"status": str(model.Status.ACTIVE), "reason": None}
            if await rows.observe(transaction, self.table, router.id, router.generation, **seen):
                for id in down:
                    await rows.change(transaction, tables.floating, id, status=str(model.Status.ACTIVE))

    async def forgotten(self, transaction: Transaction, removal: model.Removal) -> None:
        for port_id in await removals.legs(transaction, removal.id):
            await removals.clear(transaction, removals.LEG, port_id)
