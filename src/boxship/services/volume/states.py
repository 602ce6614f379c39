"""The states of a volume as users see them, and how they follow from wish and sight. Pure.

    creating ──> available ──> reserved ──> attaching ──> in-use ──> detaching ──> available
                     └──> awaiting-transfer ──> available, extending ──> as before, reverting ──> available
        └──> error <── (any step that was refused)         deleting ──> (gone) | error_deleting

``error`` and ``error_deleting`` end with the next change of the wish: attach, detach, delete, or a reset by an admin.
"""

from __future__ import annotations

from enum import StrEnum

from boxship.services.volume.model import Backup, Snapshot, Volume


class State(StrEnum):
    """The words of the Block Storage API."""

    CREATING = "creating"  # asked for, not yet in the storage
    AVAILABLE = "available"  # in the storage, nobody needs it
    AWAITING_TRANSFER = "awaiting-transfer"  # offered to another project
    MAINTENANCE = "maintenance"  # declared so by an admin: nobody attaches it
    RESERVED = "reserved"  # somebody needs it, not yet mounted
    ATTACHING = "attaching"  # its device is wanted, or about to be
    IN_USE = "in-use"  # mounted for its holders
    DETACHING = "detaching"  # no holder any more, not yet unmounted
    DOWNLOADING = "downloading"  # its image is being copied into it
    UPLOADING = "uploading"  # an image is being made of it
    BACKING_UP = "backing-up"  # a backup is being made of it
    RESTORING = "restoring-backup"  # a backup is being copied into it
    EXTENDING = "extending"  # to become larger
    REVERTING = "reverting"  # to become what its snapshot holds
    DELETING = "deleting"  # to be removed once nobody holds it
    ERROR = "error"  # a step was refused; the fault says why
    ERROR_DELETING = "error_deleting"  # the removal was refused; asking again tries again


CLAIMS = frozenset(
    {
        State.CREATING,
        State.MAINTENANCE,
        State.RESERVED,
        State.ATTACHING,
        State.IN_USE,
        State.DETACHING,
        State.AWAITING_TRANSFER,
    }
)
"""What a claim may be: states that do not follow from the storage, as they are about what clients do elsewhere, or declared
by an admin."""


ERRANDS = frozenset({State.UPLOADING, State.BACKING_UP, State.RESTORING})
"""What others do with the bytes of a volume."""
IMAGE = "image"
"""The kind of source that is not the storage's own."""


def shown(volume: Volume) -> State:
    """The state that follows from the row. A fault counts only for the wish that it was recorded for."""
    failed = volume.fault is not None and volume.observed == volume.generation
    if volume.deleting:
        return State.ERROR_DELETING if failed else State.DELETING
    if failed or volume.condemned:
        return State.ERROR
    return _changing(volume) or _used(volume)


def _changing(volume: Volume) -> State | None:
    """What is done to its bytes."""
    if not volume.made:
        return State.DOWNLOADING if volume.source_kind == IMAGE else State.CREATING
    if volume.errand:
        return State(volume.errand)
    if volume.revert_asked != volume.reverted:
        return State.REVERTING
    return State.EXTENDING if volume.made_size < volume.size else None


def _used(volume: Volume) -> State:
    """Who needs it."""
    if volume.claim:
        return State(volume.claim)
    if not volume.attached:
        return State.DETACHING if volume.path or volume.device else State.AVAILABLE
    return State.IN_USE if volume.path or (volume.device and not volume.mounted) else State.RESERVED


class SnapshotState(StrEnum):
    """The words of the Block Storage API for snapshots."""

    CREATING = "creating"  # asked for, not yet taken
    AVAILABLE = "available"  # taken
    DELETING = "deleting"  # to be removed once nothing is being made from it
    ERROR = "error"  # it could not be taken; the fault says why
    ERROR_DELETING = "error_deleting"  # the removal was refused; asking again tries again


def snapshot_shown(snapshot: Snapshot) -> SnapshotState:
    """The state that follows from the row. A fault counts only for the wish that it was recorded for."""
    failed = snapshot.fault is not None and snapshot.observed == snapshot.generation
    if snapshot.deleting:
        return SnapshotState.ERROR_DELETING if failed else SnapshotState.DELETING
    if failed or snapshot.condemned:
        return SnapshotState.ERROR
    if snapshot.declared:
        return SnapshotState(snapshot.declared)
    return SnapshotState.AVAILABLE if snapshot.made else SnapshotState.CREATING


class BackupState(StrEnum):
    """The words of the Block Storage API for backups."""

    CREATING = "creating"  # asked for, not yet whole
    AVAILABLE = "available"  # whole and verified
    RESTORING = "restoring"  # being copied into a volume
    DELETING = "deleting"  # to be removed
    ERROR = "error"  # it could not be made; the fault says why
    ERROR_DELETING = "error_deleting"  # the removal was refused; asking again tries again


def backup_shown(backup: Backup) -> BackupState:
    """The state that follows from the row. A fault counts only for the wish that it was recorded for."""
    failed = backup.fault is not None and backup.observed == backup.generation
    if backup.deleting:
        return BackupState.ERROR_DELETING if failed else BackupState.DELETING
    if failed or backup.condemned:
        return BackupState.ERROR
    if not backup.made:
        return BackupState.CREATING
    return BackupState.RESTORING if backup.restore_asked != backup.restored else BackupState.AVAILABLE
