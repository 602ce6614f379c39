"""What to do next about a share: wish and sight in, one step out. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from boxship.drivers.shares.interface import Export
from boxship.drivers.storage.interface import SnapshotSight, VolumeSight
from boxship.services.share.model import GIB, Share, Snapshot


class Step(StrEnum):
    """One step towards the wish."""

    CREATE = "create"  # it was never made
    LOST = "lost"  # it was made and is not there any more: never replace data by an empty share
    REVERT = "revert"  # it is to be what its snapshot holds
    EXTEND = "extend"  # it is smaller than asked for
    SHRINK = "shrink"  # it is larger than asked for
    MOUNT = "mount"  # it is there, and nobody could use it
    EXPORT = "export"  # its rules are others than those that are served
    WITHDRAW = "withdraw"  # nobody may use it by the network while it is changed or removed
    UNMOUNT = "unmount"  # the same on this host
    REMOVE = "remove"  # to be deleted and still there, or being made
    FORGET = "forget"  # deleted and gone
    WAIT = "wait"  # to be deleted but still held; the end of the hold wakes
    SETTLED = "settled"  # as wished


class Sight(msgspec.Struct, frozen=True):
    """What is there of a share: its file system, what of it is exported. ``copying``: something is still being copied into it,
    by an earlier step whose end nobody waited for."""

    volume: VolumeSight | None
    export: Export | None
    copying: bool = False


def next_step(share: Share, sight: Sight, wanted: Export | None, *, held: bool) -> Step:
    """The step that brings the world nearer to the wish. ``wanted``: how it is to be exported, None: it is not mounted yet."""
    if share.deleting:
        return Step.WAIT if held else _towards_nothing(sight)
    if sight.volume is None:
        return _absent(share)
    if share.revert_asked != share.reverted:
        return _unused(sight) or Step.REVERT
    if sight.volume.size != share.size * GIB:
        return Step.EXTEND if sight.volume.size < share.size * GIB else _unused(sight) or Step.SHRINK
    if sight.volume.path is None:
        return Step.MOUNT
    return Step.SETTLED if sight.export == wanted else Step.EXPORT


def _absent(share: Share) -> Step:
    """What was never made and declared broken stays so: no host could take it."""
    if share.made:
        return Step.LOST
    return Step.WAIT if share.condemned else Step.CREATE


def _unused(sight: Sight) -> Step | None:
    """What has to end before its bytes may change."""
    if sight.export is not None:
        return Step.WITHDRAW
    if sight.volume is not None and (sight.volume.path or sight.volume.device):
        return Step.UNMOUNT
    return None


def _towards_nothing(sight: Sight) -> Step:
    step = _unused(sight)
    if step is not None:
        return step
    if sight.volume is None and not sight.copying:
        return Step.FORGET
    return Step.REMOVE


def next_snapshot_step(snapshot: Snapshot, sight: SnapshotSight | None, *, held: bool, copying: bool) -> Step:
    """The same for a snapshot, which is made and removed, and never changed."""
    if not snapshot.deleting:
        if sight is not None:
            return Step.SETTLED
        return Step.LOST if snapshot.made else Step.CREATE
    if held:
        return Step.WAIT
    return Step.REMOVE if sight is not None or copying else Step.FORGET
