"""The ground that ports stand on: networks and security groups, made real once per start and on every wish.

A port needs its network and groups in the kernel, and its reconciler makes them where theirs have not come to it yet.
So that two reconcilers never tell the kernel an older and a newer wish in the wrong order, load, act and record of one
network or group happen under its lock. What was made since the program started is remembered only as a hint.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable

from boxship.core import errors
from boxship.core.db.database import Database, Transaction
from boxship.core.hosts import Hosts
from boxship.drivers.linux.interface import Fabric, GroupSpec
from boxship.services.network import model, plan
from boxship.services.network.store import groups as groups_store
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import rows, tables

Key = tuple[str, str]
"""A kind and an id."""


class Ground:
    """Networks and groups in the kernel of this host."""

    def __init__(self, database: Database, fabric: Fabric, hosts: Hosts) -> None:
        self.database = database
        self.fabric = fabric
        self.hosts = hosts
        self._locks: weakref.WeakValueDictionary[Key, asyncio.Lock] = weakref.WeakValueDictionary()
        self._made: set[Key] = set()

    def lock(self, kind: str, id: str) -> asyncio.Lock:
        """The lock of a network or group."""
        return self._locks.setdefault((kind, id), asyncio.Lock())

    def forget(self, network_ids: Iterable[str], group_ids: Iterable[str]) -> None:
        """The kernel lacks one of these, whatever was remembered."""
        self._made -= {(model.Kind.NETWORK, id) for id in network_ids} | {(model.Kind.GROUP, id) for id in group_ids}

    async def ensure(self, network_ids: Iterable[str], group_ids: Iterable[str]) -> None:
        """Make those of them real that were not since the start; what has no row is left to whoever stumbles over it."""
        for id in network_ids:
            if (model.Kind.NETWORK, id) not in self._made:
                await self.make_network(id)
        for id in group_ids:
            if (model.Kind.GROUP, id) not in self._made:
                await self.make_group(id)

    async def has_network(self, transaction: Transaction, id: str) -> bool:
        """Whether a network is to be on this host: where there is but one all are, and else those of its ports."""
        return not self.hosts.shared or bool(await ports_store.networks_on(transaction, self.hosts.here, id))

    async def has_group(self, transaction: Transaction, id: str) -> bool:
        """Whether a group is to be on this host, as ``has_network``; also those that the groups of its ports name."""
        return not self.hosts.shared or bool(await ports_store.groups_on(transaction, self.hosts.here, id))

    async def make_network(self, id: str) -> bool:
        """Make a network as its row wishes, where it is to be on this host, and record it; False: it has no row."""
        async with self.lock(model.Kind.NETWORK, id):
            async with self.database.read() as transaction:
                network = await rows.get(transaction, tables.networks, model.Network, id)
                subnets = (await networks_store.subnets_of(transaction, [id])).get(id, [])
                here = await self.has_network(transaction, id)
            if network is None:
                return False
            if here:
                await self.fabric.ensure_network(plan.network(network))
                uplink = plan.uplink(network, subnets)
                if uplink is not None:
                    await self.fabric.ensure_uplink(uplink)
                self._made.add((model.Kind.NETWORK, id))
            if network.observed != network.generation or network.reason:
                async with self.database.write() as transaction:
                    seen = {"status": str(model.Status.ACTIVE), "reason": None}
                    await rows.observe(transaction, tables.networks, id, network.generation, **seen)
            return True

    async def make_group(self, id: str) -> bool:
        """Make a group as its row wishes, where it is to be on this host, and record it; False: it has no row."""
        closed: list[str] = []
        async with self.lock(model.Kind.GROUP, id):
            async with self.database.read() as transaction:
                group = await rows.get(transaction, tables.groups, model.Group, id)
                rules = (await groups_store.rules_of(transaction, [id])).get(id, [])
                remotes = {rule.remote_group_id for rule in rules if rule.remote_group_id} - {id}
                named = await groups_store.named_as_remote(transaction, [id])
                members = await ports_store.members(transaction, [*remotes, *named])
                here = await self.has_group(transaction, id)
            if group is None:
                return False
            if here:
                closed = await self._told(plan.group(group, rules, members.get(id, ())), remotes)
                self._made.add((model.Kind.GROUP, id))
            if group.observed != group.generation or group.reason:
                async with self.database.write() as transaction:
                    await rows.observe(transaction, tables.groups, id, group.generation, reason=None)
        for remote in closed:
            await self.make_group(remote)
        return True

    async def _told(self, spec: GroupSpec, remotes: Iterable[str]) -> list[str]:
        """Groups may name each other, so none can always come first: those that are not there yet are made closed, and are
        what is answered."""
        try:
            await self.fabric.ensure_group(spec)
        except errors.Absent:
            there = (await self.fabric.sight()).groups
            closed = sorted(set(remotes) - there)
            for id in closed:
                await self.fabric.ensure_group(GroupSpec(id, ()))
                self.forget((), [id])
            await self.fabric.ensure_group(spec)
            return closed
        return []
