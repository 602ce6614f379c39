"""The door of the image service: finding an image to run, and making one of a container. Never HTTP.

The bytes are the blob of the image's id. A snapshot is described first and gets its bytes by ``ImageLive.receive``.
"""

from __future__ import annotations

import msgspec

from boxship.config import Settings
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.image import errors
from boxship.services.image.live import ImageLive, Sizes
from boxship.services.image.model import KIND, Image, Status, Visibility
from boxship.services.image.operations import images as operations
from boxship.services.image.store import images as store

__all__ = [
    "FoundImage",
    "ImageLive",
    "ImageView",
    "NewImage",
    "Sizes",
    "Snapshot",
    "Visibility",
    "create_image",
    "create_snapshot",
    "find_image",
    "host_of",
    "properties_of",
    "search_images",
    "snapshot_status",
    "withdraw_snapshot",
]


class ImageView(msgspec.Struct, frozen=True):
    """An image as other services see it; ``size`` in bytes. Only while ``status`` is ``active`` may it be used: its bytes are
    then the blob named by ``id`` (``drivers.storage.interface.Blobs``), with the SHA-512 ``sha512`` and the MD5 ``checksum``.
    ``min_disk`` in GiB, ``min_ram`` in MiB."""

    id: str
    name: str | None
    status: str
    container_format: str | None
    disk_format: str | None
    size: int | None
    sha512: str | None
    checksum: str | None
    min_disk: int
    min_ram: int


class NewImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image to be: of the bytes of a disk, which are announced but not there yet."""

    name: str
    disk_format: operations.DiskFormat = "raw"
    container_format: operations.ContainerFormat = "bare"
    visibility: Visibility = Visibility.SHARED
    protected: bool = False
    min_disk: int = 0
    properties: dict[str, str] = {}


class Snapshot(msgspec.Struct, frozen=True):
    """What the image of a container is called."""

    name: str
    tag: str


async def create_snapshot(transaction: Transaction, caller: Caller, settings: Settings, wish: Snapshot) -> str:
    """Describe an image of the caller's project for an archive in the form of ``docker save``, without bytes yet; its id.

    Forbidden: the caller may not add images. TooManyImages.
    """
    caller.require("add_image")
    description = operations.Description(name=wish.name, container_format="docker", disk_format="raw", tags=[wish.tag])
    return (await operations.create_image(transaction, caller, settings, description)).image.id


async def create_image(transaction: Transaction, caller: Caller, settings: Settings, wish: NewImage) -> str:
    """Describe an image of the caller's project, without bytes yet; its id.

    Forbidden: the caller may not add images, or show them to that many. TooManyImages.
    """
    caller.require("add_image")
    description = operations.Description(**msgspec.structs.asdict(wish))
    return (await operations.create_image(transaction, caller, settings, description)).image.id


async def properties_of(transaction: Transaction, id: str) -> dict[str, str]:
    """What was said of an image besides its fields."""
    return (await store.properties_of(transaction, [id])).get(id, {})


async def snapshot_status(transaction: Transaction, id: str) -> str | None:
    """The status of an image, whoever's it is; None: it was deleted."""
    found = await store.get(transaction, id)
    return found.status if found else None


async def host_of(transaction: Transaction, id: str) -> str:
    """The host that has the bytes of an image (see ``ImageLive.read``); empty: none has."""
    found = await store.get(transaction, id)
    return found.host if found else ""


async def withdraw_snapshot(transaction: Transaction, id: str) -> None:
    """Remove an image that got no bytes. Repeatable; one that has bytes stays."""
    found = await store.get(transaction, id, lock=True)
    if found is not None and found.status == Status.QUEUED:
        await store.update(transaction, id, status=Status.DELETED)
        transaction.wake(KIND, id)


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


class FoundImage(msgspec.Struct, frozen=True):
    """An image that was searched for; ``size`` in bytes."""

    id: str
    name: str | None
    status: str
    size: int | None
    tags: tuple[str, ...]


async def search_images(
    transaction: Transaction, caller: Caller, text: str, *, exact: bool, most: int
) -> list[FoundImage]:
    """The images for containers that the caller sees, with this id, this name, or (unless ``exact``) this in their name."""
    found = await store.get(transaction, text)
    if found is not None and found.container_format == "docker" and await operations.sees(transaction, caller, found):
        several = [found]
    else:
        several = await store.containing(transaction, text, caller.project, exact=exact, most=most)
    tags = await store.tags_of(transaction, [one.id for one in several])
    return [FoundImage(one.id, one.name, one.status, one.size, tuple(tags.get(one.id, ()))) for one in several]


def _view(image: Image) -> ImageView:
    return ImageView(
        id=image.id,
        name=image.name,
        status=image.status,
        container_format=image.container_format,
        disk_format=image.disk_format,
        size=image.size,
        sha512=image.sha512,
        checksum=image.checksum,
        min_disk=image.min_disk,
        min_ram=image.min_ram,
    )
