"""What a new volume begins with: found, checked, and held until the volume is made."""

from __future__ import annotations

import msgspec

from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.services.volume import errors
from boxship.services.volume.model import KIND, SNAPSHOT, Snapshot, Volume
from boxship.services.volume.states import SnapshotState, State
from boxship.services.volume.store import snapshots as snapshot_store
from boxship.services.volume.store import volumes as store

_KINDS = {"volume": KIND, "snapshot": SNAPSHOT}
"""The kinds of the driver's sources as kinds of rows."""
_COPIED = frozenset({State.AVAILABLE, State.IN_USE})


class Origin(msgspec.Struct, frozen=True):
    """What a new volume begins with: a kind of the driver's and an id, or nothing; ``size`` in GiB; whose disk it is on, and
    the type that the new one has unless another is named."""

    kind: str = ""
    id: str | None = None
    size: int = 0
    host: str | None = None
    type_id: str | None = None
    bootable: bool = False


async def origin(transaction: Transaction, caller: Caller, snapshot_id: str | None, volume_id: str | None) -> Origin:
    """What the request names. BadRequest: both; errors as ``snapshot`` and ``volume``."""
    if snapshot_id and volume_id:
        raise core_errors.BadRequest("a volume is made from one resource, not from two", field="volume.source_volid")
    if snapshot_id:
        taken, of = await snapshot(transaction, caller, snapshot_id)
        return Origin("snapshot", taken.id, taken.size, taken.host, of.type_id, of.bootable)
    if volume_id:
        copied = await volume(transaction, caller, volume_id)
        return Origin("volume", copied.id, copied.size, copied.host, copied.type_id, copied.bootable)
    return Origin()


async def snapshot(transaction: Transaction, caller: Caller, id: str) -> tuple[Snapshot, Volume]:
    """A snapshot to make a volume from, and its volume. SnapshotNotFound; InvalidSnapshot: it is not taken yet, or is going."""
    found = await snapshot_store.get(transaction, id, lock=True)
    of = await store.get(transaction, found.volume_id) if found else None
    if found is None or of is None or not caller.sees(found.project_id):
        raise errors.SnapshotNotFound(id)
    if found.status != SnapshotState.AVAILABLE:
        raise errors.InvalidSnapshot(f"its status is {found.status}; it must be available")
    return found, of


async def volume(transaction: Transaction, caller: Caller, id: str) -> Volume:
    """A volume to make another one from. VolumeNotFound; InvalidVolume: it is neither available nor in use."""
    found = await store.get(transaction, id, lock=True)
    if found is None or not caller.sees(found.project_id):
        raise errors.VolumeNotFound(id)
    if found.status not in _COPIED:
        raise errors.InvalidVolume(f"the source's status is {found.status}; it must be available or in-use")
    return found


def size(wished: int | None, origin: Origin) -> int:
    """GiB of the new volume: what is wished, else those of its origin. BadRequest: neither is said, or less than it has."""
    if wished is None and not origin.size:
        raise core_errors.BadRequest("a blank volume needs a size in GiB", field="volume.size")
    if wished is not None and wished < origin.size:
        raise core_errors.BadRequest(
            f"{wished} GiB is less than the {origin.size} GiB of the {origin.kind} that the volume is made from",
            field="volume.size",
        )
    return wished or origin.size


async def hold(transaction: Transaction, made: Volume) -> None:
    """What the volume is made from stays until it is made."""
    if kind := _KINDS.get(made.source_kind):
        await holds.hold(transaction, (kind, made.source_id or ""), (KIND, made.id))


async def let_go(transaction: Transaction, made: Volume) -> None:
    """The volume is made, or never will be. Repeatable."""
    if kind := _KINDS.get(made.source_kind):
        await holds.release(transaction, (kind, made.source_id or ""), (KIND, made.id))
