"""The states of a share as users see them, and how they follow from wish and sight. Pure.

    creating ──> available ──> extending, shrinking, reverting ──> available | extending_error, shrinking_error,
        │            │                                  shrinking_possible_data_loss_error, reverting_error
        └──> error   └──> deleting ──> (gone) | error_deleting

``error`` and ``error_deleting`` end with the next change of the wish; the errors of a change end with the next one, or a
reset by an admin. A share whose size could not be changed has its old one and works on.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from boxship.services.share.model import Rule, Share, Snapshot


class State(StrEnum):
    """The words of the Shared File Systems API."""

    CREATING = "creating"  # asked for, not yet in the storage
    FROM_SNAPSHOT = "creating_from_snapshot"  # the same, with what a snapshot holds
    AVAILABLE = "available"  # in the storage, mounted and exported
    EXTENDING = "extending"  # to become larger
    EXTENDING_ERROR = "extending_error"  # it could not
    SHRINKING = "shrinking"  # to become smaller
    SHRINKING_ERROR = "shrinking_error"  # it could not
    DATA_LOSS = "shrinking_possible_data_loss_error"  # it could not, as it holds more
    REVERTING = "reverting"  # to become what its snapshot holds
    REVERTING_ERROR = "reverting_error"  # it could not
    DELETING = "deleting"  # to be removed once nobody holds it
    ERROR = "error"  # a step was refused; the fault says why
    ERROR_DELETING = "error_deleting"  # the removal was refused; asking again tries again


def shown(share: Share) -> State | str:
    """The state that follows from the row. A fault counts only for the wish that it was recorded for."""
    failed = share.fault is not None and share.observed == share.generation
    if share.deleting:
        return State.ERROR_DELETING if failed else State.DELETING
    if failed or share.condemned:
        return State.ERROR
    return _changing(share) or share.declared or State.AVAILABLE


def _changing(share: Share) -> State | None:
    """What is done to it."""
    if not share.made:
        return State.FROM_SNAPSHOT if share.snapshot_id else State.CREATING
    if share.revert_to is not None:  # until it is mounted again
        return State.REVERTING
    if share.made_size == share.size:
        return None
    return State.EXTENDING if share.made_size < share.size else State.SHRINKING


class RuleState(StrEnum):
    """The words for access rules."""

    APPLYING = "queued_to_apply"  # asked for, not yet exported
    ACTIVE = "active"  # exported
    DENYING = "queued_to_deny"  # still exported
    ERROR = "error"  # it could not be exported


def rule_shown(rule: Rule) -> RuleState:
    """The state of an access rule."""
    if rule.fault is not None:
        return RuleState.ERROR
    if rule.deleting:
        return RuleState.DENYING
    return RuleState.ACTIVE if rule.applied else RuleState.APPLYING


def rules_shown(rules: Iterable[Rule]) -> str:
    """The state of all rules of a share together."""
    states = {rule_shown(rule) for rule in rules}
    if RuleState.ERROR in states:
        return "error"
    return "syncing" if states - {RuleState.ACTIVE} else "active"


class SnapshotState(StrEnum):
    """The words for snapshots."""

    CREATING = "creating"  # asked for, not yet taken
    AVAILABLE = "available"  # taken
    RESTORING = "restoring"  # its share is becoming what it holds
    DELETING = "deleting"  # to be removed once nothing is being made from it
    ERROR = "error"  # it could not be taken; the fault says why
    ERROR_DELETING = "error_deleting"  # the removal was refused; asking again tries again


def snapshot_shown(snapshot: Snapshot) -> SnapshotState | str:
    """The state that follows from the row. A fault counts only for the wish that it was recorded for."""
    failed = snapshot.fault is not None and snapshot.observed == snapshot.generation
    if snapshot.deleting:
        return SnapshotState.ERROR_DELETING if failed else SnapshotState.DELETING
    if failed or snapshot.condemned:
        return SnapshotState.ERROR
    if snapshot.declared:
        return snapshot.declared
    return SnapshotState.AVAILABLE if snapshot.made else SnapshotState.CREATING
