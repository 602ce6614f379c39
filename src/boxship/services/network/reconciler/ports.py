"""Makes ports real: one cable per port that is bound to a sandbox, with everything that may pass it."""

from __future__ import annotations

import msgspec

from boxship.core import errors
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.drivers.linux.interface import FabricSight
from boxship.services.network import model, plan
from boxship.services.network.reconciler.base import Rows
from boxship.services.network.store import addresses, removals, rows, tables
from boxship.services.network.store import ports as ports_store


class _Loaded(msgspec.Struct, frozen=True):
    view: model.PortView
    network: model.Network
    subnets: dict[str, model.Subnet]
    servers: tuple[model.Address, ...]
    """What the network's name service has."""
    leaving: bool
    """Whether it has yet to leave the sandbox it was in before, on this host."""


class PortReconciler(Rows):
    """Rows of ``ports``. Ports of routers, name services and floating IPs are in no sandbox: others make them real."""

    kind: str = model.Kind.PORT
    table = tables.ports

    def seen(self, sight: FabricSight) -> frozenset[str]:
        return sight.ports

    async def remove(self, id: str) -> None:
        await self.fabric.remove_port(id)

    async def wanted(self, transaction: Transaction) -> list[str]:
        """The ports that are bound to a sandbox on this host."""
        return await ports_store.wired(transaction, self.hosts.only)

    async def known(self, transaction: Transaction) -> set[str]:
        """Legs of routers are removed by these, with the router."""
        there = set(await ports_store.on(transaction, self.hosts.only))
        return await super().known(transaction) | there | set(await removals.ids(transaction, removals.LEG))

    async def lose(self, transaction: Transaction, ids: list[str]) -> None:
        """A cable that is gone is down, so that its container is not started without it."""
        for id in ids:
            await rows.change(transaction, self.table, id, status=str(model.Status.DOWN))
        await super().lose(transaction, ids)

    async def reconcile(self, id: str) -> None:
        """Plug the port in, unplug it, or remove it: one look at the rows, one call, one record."""
        loaded = await self._load(id)
        if loaded is None:
            await self.cleared(id)
        elif not self.hosts.owns(loaded.view.port.host):
            await self._let_go(loaded)
        elif not loaded.view.port.sandbox:
            await self._unplug(loaded)
        else:
            await self._plug(loaded)

    async def _load(self, id: str) -> _Loaded | None:
        async with self.database.read() as transaction:
            view = await ports_store.view(transaction, id)
            if view is None:
                return None
            network = await rows.get(transaction, tables.networks, model.Network, view.port.network_id)
            wanted = {address.subnet_id for address in view.addresses}
            found = await rows.find(transaction, tables.subnets, model.Subnet, tables.subnets.c.id.in_(wanted))
            names = await rows.get(transaction, tables.names, model.Names, view.port.network_id)
            had = await addresses.of_ports(transaction, [names.port_id]) if names else {}
            removal = await removals.get(transaction, self.kind, id)
        assert network is not None, "a foreign key keeps the network"
        leaving = removal is not None and self.hosts.claims(removal.host, id)
        servers = had.get(names.port_id, ()) if names else ()
        return _Loaded(view, network, {subnet.id: subnet for subnet in found}, servers, leaving)

    async def _plug(self, loaded: _Loaded) -> None:
        view = loaded.view
        await self.ground.ensure([loaded.network.id], view.groups)
        if loaded.leaving and view.port.sandbox == model.HOST_PLUG:
            await self.fabric.remove_port(view.port.id)  # whoever had the device may have left traces
        try:
            await self.fabric.ensure_port(plan.port(view, loaded.network, loaded.subnets, loaded.servers))
        except errors.Absent:
            self.ground.forget([loaded.network.id], view.groups)
            raise
        await self._record(loaded, model.Status.ACTIVE)

    async def _let_go(self, loaded: _Loaded) -> None:
        """Another host has it now."""
        port = loaded.view.port
        if not loaded.leaving:
            return
        await self.fabric.remove_port(port.id)
        async with self.database.write() as transaction:
            await removals.clear(transaction, self.kind, port.id)

    async def _unplug(self, loaded: _Loaded) -> None:
        port = loaded.view.port
        if port.observed == port.generation and not loaded.leaving:
            return
        await self.fabric.remove_port(port.id)
        await self._record(loaded, model.Status.DOWN)

    async def _record(self, loaded: _Loaded, status: model.Status) -> None:
        """Nothing is written where nothing is new, so that a scan of settled ports costs no write."""
        port = loaded.view.port
        settled = port.observed == port.generation and port.status == status and port.reason is None
        if settled and not loaded.leaving:
            return
        async with self.database.write() as transaction:
            if loaded.leaving:
                await removals.clear(transaction, self.kind, port.id)
            seen = {"status": str(status), "reason": None}
            if await rows.observe(transaction, self.table, port.id, port.generation, **seen):
                transaction.wake(model.Kind.TUNNEL, port.network_id)
                await holds.wake_holders(transaction, (self.kind, port.id))

    async def forgotten(self, transaction: Transaction, removal: model.Removal) -> None:
        transaction.wake(model.Kind.TUNNEL, removal.network_id)

    async def give_up(self, id: str, reason: str) -> None:
        """Record Error and the reason, and tell who waits for the port."""
        async with self.database.write() as transaction:
            if await self.failed(transaction, id, reason):
                await holds.wake_holders(transaction, (self.kind, id))
