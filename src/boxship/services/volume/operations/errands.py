"""What others do with the bytes of a volume: while it lasts, nobody else does anything with them."""

from __future__ import annotations

from boxship.core.db.database import Transaction
from boxship.services.volume.operations import volumes
from boxship.services.volume.store import volumes as store


async def end(transaction: Transaction, volume_id: str) -> None:
    """It is done, or given up: the volume is as it was before. Repeatable; a volume that is gone is fine."""
    volume = await store.get(transaction, volume_id, lock=True)
    if volume is not None and volume.errand:
        await volumes.change_wish(transaction, volume, errand="")
