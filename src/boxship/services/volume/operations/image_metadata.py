"""Metadata of the image of a volume: show, set, remove."""

from __future__ import annotations

from collections.abc import Mapping

from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.volume import errors
from boxship.services.volume.operations import volumes
from boxship.services.volume.store import image_metadata as store

MOST = 128
"""Pairs that a volume has at most."""


async def get(transaction: Transaction, caller: Caller, id: str) -> dict[str, str]:
    """All of it. VolumeNotFound."""
    await volumes.get_volume(transaction, caller, id)
    return (await store.of(transaction, [id])).get(id, {})


async def put(transaction: Transaction, caller: Caller, id: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """Set pairs, others stay; all of it then. VolumeNotFound; BadRequest: too many."""
    await volumes.get_volume(transaction, caller, id, lock=True)
    every = (await store.of(transaction, [id])).get(id, {}) | dict(pairs)
    if len(every) > MOST:
        raise core_errors.BadRequest(f"a volume has at most {MOST} of these", field="os-set_image_metadata.metadata")
    await store.put(transaction, id, pairs)
    return every


async def remove(transaction: Transaction, caller: Caller, id: str, key: str) -> None:
    """Remove one pair. VolumeNotFound, ImageMetadataNotFound."""
    await volumes.get_volume(transaction, caller, id, lock=True)
    if not await store.drop(transaction, id, key):
        raise errors.ImageMetadataNotFound(id, key)
