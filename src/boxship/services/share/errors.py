"""What can go wrong with shares, each with the sentence the user reads; names as Manila's clients know them."""

from __future__ import annotations

from boxship.core import errors


class ShareNotFound(errors.NotFound):
    """No such share, or not the caller's."""

    def __init__(self, share: str) -> None:
        super().__init__(f"Share {share} could not be found.")


class SeveralShares(errors.Conflict):
    """A name that several shares have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Several shares are called {name}; name one by its id.")


class SnapshotNotFound(errors.NotFound):
    """No such snapshot, or not the caller's."""

    def __init__(self, snapshot: str) -> None:
        super().__init__(f"Snapshot {snapshot} could not be found.")


class RuleNotFound(errors.NotFound):
    """No such access rule, or of a share that is not the caller's."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"Share access rule {rule} could not be found.")


class RuleExists(errors.BadRequest):
    """The share is open to this address already; Manila answers 400."""

    def __init__(self, access_type: str, access_to: str) -> None:
        super().__init__(f"Share access {access_type}:{access_to} exists.")


class LocationNotFound(errors.NotFound):
    """No such export location of this share."""

    def __init__(self, location: str) -> None:
        super().__init__(f"Export location with id '{location}' could not be found.")


class MetadataNotFound(errors.NotFound):
    """No such key in the metadata."""

    def __init__(self) -> None:
        super().__init__("Metadata item was not found.")


class InvalidShare(errors.BadRequest):
    """The state of the share does not allow it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid share: {reason}")


class ShareInUse(errors.Forbidden):
    """The share cannot be deleted now; Manila answers 403."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid share: {reason}")


class InvalidSnapshot(errors.Forbidden):
    """The state of the snapshot does not allow it; Manila answers 403."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid share snapshot: {reason}")


class ShareTypeNotFound(errors.NotFound):
    """No such type, or a private one."""

    def __init__(self, share_type: str) -> None:
        super().__init__(f"Share type {share_type} could not be found.")


class ShareTypeExists(errors.Conflict):
    """Names of types are unique."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Share Type {name} already exists.")


class ExtraSpecNotFound(errors.NotFound):
    """No such extra spec."""

    def __init__(self, share_type: str, key: str) -> None:
        super().__init__(f"Share Type {share_type} has no extra specs with key {key}.")


class MessageNotFound(errors.NotFound):
    """No such message, or not the caller's."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Message {message} could not be found.")


class ServiceNotFound(errors.NotFound):
    """No such service on such a host."""

    def __init__(self, binary: str, host: str) -> None:
        super().__init__(f"Service {binary} on host {host} could not be found.")


_LIMITS = {
    "shares": "ShareLimitExceeded: Maximum number of shares allowed ({limit}) exceeded.",
    "gigabytes": "Requested share exceeds allowed gigabytes quota: {asked} more than the {used} of {limit} in use.",
    "snapshots": "Maximum number of share snapshots allowed ({limit}) exceeded.",
    "snapshot_gigabytes": "Requested share snapshot exceeds allowed gigabytes quota: {asked} more than the {used} of "
    "{limit} in use.",
}


def exceeded(resource: str, asked: int, limit: int, used: int) -> errors.OverQuota:
    """The project would have more than it may."""
    return errors.OverQuota(_LIMITS[resource].format(asked=asked, limit=limit, used=used))
