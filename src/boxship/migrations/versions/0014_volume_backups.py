"""Backups of volumes, images that are being made of volumes, and what a volume's bytes are needed for meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the column and the tables."""
    op.add_column("volumes", sa.Column("errand", sa.String(length=32), nullable=False, server_default=""))
    op.create_table(
        "volume_uploads",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("volume_id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_volume_uploads"),
    )
    op.create_table("volume_backups", *_backup(), sa.PrimaryKeyConstraint("id", name="pk_volume_backups"))
    op.create_index("ix_volume_backups_project_created", "volume_backups", ["project_id", "created_at", "id"])
    op.create_index("ix_volume_backups_volume", "volume_backups", ["volume_id"])
    op.create_index("ix_volume_backups_parent", "volume_backups", ["parent_id"])
    behind = sa.text("observed != generation")
    op.create_index("ix_volume_backups_due", "volume_backups", ["id"], sqlite_where=behind, postgresql_where=behind)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("volume_backups")
    op.drop_table("volume_uploads")
    op.drop_column("volumes", "errand")


def _backup() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("volume_id", sa.String(length=64), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=True),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("container", sa.String(length=255), nullable=True),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("data_timestamp", types.Moment(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.Column("condemned", sa.Boolean(), nullable=False),
        sa.Column("restore_to", sa.String(length=64), nullable=True),
        sa.Column("restore_asked", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("restored", sa.Integer(), nullable=False),
        sa.Column("object_count", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.Column("volume_metadata", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("image_metadata", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("bootable", sa.Boolean(), nullable=False, server_default=sa.false()),
    ]
