"""Makes security groups real: rules, and the members where a rule of some group names this one."""

from __future__ import annotations

from boxship.core.db.database import Transaction
from boxship.drivers.linux.interface import FabricSight
from boxship.services.network import model
from boxship.services.network.reconciler.base import Rows
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import tables


class GroupReconciler(Rows):
    """Rows of ``security_groups``."""

    kind: str = model.Kind.GROUP
    leisure: float = 4.0  # a fifth of the time at most, however many ports come and go
    table = tables.groups

    def seen(self, sight: FabricSight) -> frozenset[str]:
        return sight.groups

    async def wanted(self, transaction: Transaction) -> list[str]:
        """All groups, or those that matter to this host's ports where other hosts are."""
        if not self.hosts.shared:
            return await super().wanted(transaction)
        return sorted(await ports_store.groups_on(transaction, self.hosts.here))

    async def remove(self, id: str) -> None:
        self.ground.forget((), [id])
        await self.fabric.remove_group(id)

    async def reconcile(self, id: str) -> None:
        """Make the group as its row says, or remove it."""
        if not await self.ground.make_group(id):
            await self.cleared(id)
