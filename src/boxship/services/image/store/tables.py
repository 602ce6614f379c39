"""The tables of the image service; columns stand in the order of the fields in ``model.py``."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db import types

images = sa.Table(
    "images",
    types.metadata,
    types.identifier(),
    sa.Column("created_at", types.Moment, nullable=False),
    types.reference("owner", nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("visibility", sa.String(16), nullable=False),
    sa.Column("container_format", sa.String(32)),
    sa.Column("disk_format", sa.String(32)),
    sa.Column("min_disk", sa.Integer, nullable=False),
    sa.Column("min_ram", sa.Integer, nullable=False),
    sa.Column("protected", sa.Boolean, nullable=False),
    sa.Column("hidden", sa.Boolean, nullable=False),
    sa.Column("updated_at", types.Moment, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    types.reference("upload"),
    sa.Column("size", sa.BigInteger),
    sa.Column("checksum", sa.String(32)),
    sa.Column("sha512", sa.String(128)),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("source", sa.Text),
    sa.Column("failure", sa.Text),
    sa.Index("ix_images_owner_created", "owner", "created_at", "id"),
    sa.Index("ix_images_visibility_created", "visibility", "created_at", "id"),
    sa.Index("ix_images_created", "created_at", "id"),
    sa.Index("ix_images_name", "name"),
)
sa.Index(
    "ix_images_due",
    images.c.id,
    sqlite_where=images.c.status.in_(["deleted", "saving"]),
    postgresql_where=images.c.status.in_(["deleted", "saving"]),
)
sa.Index(
    "ix_images_importing",
    images.c.id,
    sqlite_where=images.c.status == "importing",
    postgresql_where=images.c.status == "importing",
)


def _of_image() -> sa.Column[str]:
    return sa.Column("image_id", sa.String(64), sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)


properties = sa.Table(
    "image_properties",
    types.metadata,
    _of_image(),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

tags = sa.Table(
    "image_tags",
    types.metadata,
    _of_image(),
    sa.Column("tag", sa.String(255), primary_key=True),
    sa.Index("ix_image_tags_tag", "tag", "image_id"),
)

members = sa.Table(
    "image_members",
    types.metadata,
    _of_image(),
    sa.Column("member_id", sa.String(64), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("updated_at", types.Moment, nullable=False),
    sa.Index("ix_image_members_member", "member_id", "status", "image_id"),
)
