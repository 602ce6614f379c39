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
from boxship.core.db.database import Database
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

    def __init__(self, database: Database, fabric: Fabric) -> None:
        self.database = database
        self.fabric = fabric
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

    async def make_network(self, id: str) -> bool:
        """Make a network as its row wishes, and record it; False: it has no row."""
        async with self.lock(model.Kind.NETWORK, id):
            async with self.database.read() as transaction:
                network = await rows.get(transaction, tables.networks, model.Network, id)
                subnets = (await networks_store.subnets_of(transaction, [id])).get(id, [])
            if network is None:
                return False
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
        """Make a group as its row wishes, and record it; False: it has no row."""
        async with self.lock(model.Kind.GROUP, id):
            async with self.database.read() as transaction:
                group = await rows.get(transaction, tables.groups, model.Group, id)
                rules = (await groups_store.rules_of(transaction, [id])).get(id, [])
                remotes = {rule.remote_group_id for rule in rules if rule.remote_group_id} - {id}
                named = await groups_store.named_as_remote(transaction, [id])
                members = await ports_store.members(transaction, [*remotes, *named])
            if group is None:
                return False
            await self._told(plan.group(group, rules, members.get(id, ())), remotes)
            self._made.add((model.Kind.GROUP, id))
            if group.observed != group.generation or group.reason:
                async with self.database.write() as transaction:
                    await rows.observe(transaction, tables.groups, id, group.generation, reason=None)
            return True

    async def _told(self, spec: GroupSpec, remotes: Iterable[str]) -> None:
        """Groups may name each other, so none can always come first: one that is not there yet is made closed."""
        try:
            await self.fabric.ensure_group(spec)
        except errors.Absent:
            there = (await self.fabric.sight()).groups
            for id in sorted(set(remotes) - there):
                await self.fabric.ensure_group(GroupSpec(id, ()))
                self.forget((), [id])
            await self.fabric.ensure_group(spec)
