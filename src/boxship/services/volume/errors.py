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


class UnknownVolumeType(errors.BadRequest):
    """The type named in a body does not exist; Cinder answers 404 for a path and 400 in a body."""

    def __init__(self, volume_type: str) -> None:
        super().__init__(f"Volume type with name {volume_type} could not be found.", field="volume.volume_type")


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


class VolumeLimitExceeded(errors.OverQuota):
    """The project has as many volumes as it may."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"Maximum number of volumes allowed ({allowed}) exceeded for quota 'volumes'.")


class VolumeSizeExceedsAvailableQuota(errors.OverQuota):
    """The gigabytes of the project would exceed its quota."""

    def __init__(self, requested: int, allowed: int, consumed: int) -> None:
        super().__init__(
            "Requested volume or snapshot exceeds allowed gigabytes quota. "
            f"Requested {requested}G, quota is {allowed}G and {consumed}G has been consumed."
        )


class ExtraSpecNotFound(errors.NotFound):
    """The type has no such key."""

    def __init__(self, volume_type: str, key: str) -> None:
        super().__init__(f"Volume Type {volume_type} has no extra specs with key {key}.")


class MessageNotFound(errors.NotFound):
    """Nothing went wrong with that volume."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Message {message} could not be found.")
