"""The door of the image service: finding an image to run. The bytes are the blob of the image's id; never HTTP."""

from __future__ import annotations

import msgspec

from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.image import errors
from boxship.services.image.model import Image
from boxship.services.image.operations import images as operations
from boxship.services.image.store import images as store

__all__ = ["ImageView", "find_image"]


class ImageView(msgspec.Struct, frozen=True):
    """An image as other services see it; ``size`` in bytes. Only while ``status`` is ``active`` may it be used: its
    bytes are then the blob named by ``id`` (``drivers.storage.interface.Blobs``), with the SHA-512 ``sha512``."""

    id: str
    name: str | None
    status: str
    container_format: str | None
    disk_format: str | None
    size: int | None
    sha512: str | None


async def find_image(transaction: Transaction, caller: Caller, name_or_id: str) -> ImageView | None:
    """An image that the caller sees, by id, or by a name that is unique among the caller's own, the public ones and
    those it accepted. SeveralImages: the name is not unique."""
    found = await store.get(transaction, name_or_id)
    if found is not None and await operations.sees(transaction, caller, found):
        return _view(found)
    namesakes = await store.named(transaction, name_or_id, caller.project) if name_or_id else []
    if len(namesakes) > 1:
        raise errors.SeveralImages(name_or_id)
    return _view(namesakes[0]) if namesakes else None


def _view(image: Image) -> ImageView:
    return ImageView(
        image.id, image.name, image.status, image.container_format, image.disk_format, image.size, image.sha512
    )
