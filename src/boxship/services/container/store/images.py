"""Images that admins want on hosts. A row that is being deleted is there for the reconciler only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.container import model

_table = sa.Table(
    "container_images",
    types.metadata,
    types.identifier(),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("repo", sa.String(255), nullable=False),
    sa.Column("tag", sa.String(128), nullable=False),
    sa.Column("host", sa.String(255), nullable=False, index=True),
    sa.Column("glance_id", sa.String(64)),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("observed", sa.Integer, nullable=False),
    sa.Column("image_id", sa.String(255)),
    sa.Column("size", sa.BigInteger),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("fault", sa.Text),
)
_columns = _table.c

#: What lists may be sorted by.
SORTS: listing.Columns = {
    "id": _columns.created_at,
    "uuid": _columns.id,
    "image_id": _columns.image_id,
    "repo": _columns.repo,
    "tag": _columns.tag,
    "size": _columns.size,
    "host": _columns.host,
    "project_id": _columns.project_id,
    "created_at": _columns.created_at,
}


async def insert(transaction: Transaction, image: model.HostImage) -> None:
    """Store a new image."""
    values = {column.name: getattr(image, column.name) for column in _columns}
    await transaction.execute(_table.insert().values(values))


async def get(transaction: Transaction, id: str) -> model.HostImage | None:
    """The image with this id, also while it is being deleted."""
    row = await transaction.row(sa.select(_table).where(_columns.id == id))
    return _image(row) if row else None


async def like(transaction: Transaction, image: model.HostImage) -> model.HostImage | None:
    """Another image of the same name on the same host, that is to stay."""
    same = (_columns.repo == image.repo, _columns.tag == image.tag, _columns.host == image.host)
    query = sa.select(_table).where(*same, _columns.id != image.id, sa.not_(_columns.deleting)).limit(1)
    row = await transaction.row(query)
    return _image(row) if row else None


async def page(transaction: Transaction, page: listing.Page) -> list[model.HostImage]:
    """A page of images."""
    query = sa.select(_table).where(sa.not_(_columns.deleting))
    return [_image(row) for row in await listing.fetch(transaction, query, page, SORTS, key=_columns.id)]


async def update(transaction: Transaction, id: str, **values: Any) -> None:
    """Write some columns."""
    await transaction.execute(_table.update().where(_columns.id == id).values(**values))


async def renew(transaction: Transaction, id: str) -> None:
    """Count the order to fetch it anew."""
    await update(transaction, id, generation=_columns.generation + 1, fault=None, done=0, total=0)


async def forget(transaction: Transaction, id: str) -> None:
    """Remove an image that is to be deleted."""
    await transaction.execute(_table.delete().where(_columns.id == id, _columns.deleting))


async def ids(transaction: Transaction, host: str, *, due_only: bool) -> list[str]:
    """The ids of all images of a host, or of those that something is to be done for."""
    query = sa.select(_columns.id).where(_columns.host == host)
    if due_only:
        query = query.where(sa.or_(_columns.deleting, _columns.observed != _columns.generation))
    return [row.id for row in await transaction.rows(query)]


async def active(transaction: Transaction, host: str) -> list[model.HostImage]:
    """The images of a host that were fetched."""
    there = (_columns.host == host, _columns.observed == _columns.generation, _columns.fault.is_(None))
    query = sa.select(_table).where(*there, sa.not_(_columns.deleting))
    return [_image(row) for row in await transaction.rows(query)]


def _image(row: sa.Row[Any]) -> model.HostImage:
    return model.HostImage(**row._mapping)
