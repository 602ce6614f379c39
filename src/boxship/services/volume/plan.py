"""What to do next about a volume: wish and sight in, one step out. Pure."""

from __future__ import annotations

from enum import StrEnum

from boxship.drivers.storage.interface import BackupSight, SnapshotSight, VolumeSight
from boxship.services.volume.model import GIB, Backup, Snapshot, Volume


class Step(StrEnum):
    """One step towards the wish."""

    CREATE = "create"  # it was never made
    LOST = "lost"  # it was made and is not there any more: never replace data by an empty volume
    REVERT = "revert"  # it is to be what its snapshot holds
    RESTORE = "restore"  # a volume is to hold what it has
    EXTEND = "extend"  # it is smaller than asked for
    ATTACH = "attach"  # somebody needs its device
    MOUNT = "mount"  # somebody needs it mounted
    UNMOUNT = "unmount"  # nobody needs the mount any more, nor the device
    LOOSEN = "loosen"  # nobody needs the mount any more, but the device
    DETACH = "detach"  # nobody needs the device any more
    REMOVE = "remove"  # to be deleted and still there, or being made
    FORGET = "forget"  # deleted and gone
    WAIT = "wait"  # to be deleted but still held; the end of the hold wakes
    SETTLED = "settled"  # as wished


def next_step(volume: Volume, sight: VolumeSight | None, *, held: bool, copying: bool = False) -> Step:
    """The step that brings the world nearer to the wish. A deleted volume stays as it is while somebody needs it; ``copying``:
    something is still being copied into it, by an earlier step whose end nobody waited for."""
    if volume.deleting and not volume.attached:
        return _towards_nothing(sight, held=held, copying=copying)
    if sight is None:
        return _absent(volume)
    if volume.revert_asked != volume.reverted:
        return _undone(sight) or Step.REVERT
    if sight.size < volume.size * GIB:
        return Step.EXTEND
    return _use(volume, sight)


def _absent(volume: Volume) -> Step:
    """What was never made and declared broken stays so: no host could take it."""
    if volume.made:
        return Step.LOST
    return Step.WAIT if volume.condemned else Step.CREATE


def _use(volume: Volume, sight: VolumeSight) -> Step:
    if volume.mounted and sight.path is None:
        return Step.MOUNT
    if volume.attached and sight.device is None:
        return Step.ATTACH
    if volume.attached and not volume.mounted and sight.path is not None:
        return Step.LOOSEN
    if not volume.attached:
        return _undone(sight) or Step.SETTLED
    return Step.SETTLED


def _towards_nothing(sight: VolumeSight | None, *, held: bool, copying: bool) -> Step:
    if held:
        return Step.WAIT
    if sight is None:
        return Step.REMOVE if copying else Step.FORGET
    return _undone(sight) or Step.REMOVE


def _undone(sight: VolumeSight) -> Step | None:
    """Mounted, or left with a device by a step that was cut off."""
    if sight.path is not None:
        return Step.UNMOUNT
    return Step.DETACH if sight.device is not None else None


def next_snapshot_step(snapshot: Snapshot, sight: SnapshotSight | None, *, held: bool, copying: bool) -> Step:
    """The same for a snapshot, which is made and removed, and never changed."""
    if not snapshot.deleting:
        if sight is not None:
            return Step.SETTLED
        return Step.LOST if snapshot.made else Step.CREATE
    if held:
        return Step.WAIT
    return Step.REMOVE if sight is not None or copying else Step.FORGET


def next_backup_step(backup: Backup, sight: BackupSight | None) -> Step:
    """The same for a backup, which besides is copied back into volumes."""
    if backup.deleting:
        return Step.REMOVE if sight is not None else Step.FORGET
    if sight is None:
        return Step.LOST if backup.made else Step.CREATE
    return Step.RESTORE if backup.restore_asked != backup.restored else Step.SETTLED
