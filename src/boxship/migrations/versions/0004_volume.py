"""The tables of the volume service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    _volume_types()
    _volumes()
    _volume_attachments()
    _volume_metadata()


def downgrade() -> None:
    """Remove them, those that others refer to last."""
    for table in (
        "volume_metadata",
        "volume_attachments",
        "volumes",
        "volume_types",
    ):
        op.drop_table(table)


def _volume_types() -> None:
    op.create_table(
        "volume_types",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("extra_specs", sa.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_volume_types"),
        sa.UniqueConstraint("name", name="uq_volume_types_name"),
    )


def _volumes() -> None:
    op.create_table(
        "volumes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("type_id", sa.String(length=64), nullable=False),
        sa.Column("availability_zone", sa.String(length=255), nullable=False),
        sa.Column("multiattach", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.Column("condemned", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("path", sa.String(length=4096), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(["type_id"], ["volume_types.id"], name="fk_volumes_type_id"),
        sa.PrimaryKeyConstraint("id", name="pk_volumes"),
    )
    op.create_index("ix_volumes_created", "volumes", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_volumes_due",
        "volumes",
        ["id"],
        unique=False,
        sqlite_where=sa.text("observed != generation"),
        postgresql_where=sa.text("observed != generation"),
    )
    op.create_index("ix_volumes_project_created", "volumes", ["project_id", "created_at", "id"], unique=False)
    op.create_index("ix_volumes_project_name", "volumes", ["project_id", "name"], unique=False)
    op.create_index("ix_volumes_type", "volumes", ["type_id"], unique=False)


def _volume_attachments() -> None:
    op.create_table(
        "volume_attachments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("volume_id", sa.String(length=64), nullable=False),
        sa.Column("holder_kind", sa.String(length=32), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("mountpoint", sa.String(length=4096), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("attached_at", types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["volume_id"], ["volumes.id"], name="fk_volume_attachments_volume_id"),
        sa.PrimaryKeyConstraint("id", name="pk_volume_attachments"),
        sa.UniqueConstraint(
            "volume_id", "holder_kind", "holder_id", name="uq_volume_attachments_volume_id_holder_kind_holder_id"
        ),
    )


def _volume_metadata() -> None:
    op.create_table(
        "volume_metadata",
        sa.Column("volume_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["volume_id"], ["volumes.id"], name="fk_volume_metadata_volume_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("volume_id", "key", name="pk_volume_metadata"),
    )
