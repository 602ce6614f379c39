"""What to do next about a volume: wish and sight in, one step out. Pure."""

from __future__ import annotations

from enum import StrEnum

from boxship.drivers.storage.interface import VolumeSight
from boxship.services.volume.model import Volume


class Step(StrEnum):
    """One step towards the wish."""

    CREATE = "create"  # it was never made
    LOST = "lost"  # it was made and is not there any more: never replace data by an empty volume
    MOUNT = "mount"  # somebody needs it
    UNMOUNT = "unmount"  # nobody needs it any more
    REMOVE = "remove"  # to be deleted and still there
    FORGET = "forget"  # deleted and gone
    WAIT = "wait"  # to be deleted but still held; the end of the hold wakes
    SETTLED = "settled"  # as wished


def next_step(volume: Volume, sight: VolumeSight | None, *, held: bool) -> Step:
    """The step that brings the world nearer to the wish. A deleted volume stays as it is while somebody needs it."""
    if volume.deleting and not volume.attached:
        return _towards_nothing(sight, held=held)
    if sight is None:
        return Step.LOST if volume.made else Step.CREATE
    if volume.attached and sight.path is None:
        return Step.MOUNT
    if not volume.attached and _is_up(sight):
        return Step.UNMOUNT
    return Step.SETTLED


def _towards_nothing(sight: VolumeSight | None, *, held: bool) -> Step:
    if held:
        return Step.WAIT
    if sight is None:
        return Step.FORGET
    return Step.UNMOUNT if _is_up(sight) else Step.REMOVE


def _is_up(sight: VolumeSight) -> bool:
    """Mounted, or left with a device by a step that was cut off."""
    return sight.path is not None or sight.device is not None
