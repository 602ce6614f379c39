"""The door of the volume service: what services that run things may ask. Their own checks come first; never HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from boxship.config import Settings
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.services.volume import errors
from boxship.services.volume.model import Volume
from boxship.services.volume.operations import attachments, following, volume_types, volumes
from boxship.services.volume.operations.attachments import AttachmentWish
from boxship.services.volume.operations.backends import Register
from boxship.services.volume.states import State
from boxship.services.volume.store import volumes as store

__all__ = [
    "AttachmentWish",
    "MountView",
    "Register",
    "VolumeView",
    "attach",
    "bootstrap",
    "create_volume",
    "delete_volume",
    "detach",
    "find_volume",
    "hosts_of",
    "mounts",
    "place",
]


class VolumeView(msgspec.Struct, frozen=True):
    """A volume as other services see it; ``size`` in GiB."""

    id: str
    name: str | None
    size: int
    status: str
    multiattach: bool
    host: str


class MountView(msgspec.Struct, frozen=True):
    """Where a volume is: ``path`` of the mounted file system on this host, None until it is; ``reason`` of an error.

    A volume that is gone has the status ``deleted``.
    """

    volume_id: str
    path: Path | None
    status: str
    reason: str | None


async def bootstrap(transaction: Transaction) -> None:
    """What must be there before the first request: the default volume type. Repeatable."""
    await volume_types.create_default(transaction)


async def find_volume(transaction: Transaction, caller: Caller, name_or_id: str) -> VolumeView | None:
    """A volume that the caller sees, by id, or by its name in the caller's project. SeveralVolumes: not unique."""
    found = await store.get(transaction, name_or_id)
    if found is not None and caller.sees(found.project_id):
        return _view(found)
    namesakes = await store.named(transaction, caller.project, name_or_id) if name_or_id else []
    if len(namesakes) > 1:
        raise errors.SeveralVolumes(name_or_id)
    return _view(namesakes[0]) if namesakes else None


def _view(volume: Volume) -> VolumeView:
    return VolumeView(volume.id, volume.name, volume.size, volume.status, volume.multiattach, volume.host)


async def create_volume(transaction: Transaction, caller: Caller, settings: Settings, *, size: int, host: str) -> str:
    """Ask for a blank volume of ``size`` GiB in the caller's project on the disk of ``host``; its id. OverQuota leaves."""
    wish = volumes.VolumeWish(project_id=caller.project, size=size, name="", host=host)
    return (await volumes.create_volume(transaction, caller, settings, wish)).id


async def hosts_of(transaction: Transaction, settings: Settings, volume_ids: Sequence[str]) -> list[str]:
    """The hosts that these volumes are on and cannot leave now (``attach`` takes the others along)."""
    return await following.pinned(transaction, settings, volume_ids)


async def place(transaction: Transaction, settings: Settings, volume_ids: Sequence[str], host: str) -> None:
    """Have volumes that were made for nobody's disk (``host`` empty) on this one."""
    await volumes.place(transaction, settings, volume_ids, host)


async def attach(transaction: Transaction, settings: Settings, volume_id: str, attachment: AttachmentWish) -> None:
    """Have the volume mounted on the holder's host, which is woken when it is (see ``mounts``), and hold it.

    Repeatable. VolumeNotFound; BadRequest: AttachedElsewhere; Conflict: VolumeInUse (not multiattach), VolumeUnusable (error,
    deleting).
    """
    await attachments.attach(transaction, settings, volume_id, attachment)


async def detach(transaction: Transaction, volume_id: str, holder: holds.Resource) -> None:
    """The holder has undone its own mounts and lets go. Repeatable; a volume that is gone is fine."""
    await attachments.detach(transaction, volume_id, holder)


async def delete_volume(transaction: Transaction, volume_id: str, holder: holds.Resource) -> None:
    """Let go and have the volume removed, with its data, once nobody else holds it. Repeatable."""
    await attachments.delete_held(transaction, volume_id, holder)


async def mounts(transaction: Transaction, volume_ids: Sequence[str]) -> list[MountView]:
    """Where the volumes are, in the order asked for; ``path`` is there only while one is wished and seen mounted."""
    found = {volume.id: volume for volume in await store.of(transaction, volume_ids)}
    return [_mount(id, found.get(id)) for id in volume_ids]


def _mount(id: str, volume: Volume | None) -> MountView:
    if volume is None:
        return MountView(id, None, "deleted", f"Volume {id} does not exist any more.")
    path = Path(volume.path) if volume.path and volume.attached else None
    reason = volume.fault if volume.status in {State.ERROR, State.ERROR_DELETING} else None
    return MountView(id, path, volume.status, reason)
