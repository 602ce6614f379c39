"""The states of a volume as users see them, and how they follow from wish and sight. Pure.

    creating ──> available ──> reserved ──> in-use ──> detaching ──> available
        └──> error <── (any step that was refused)         deleting ──> (gone) | error_deleting

``error`` and ``error_deleting`` end with the next change of the wish: attach, detach, delete, or a reset by an admin.
"""

from __future__ import annotations

from enum import StrEnum

from boxship.services.volume.model import Volume


class State(StrEnum):
    """The words of the Block Storage API."""

    CREATING = "creating"  # asked for, not yet in the storage
    AVAILABLE = "available"  # in the storage, nobody needs it
    RESERVED = "reserved"  # somebody needs it, not yet mounted
    IN_USE = "in-use"  # mounted for its holders
    DETACHING = "detaching"  # no holder any more, not yet unmounted
    DELETING = "deleting"  # to be removed once nobody holds it
    ERROR = "error"  # a step was refused; the fault says why
    ERROR_DELETING = "error_deleting"  # the removal was refused; asking again tries again


def shown(volume: Volume) -> State:
    """The state that follows from the row. A fault counts only for the wish that it was recorded for."""
    failed = volume.fault is not None and volume.observed == volume.generation
    if volume.deleting:
        return State.ERROR_DELETING if failed else State.DELETING
    if failed or volume.condemned:
        return State.ERROR
    if not volume.made:
        return State.CREATING
    if volume.attached:
        return State.IN_USE if volume.path else State.RESERVED
    return State.DETACHING if volume.path else State.AVAILABLE
