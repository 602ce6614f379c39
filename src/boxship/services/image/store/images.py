"""Images, their properties and tags in the database; rows that are only waiting to be removed are not there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.image.model import Image, Status, Visibility
from boxship.services.image.store.tables import images, members, properties, tags

COLUMNS: listing.Columns = {
    "id": images.c.id,
    "name": images.c.name,
    "status": images.c.status,
    "visibility": images.c.visibility,
    "owner": images.c.owner,
    "container_format": images.c.container_format,
    "disk_format": images.c.disk_format,
    "min_disk": images.c.min_disk,
    "min_ram": images.c.min_ram,
    "size": images.c.size,
    "checksum": images.c.checksum,
    "os_hash_value": images.c.sha512,
    "protected": images.c.protected,
    "os_hidden": images.c.hidden,
    "created_at": images.c.created_at,
    "updated_at": images.c.updated_at,
}
"""What lists sort and filter by."""

_there = images.c.status != Status.DELETED


async def insert(transaction: Transaction, image: Image) -> None:
    """Store a new image."""
    await transaction.execute(images.insert().values(**msgspec.structs.asdict(image)))


async def get(transaction: Transaction, id: str, *, lock: bool = False) -> Image | None:
    """The image; ``lock`` keeps other writers away until the transaction ends."""
    select = sa.select(images).where(images.c.id == id, _there)
    row = await transaction.row(select.with_for_update() if lock else select)
    return Image(*tuple(row)) if row else None


async def id_taken(transaction: Transaction, id: str) -> bool:
    """Whether a row has this id, be it one that waits to be removed."""
    return await transaction.scalar(sa.select(images.c.id).where(images.c.id == id)) is not None


async def page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[Image]:
    """One page of the images that meet the conditions."""
    select = sa.select(images).where(_there, *conditions)
    return [Image(*tuple(row)) for row in await listing.fetch(transaction, select, page, COLUMNS, key=images.c.id)]


async def named(transaction: Transaction, name: str, project_id: str) -> list[Image]:
    """The images of that name that the project has, was given or shares with everybody; two at most."""
    select = sa.select(images).where(images.c.name == name, _there, offered(project_id)).limit(2)
    return [Image(*tuple(row)) for row in await transaction.rows(select)]


async def containing(transaction: Transaction, text: str, project_id: str, *, exact: bool, most: int) -> list[Image]:
    """Images for containers, offered to the project, with this name, or with this in their name; so many at most."""
    like = images.c.name == text if exact else images.c.name.contains(text, autoescape=True)
    offer = (like, images.c.container_format == "docker", _there, offered(project_id))
    rows = await transaction.rows(sa.select(images).where(*offer).order_by(images.c.name, images.c.id).limit(most))
    return [Image(*tuple(row)) for row in rows]


async def update(transaction: Transaction, id: str, **changes: Any) -> bool:
    """Store changed columns; False where the image is not there."""
    return await transaction.execute(images.update().where(images.c.id == id, _there).values(**changes)) > 0


async def end_upload(transaction: Transaction, id: str, upload: str, **changes: Any) -> bool:
    """Store how an upload ended; False where the image is not waiting for this upload any more."""
    awaited = images.update().where(*_awaiting(id, upload))
    return await transaction.execute(awaited.values(upload=None, **changes)) > 0


async def exchange_upload(transaction: Transaction, id: str, upload: str, other: str) -> bool:
    """Wait for another upload; False where the image is not waiting for this one any more."""
    return await transaction.execute(images.update().where(*_awaiting(id, upload)).values(upload=other)) > 0


def _awaiting(id: str, upload: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (images.c.id == id, images.c.status.in_([Status.SAVING, Status.IMPORTING]), images.c.upload == upload)


async def forget(transaction: Transaction, id: str) -> None:
    """Remove the row of a deleted image."""
    await transaction.execute(images.delete().where(images.c.id == id, images.c.status == Status.DELETED))


async def unfinished(transaction: Transaction, id: str) -> Image | None:
    """The row, if it is saving or waits to be removed."""
    row = await transaction.row(sa.select(images).where(images.c.id == id, _due))
    return Image(*tuple(row)) if row else None


_due = images.c.status.in_([Status.DELETED, Status.SAVING])


async def due(transaction: Transaction) -> list[str]:
    """Ids of what is saving or waits to be removed, from an index of only those."""
    return [row.id for row in await transaction.rows(sa.select(images.c.id).where(_due))]


async def importing(transaction: Transaction) -> list[str]:
    """Ids of what is to be imported, from an index of only those."""
    select = sa.select(images.c.id).where(images.c.status == Status.IMPORTING)
    return [row.id for row in await transaction.rows(select)]


async def with_bytes(transaction: Transaction) -> set[str]:
    """Ids of all rows that may have bytes."""
    select = sa.select(images.c.id).where(images.c.status != Status.QUEUED)
    return {row.id for row in await transaction.rows(select)}


async def count(transaction: Transaction, owner: str) -> int:
    """How many images a project has."""
    return int(await transaction.scalar(sa.select(sa.func.count()).where(images.c.owner == owner, _there)))


async def matches(transaction: Transaction, id: str, condition: sa.ColumnElement[bool]) -> bool:
    """Whether the image meets a condition."""
    return await transaction.scalar(sa.select(images.c.id).where(images.c.id == id, condition)) is not None


def offered(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that an image is in the project's default list: its own, public, or shared and accepted.

    "Not of the other visibilities" is "shared", said so that SQLite goes by the few ids of the members and not by the
    index of visibility, in which the shared ones are nearly all.
    """
    others = [Visibility.PUBLIC, Visibility.PRIVATE, Visibility.COMMUNITY]
    return sa.or_(
        images.c.owner == project_id,
        images.c.visibility == Visibility.PUBLIC,
        sa.and_(images.c.visibility.not_in(others), is_member(project_id, "accepted")),
    )


