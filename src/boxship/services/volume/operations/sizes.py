"""What changes the bytes of a volume that is there: growing, and going back to a snapshot. Writes wishes only."""

from __future__ import annotations

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.services.volume import errors
from boxship.services.volume.model import KIND, SNAPSHOT, Volume
from boxship.services.volume.operations import following, quotas, sources, volume_types, volumes
from boxship.services.volume.states import State
from boxship.services.volume.store import snapshots as snapshot_store

_GROWS = frozenset({State.AVAILABLE, State.IN_USE})


async def extend(transaction: Transaction, caller: Caller, settings: Settings, id: str, new_size: int) -> Volume:
    """Ask for more room, in GiB, used or not.

    VolumeNotFound; InvalidVolume: neither available nor in use; BadRequest: not more than it has; OverQuota.
    """
    await following.adopt(transaction, caller, settings, id)
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if volume.status not in _GROWS:
        raise errors.InvalidVolume(f"Volume {id} status must be available or in-use to extend, but is {volume.status}.")
    if new_size <= volume.size:
        raise core_errors.BadRequest(
            f"New size for extend must be greater than current size. (current: {volume.size}, extended: {new_size}).",
            field="os-extend.new_size",
        )
    kind = await volume_types.of_volume(transaction, volume)
    demand = quotas.Demand(type_name=kind.name, gigabytes=new_size - volume.size, largest=new_size)
    await quotas.require(transaction, settings, volume.project_id, demand)
    return await volumes.change_wish(transaction, volume, size=new_size)


async def revert(transaction: Transaction, caller: Caller, id: str, snapshot_id: str) -> Volume:
    """Ask that the volume holds again what its newest snapshot holds; its size stays.

    VolumeNotFound, SnapshotNotFound; BadRequest: a snapshot of another volume, or not the newest; InvalidVolume: in use.
    """
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    snapshot, _ = await sources.snapshot(transaction, caller, snapshot_id)
    newest = await snapshot_store.newest(transaction, id)
    if newest is None or newest.id != snapshot.id:
        raise core_errors.BadRequest("not the newest snapshot of this volume", field="revert.snapshot_id")
    if volume.status != State.AVAILABLE:
        raise errors.InvalidVolume(f"Volume {id} status must be available to revert it, but is {volume.status}.")
    await holds.hold(transaction, (SNAPSHOT, snapshot.id), (KIND, id))
    return await volumes.change_wish(transaction, volume, revert_to=snapshot.id, revert_asked=volume.revert_asked + 1)
