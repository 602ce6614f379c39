"""Images: describe, show, list, change, tag, deactivate, delete. Never touches the bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http.call import new_id
from boxship.services.image import errors
from boxship.services.image.model import KIND, Image, Status, Visibility
from boxship.services.image.store import images as store

MOST = 128
"""Properties, tags and members that an image may have of each; Glance's default quotas."""

Text = Annotated[str, Meta(max_length=255)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Value = Annotated[str, Meta(max_length=65535)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
ContainerFormat = Literal["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]
DiskFormat = Literal["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """All that a user says of an image. ``owner`` None is the caller's project."""

    name: Text | None = None
    visibility: Visibility = Visibility.SHARED
    container_format: ContainerFormat | None = None
    disk_format: DiskFormat | None = None
    min_disk: Count = 0
    min_ram: Count = 0
    protected: bool = False
    os_hidden: bool = False
    owner: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    tags: Annotated[list[Text], Meta(max_length=1024)] = []
    properties: Annotated[dict[Name, Value], Meta(max_length=1024)] = {}


class ImageDetail(msgspec.Struct, frozen=True):
    """An image with what belongs to it in other tables."""

    image: Image
    properties: dict[str, str]
    tags: list[str]


async def create_image(
    transaction: Transaction, caller: Caller, settings: Settings, wish: Description, id: str | None = None
) -> ImageDetail:
    """Describe an image without bytes; ``id`` is a UUID that the caller may choose.

    ImageExists, Forbidden (visibility, another owner), TooMany, TooManyImages.
    """
    owner = wish.owner or caller.project
    _require_owner(caller, owner)
    _require_visibility(caller, wish.visibility)
    _require_limits(wish)
    await transaction.serialise(f"quota:{owner}")
    if 0 <= settings.quota_images < await store.count(transaction, owner) + 1:
        raise errors.TooManyImages(settings.quota_images)
    if id is not None and await store.id_taken(transaction, id):
        raise errors.ImageExists(id)
    image = _new_image(id or new_id(), owner, wish)
    await store.insert(transaction, image)
    return await _put_rest(transaction, image, wish)


def _new_image(id: str, owner: str, wish: Description) -> Image:
    now = clock.now()
    return Image(
        id=id,
        created_at=now,
        owner=owner,
        name=wish.name,
        visibility=wish.visibility,
        container_format=wish.container_format,
        disk_format=wish.disk_format,
        min_disk=wish.min_disk,
        min_ram=wish.min_ram,
        protected=wish.protected,
        hidden=wish.os_hidden,
        updated_at=now,
        status=Status.QUEUED,
        upload=None,
        size=None,
        checksum=None,
        sha512=None,
    )


async def _put_rest(transaction: Transaction, image: Image, wish: Description) -> ImageDetail:
    tags = sorted(set(wish.tags))
    await store.put_properties(transaction, image.id, wish.properties)
    await store.put_tags(transaction, image.id, tags)
    return ImageDetail(image, dict(wish.properties), tags)


def _require_owner(caller: Caller, owner: str) -> None:
    if not caller.is_admin and owner != caller.project_id:
        raise errors.ForeignOwner(owner)


def _require_visibility(caller: Caller, visibility: str) -> None:
    if visibility == Visibility.PUBLIC:
        caller.require("publicize_image")
    if visibility == Visibility.COMMUNITY:
        caller.require("communitize_image")


def _require_limits(wish: Description) -> None:
    if len(wish.properties) > MOST:
        raise errors.TooMany("properties", MOST)
    if len(set(wish.tags)) > MOST:
        raise errors.TooMany("tags", MOST)


async def sees(transaction: Transaction, caller: Caller, image: Image) -> bool:
    """Whether the image exists for this caller."""
    if caller.sees(image.owner) or image.visibility in {Visibility.PUBLIC, Visibility.COMMUNITY}:
        return True
    if image.visibility != Visibility.SHARED or caller.project_id is None:
        return False
    return await store.matches(transaction, image.id, store.is_member(caller.project_id, None))


async def get_image(transaction: Transaction, caller: Caller, id: str, *, lock: bool = False) -> Image:
    """The image. ImageNotFound: there is none, or not for this caller."""
    image = await store.get(transaction, id, lock=lock)
    if image is None or not await sees(transaction, caller, image):
        raise errors.ImageNotFound(id)
    return image


async def own_image(transaction: Transaction, caller: Caller, id: str) -> Image:
    """The image, to be changed. ImageNotFound; NotTheOwner: seen, but another project's."""
    image = await get_image(transaction, caller, id, lock=True)
    if not caller.sees(image.owner):
        raise errors.NotTheOwner()
    return image


async def describe(transaction: Transaction, images: Sequence[Image]) -> list[ImageDetail]:
    """The images with properties and tags, in a fixed number of queries."""
    ids = [image.id for image in images]
    properties = await store.properties_of(transaction, ids)
    tags = await store.tags_of(transaction, ids)
    return [ImageDetail(image, properties.get(image.id, {}), tags.get(image.id, [])) for image in images]


async def change_image(transaction: Transaction, caller: Caller, before: ImageDetail, wish: Description) -> ImageDetail:
    """Make the wish the description of an own image.

    Forbidden (visibility, another owner), OnlyQueued (a format of an image with bytes), TooMany.
    """
    image = before.image
    owner = wish.owner or image.owner
    if owner != image.owner:
        _require_owner(caller, owner)
    if wish.visibility != image.visibility:
        _require_visibility(caller, wish.visibility)
    for name in ("container_format", "disk_format"):
        if image.status != Status.QUEUED and getattr(wish, name) != getattr(image, name):
            raise errors.OnlyQueued(name)
    _require_limits(wish)
    changes = {
        "owner": owner,
        "name": wish.name,
        "visibility": wish.visibility,
        "container_format": wish.container_format,
        "disk_format": wish.disk_format,
        "min_disk": wish.min_disk,
        "min_ram": wish.min_ram,
        "protected": wish.protected,
        "hidden": wish.os_hidden,
        "updated_at": clock.now(),
    }
    await store.update(transaction, image.id, **changes)
    return await _put_rest(transaction, msgspec.structs.replace(image, **changes), wish)


async def add_tag(transaction: Transaction, caller: Caller, id: str, tag: str) -> None:
    """Tag an own image; repeatable. TooMany."""
    await own_image(transaction, caller, id)
    tags = (await store.tags_of(transaction, [id])).get(id, [])
    if tag not in tags and len(tags) >= MOST:
        raise errors.TooMany("tags", MOST)
    await store.put_tags(transaction, id, {*tags, tag})


async def delete_tag(transaction: Transaction, caller: Caller, id: str, tag: str) -> None:
    """Remove a tag of an own image. TagNotFound."""
    await own_image(transaction, caller, id)
    tags = (await store.tags_of(transaction, [id])).get(id, [])
    if tag not in tags:
        raise errors.TagNotFound(tag)
    await store.put_tags(transaction, id, {*tags} - {tag})


async def set_active(transaction: Transaction, caller: Caller, id: str, *, active: bool) -> None:
    """Deactivate (only admins fetch the bytes then) or reactivate; repeatable. WrongStatus: there are no bytes."""
    image = await own_image(transaction, caller, id)
    wanted = Status.ACTIVE if active else Status.DEACTIVATED
    if image.status not in {Status.ACTIVE, Status.DEACTIVATED}:
        raise errors.WrongStatus(image.status, wanted)
    await store.update(transaction, id, status=wanted, updated_at=clock.now())


async def delete_image(transaction: Transaction, caller: Caller, id: str) -> None:
    """Remove an own image in any state: it is gone for everybody at once, and its bytes soon. ImageProtected."""
    image = await own_image(transaction, caller, id)
    if image.protected:
        raise errors.ImageProtected(id)
    await store.update(transaction, id, status=Status.DELETED)
    transaction.wake(KIND, id)
