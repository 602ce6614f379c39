"""Joins the networks of this host with those of the same name on others: which hosts have a network, and where each of its
MAC addresses is. Nothing is stored; what other hosts have follows from the rows of ports.

A change of a port wakes every host that may have the network. What a wake-up that was lost would have told is found by the
look at all networks of this host, which the clock brings.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import structlog

from boxship.core.db.database import Transaction
from boxship.drivers.linux import interface as linux
from boxship.services.network import model, plan
from boxship.services.network.reconciler.ground import Ground
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import rows, tables

log = structlog.get_logger("network")


class TunnelReconciler:
    """One tunnel per network that this host has and that is not external; its id is the network's."""

    kind: str = model.Kind.TUNNEL
    leisure: float = 4.0  # a fifth of the time at most, however many ports come and go

    def __init__(self, ground: Ground, local: linux.Address, port: int, *, deadline: float) -> None:
        self.deadline = deadline
        self._ground = ground
        self._local = local
        self._port = port

    async def all(self) -> Iterable[str]:
        """The networks of this host."""
        async with self._ground.database.read() as transaction:
            return sorted(await ports_store.networks_on(transaction, self._ground.hosts.here))

    async def due(self) -> Iterable[str]:
        """The same: whether a tunnel is as it must be is known by looking only."""
        return await self.all()

    async def share(self, id: str) -> str:
        """The project of the network."""
        async with self._ground.database.read() as transaction:
            return await rows.project(transaction, tables.networks, id)

    async def reconcile(self, id: str) -> None:
        """Make the tunnel as the ports of the network are placed; nothing where this host has not got the network."""
        async with self._ground.database.read() as transaction:
            network = await rows.get(transaction, tables.networks, model.Network, id)
            here = network is not None and await self._ground.has_network(transaction, id)
            others = await ports_store.elsewhere(transaction, id, self._ground.hosts.here) if here else []
        if network is None or not here or network.external:
            await self._ground.fabric.remove_tunnel(id)
            return
        await self._ground.ensure([id], ())
        await self._ground.fabric.ensure_tunnel(plan.tunnel(network, (self._local, self._port), self._placed(others)))

    def _placed(self, ports: Iterable[model.Port]) -> list[tuple[model.Port, linux.Address]]:
        """The ports with the tunnel addresses of their hosts; on a host without one they cannot be reached."""
        addresses = {port.host: self._ground.hosts.tunnel_address(port.host) for port in ports}
        return [(port, ipaddress.ip_address(addresses[port.host])) for port in ports if addresses[port.host]]

    async def give_up(self, id: str, reason: str) -> None:
        """The network works on each host by itself; the operator reads why it does not across them."""
        log.error("a network is not joined with other hosts", network=id, reason=reason)

    async def sweep(self) -> None:
        """Take away the tunnels of networks that this host has not got any more."""
        there = (await self._ground.fabric.sight()).tunnels
        if not there:
            return
        async with self._ground.database.read() as transaction:
            wanted = await self._wanted(transaction)
        for id in sorted(there - wanted):
            await self._ground.fabric.remove_tunnel(id)

    async def _wanted(self, transaction: Transaction) -> set[str]:
        return await ports_store.networks_on(transaction, self._ground.hosts.here)
