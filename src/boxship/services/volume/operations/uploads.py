"""Images of volumes: described at once, and filled with the volume's bytes by a reconciler."""

from __future__ import annotations

import msgspec

from boxship.config import Settings
from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.image import public as image
from boxship.services.volume import errors
from boxship.services.volume.model import UPLOAD, Upload, Volume
from boxship.services.volume.operations import volumes
from boxship.services.volume.states import State
from boxship.services.volume.store import image_metadata, uploads

RAW, BARE = "raw", "bare"
"""What images of volumes are: the bytes themselves, in no container."""


class UploadWish(msgspec.Struct, frozen=True, kw_only=True):
    """What the image shall be called and shown to; ``force``: of a volume that is in use, too."""

    name: str
    disk_format: str = RAW
    container_format: str = BARE
    visibility: str = "shared"
    protected: bool = False
    force: bool = False


async def upload(
    transaction: Transaction, caller: Caller, settings: Settings, id: str, wish: UploadWish
) -> tuple[Volume, image.ImageView]:
    """Ask for an image of the volume; both as they are then.

    VolumeNotFound; InvalidVolume: not available (with ``force`` nor in use); BadRequest: a format that is not made here;
    Forbidden: the caller may not add such an image.
    """
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    _check(volume, wish)
    new = image.NewImage(
        name=wish.name,
        visibility=image.Visibility(wish.visibility),
        protected=wish.protected,
        min_disk=volume.size,
        properties=await _properties(transaction, id),
    )
    made = await image.create_image(transaction, caller, settings, new)
    await uploads.insert(transaction, Upload(made, id, volume.host, clock.now(), backend=volume.backend))
    changed = await volumes.change_wish(transaction, volume, errand=State.UPLOADING)
    transaction.wake(UPLOAD, made)
    found = await image.find_image(transaction, caller, made)
    assert found is not None
    return changed, found


def _check(volume: Volume, wish: UploadWish) -> None:
    if wish.disk_format != RAW:
        raise core_errors.BadRequest(f"images of volumes are {RAW} here", field="os-volume_upload_image.disk_format")
    if wish.container_format != BARE:
        raise core_errors.BadRequest(
            f"images of volumes are {BARE} here", field="os-volume_upload_image.container_format"
        )
    fit = {State.AVAILABLE, State.IN_USE} if wish.force else {State.AVAILABLE}
    if volume.status not in fit:
        least = " or ".join(sorted(fit))
        raise errors.InvalidVolume(
            f"Volume {volume.id} status must be {least} to make an image of it, but is {volume.status}."
        )


async def _properties(transaction: Transaction, id: str) -> dict[str, str]:
    """What the image that the volume was made from says, but for what follows from the bytes."""
    said = (await image_metadata.of(transaction, [id])).get(id, {})
    own = {"image_id", "image_name", "checksum", "size", "min_disk", "min_ram", "disk_format", "container_format"}
    return {name: value for name, value in said.items() if name not in own}
