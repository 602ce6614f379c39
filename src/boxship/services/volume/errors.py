"""What can go wrong with volumes, each with the sentence the user reads; names as Cinder's clients know them."""

from __future__ import annotations

from boxship.core import errors


class VolumeNotFound(errors.NotFound):
    """No such volume, or not the caller's."""

    def __init__(self, volume: str) -> None:
        super().__init__(f"Volume {volume} could not be found.")


class VolumeTypeNotFound(errors.NotFound):
    """No such type, or a private one."""

    def __init__(self, volume_type: str) -> None:
        super().__init__(f"Volume type {volume_type} could not be found.")


class UnknownVolumeType(errors.NotFound):
    """The type named in a body does not exist; Cinder answers 404 as for one in a path."""

    def __init__(self, volume_type: str) -> None:
        super().__init__(f"Volume type with name {volume_type} could not be found.")


class VolumeTypeExists(errors.Conflict):
    """Names of types are unique."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Volume Type {name} already exists.")


class VolumeTypeInUse(errors.BadRequest):
    """Volumes of the type exist."""

    def __init__(self, volume_type: str) -> None:
        super().__init__(f"Volume Type {volume_type} deletion is not allowed with volumes present with the type.")


class VolumeTypeDefault(errors.BadRequest):
    """The default type stays."""

    def __init__(self, volume_type: str) -> None:
        super().__init__(
            f"Volume type {volume_type} cannot be deleted as it is the default volume type of the deployment."
        )


class InvalidVolume(errors.BadRequest):
    """The state of the volume does not allow it; Cinder answers 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid volume: {reason}")


class VolumeAttached(InvalidVolume):
    """Somebody uses the volume."""

    def __init__(self, volume: str) -> None:
        super().__init__(
            f"Volume {volume} is still attached; its status must be available or error, "
            "and it must not be attached, to be deleted. Detach it first."
        )


class VolumeInUse(errors.Conflict):
    """Somebody else uses the volume and it is not of a multiattach type."""

    def __init__(self, volume: str) -> None:
        super().__init__(f"Volume {volume} is in use already and its type does not allow several attachments.")


class VolumeUnusable(errors.Conflict):
    """The volume cannot be attached in its state."""

    def __init__(self, volume: str, status: str, reason: str | None) -> None:
        why = f": {reason}" if reason else ""
        super().__init__(f"Volume {volume} cannot be attached while its status is {status}{why}.")


class SeveralVolumes(errors.Conflict):
    """A name that is not unique."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Several volumes are named {name!r}; use the id.")


class AttachmentNotFound(errors.NotFound):
    """No such attachment, or of a volume that is not the caller's."""

    def __init__(self, attachment: str) -> None:
        super().__init__(f"Volume attachment could not be found with filter: attachment_id = {attachment}.")


class MetadataNotFound(errors.NotFound):
    """The volume has no such key."""

    def __init__(self, volume: str, key: str) -> None:
        super().__init__(f"Volume {volume} has no metadata with key {key}.")


class VolumeSizeExceedsAvailableQuota(errors.OverQuota):
    """The gigabytes of the project would exceed its quota."""

    def __init__(self, requested: int, allowed: int, consumed: int, name: str = "gigabytes") -> None:
        super().__init__(
            f"Requested volume or snapshot exceeds allowed {name} quota. "
            f"Requested {requested}G, quota is {allowed}G and {consumed}G has been consumed."
        )


class VolumeSizeExceedsLimit(errors.OverQuota):
    """A single volume may not be that large."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"Requested volume size {size} is larger than maximum allowed limit {limit}.")


class NumberExceeded(errors.OverQuota):
    """The project has as many of something as it may."""

    def __init__(self, name: str, allowed: int) -> None:
        what = name.partition("_")[0]
        super().__init__(f"Maximum number of {what} allowed ({allowed}) exceeded for quota '{name}'.")


class BackupSizeExceedsAvailableQuota(errors.OverQuota):
    """The gigabytes of the project's backups would exceed its quota."""

    def __init__(self, requested: int, allowed: int, consumed: int) -> None:
        super().__init__(
            "Requested backup exceeds allowed Backup gigabytes quota. "
            f"Requested {requested}G, quota is {allowed}G and {consumed}G has been consumed."
        )