def is_member(project_id: str, status: str | None) -> sa.ColumnElement[bool]:
    """The condition that an image is offered to the project, with this status of membership (None: any)."""
    conditions = [members.c.member_id == project_id]
    if status:
        conditions.append(members.c.status == status)
    return images.c.id.in_(sa.select(members.c.image_id).where(*conditions))


def has_tag(tag: str) -> sa.ColumnElement[bool]:
    """The condition that an image carries the tag."""
    return sa.exists().where(tags.c.image_id == images.c.id, tags.c.tag == tag)


def has_property(name: str, value: str) -> sa.ColumnElement[bool]:
    """The condition that an image has the property with this value."""
    return sa.exists().where(
        properties.c.image_id == images.c.id, properties.c.name == name, properties.c.value == value
    )


async def properties_of(transaction: Transaction, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The properties of several images by image; images without any are absent."""
    found: dict[str, dict[str, str]] = {}
    for id, name, value in await _rows(transaction, properties, ids):
        found.setdefault(id, {})[name] = value
    return found


async def tags_of(transaction: Transaction, ids: Sequence[str]) -> dict[str, list[str]]:
    """The tags of several images by image, in alphabetical order; images without any are absent."""
    found: dict[str, list[str]] = {}
    for id, tag in await _rows(transaction, tags, ids):
        found.setdefault(id, []).append(tag)
    return {id: sorted(names) for id, names in found.items()}


async def _rows(transaction: Transaction, table: sa.Table, ids: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await transaction.rows(sa.select(table).where(table.c.image_id.in_(ids)))]


async def put_properties(transaction: Transaction, id: str, wanted: Mapping[str, str]) -> None:
    """Make these the properties of the image."""
    await transaction.execute(properties.delete().where(properties.c.image_id == id))
    if wanted:
        rows = [{"image_id": id, "name": name, "value": value} for name, value in wanted.items()]
        await transaction.execute(properties.insert().values(rows))


async def put_tags(transaction: Transaction, id: str, wanted: Collection[str]) -> None:
    """Make these the tags of the image."""
    await transaction.execute(tags.delete().where(tags.c.image_id == id))
    if wanted:
        await transaction.execute(tags.insert().values([{"image_id": id, "tag": tag} for tag in wanted]))
