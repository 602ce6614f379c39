"""Changed wishes of snapshots: written and told to their reconciler."""

from __future__ import annotations

from boxship.core import errors as core_errors
from boxship.core.db.database import Transaction
from boxship.services.volume.model import SNAPSHOT, Snapshot
from boxship.services.volume.store import snapshots as store


async def change(transaction: Transaction, snapshot: Snapshot, **changes: bool | str | None) -> Snapshot:
    """Write a changed wish and wake the reconciler. Conflict: somebody else changed it at the same moment."""
    changed = await write(transaction, snapshot, generation=snapshot.generation + 1, **changes)
    transaction.wake(SNAPSHOT, snapshot.id)
    return changed


async def write(transaction: Transaction, snapshot: Snapshot, **changes: object) -> Snapshot:
    """Write what is no wish. Conflict."""
    changed = await store.update(transaction, snapshot, **changes)
    if changed is None:
        raise core_errors.Conflict(f"Snapshot {snapshot.id} is being changed by another request; try again.")
    return changed


async def discard(transaction: Transaction, snapshot: Snapshot) -> None:
    """Have a snapshot removed, whatever its state; after a failure it is tried again."""
    if snapshot.deleting and snapshot.observed != snapshot.generation:
        return
    await change(transaction, snapshot, deleting=True)
