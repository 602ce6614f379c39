"""The tables of the image service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    _images()
    _image_members()
    _image_properties()
    _image_tags()


def downgrade() -> None:
    """Remove them, those that others refer to last."""
    for table in (
        "image_tags",
        "image_properties",
        "image_members",
        "images",
    ):
        op.drop_table(table)


def _images() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("container_format", sa.String(length=32), nullable=True),
        sa.Column("disk_format", sa.String(length=32), nullable=True),
        sa.Column("min_disk", sa.Integer(), nullable=False),
        sa.Column("min_ram", sa.Integer(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("upload", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("checksum", sa.String(length=32), nullable=True),
        sa.Column("sha512", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
    )
    op.create_index("ix_images_created", "images", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_images_due",
        "images",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status IN ('deleted', 'saving')"),
        postgresql_where=sa.text("status IN ('deleted', 'saving')"),
    )
    op.create_index("ix_images_name", "images", ["name"], unique=False)
    op.create_index("ix_images_owner_created", "images", ["owner", "created_at", "id"], unique=False)
    op.create_index("ix_images_visibility_created", "images", ["visibility", "created_at", "id"], unique=False)


def _image_members() -> None:
    op.create_table(
        "image_members",
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_image_members_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "member_id", name="pk_image_members"),
    )
    op.create_index("ix_image_members_member", "image_members", ["member_id", "status", "image_id"], unique=False)


def _image_properties() -> None:
    op.create_table(
        "image_properties",
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_image_properties_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "name", name="pk_image_properties"),
    )


def _image_tags() -> None:
    op.create_table(
        "image_tags",
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_image_tags_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "tag", name="pk_image_tags"),
    )
    op.create_index("ix_image_tags_tag", "image_tags", ["tag", "image_id"], unique=False)