def exceeded(name: str, requested: int, allowed: int, consumed: int) -> errors.OverQuota:
    """The error for the quota of that name."""
    if name == "backup_gigabytes":
        return BackupSizeExceedsAvailableQuota(requested, allowed, consumed)
    if name.startswith("gigabytes"):
        return VolumeSizeExceedsAvailableQuota(requested, allowed, consumed, name)
    return NumberExceeded(name, allowed)


class ExtraSpecNotFound(errors.NotFound):
    """The type has no such key."""

    def __init__(self, volume_type: str, key: str) -> None:
        super().__init__(f"Volume Type {volume_type} has no extra specs with key {key}.")


class MessageNotFound(errors.NotFound):
    """Nothing went wrong with that volume."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Message {message} could not be found.")


class TransferNotFound(errors.NotFound):
    """No such transfer, or not the caller's."""

    def __init__(self, transfer: str) -> None:
        super().__init__(f"Transfer {transfer} could not be found.")


class InvalidAuthKey(errors.BadRequest):
    """The key is another one."""

    def __init__(self, transfer: str) -> None:
        super().__init__(f"Invalid auth key: Attempt to transfer {transfer} with invalid auth key.")


class TypeAccessExists(errors.Conflict):
    """The project has access already."""

    def __init__(self, volume_type: str, project: str) -> None:
        super().__init__(f"Volume type access for {volume_type} / {project} combination already exists.")


class TypeAccessNotFound(errors.NotFound):
    """The project has no access, so none is taken away; or everybody has."""

    def __init__(self, volume_type: str, project: str) -> None:
        super().__init__(f"Volume type access not found for {volume_type} / {project} combination.")


class TypeIsPublic(errors.Conflict):
    """Access is not given to what everybody has."""

    def __init__(self, volume_type: str) -> None:
        super().__init__(f"Type access modification is not applicable to public volume type {volume_type}.")


class ServiceNotFound(errors.NotFound):
    """No such service on that host."""

    def __init__(self, binary: str, host: str) -> None:
        super().__init__(f"Service {binary} could not be found on host {host}.")


class HostNotFound(errors.NotFound):
    """No service of that host is known."""

    def __init__(self, host: str) -> None:
        super().__init__(f"Host {host} could not be found.")


class AttachedElsewhere(errors.BadRequest):
    """The data is on another host's disk."""

    def __init__(self, volume: str, host: str, wanted: str) -> None:
        super().__init__(
            f"Invalid volume: {volume} is on the disk of host {host} and cannot be attached to host {wanted}."
        )


class InvalidAttachMode(errors.BadRequest):
    """The volume may be read only."""

    def __init__(self, volume: str, mode: str) -> None:
        super().__init__(f"Invalid attaching mode '{mode}' for volume {volume}, which is read-only.")


class SnapshotNotFound(errors.NotFound):
    """No such snapshot, or not the caller's."""

    def __init__(self, snapshot: str) -> None:
        super().__init__(f"Snapshot {snapshot} could not be found.")


class InvalidSnapshot(errors.BadRequest):
    """The state of the snapshot does not allow it; Cinder answers 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid snapshot: {reason}.")


class SnapshotMetadataNotFound(errors.NotFound):
    """The snapshot has no such key."""

    def __init__(self, snapshot: str, key: str) -> None:
        super().__init__(f"Snapshot {snapshot} has no metadata with key {key}.")


class VolumeHasSnapshots(InvalidVolume):
    """Its snapshots go first, or with it."""

    def __init__(self, volume: str, count: int) -> None:
        super().__init__(f"Volume {volume} still has {count} dependent snapshots; delete them first, or with cascade.")


class AttachmentHeld(errors.Conflict):
    """A service of this program needs the volume, and lets go by itself when what it runs is gone."""

    def __init__(self, kind: str, holder: str) -> None:
        super().__init__(f"The volume is held by {kind} {holder}; it is detached when that is removed.")


class ImageMetadataNotFound(errors.NotFound):
    """The image of the volume has no such key."""

    def __init__(self, volume: str, key: str) -> None:
        super().__init__(f"Metadata of the image of volume {volume} has no key {key}.")


class BackupNotFound(errors.NotFound):
    """No such backup, or not the caller's."""

    def __init__(self, backup: str) -> None:
        super().__init__(f"Backup {backup} could not be found.")


class InvalidBackup(errors.BadRequest):
    """The state of the backup does not allow it; Cinder answers 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid backup: {reason}.")
