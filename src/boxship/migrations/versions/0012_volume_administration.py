"""Quotas, transfers, messages, access to types and disabled services of volumes; what clients say of attachments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0012"
down_revision = "0011"

_TABLES = (
    "volume_quotas",
    "volume_quota_classes",
    "volume_transfers",
    "volume_messages",
    "volume_type_access",
    "volume_disabled_services",
    "volume_image_metadata",
)


def upgrade() -> None:
    """Make the tables and the columns."""
    op.add_column("volumes", sa.Column("claim", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("volumes", sa.Column("read_only", sa.Boolean(), nullable=True))
    op.add_column("volume_attachments", sa.Column("status", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("volume_attachments", sa.Column("host_name", sa.String(length=255), nullable=True))
    op.add_column("volume_attachments", sa.Column("connector", sa.Text(), nullable=True))
    _quotas("volume_quotas", sa.Column("project_id", sa.String(length=64), nullable=False))
    _quotas("volume_quota_classes", sa.Column("class_name", sa.String(length=255), nullable=False))
    _transfers()
    _messages()
    _type_access()
    _disabled_services()
    _image_metadata()


def downgrade() -> None:
    """Remove them."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    for column in ("connector", "host_name", "status"):
        op.drop_column("volume_attachments", column)
    for column in ("read_only", "claim"):
        op.drop_column("volumes", column)


def _quotas(table: str, whose: sa.Column[str]) -> None:
    op.create_table(
        table,
        whose,
        sa.Column("resource", sa.String(length=300), nullable=False),
        sa.Column("hard_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(whose.name, "resource", name=f"pk_{table}"),
    )


def _transfers() -> None:
    op.create_table(
        "volume_transfers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("volume_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("no_snapshots", sa.Boolean(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volumes.id"], name="fk_volume_transfers_volume_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_volume_transfers"),
        sa.UniqueConstraint("volume_id", name="uq_volume_transfers_volume_id"),
    )
    op.create_index("ix_volume_transfers_project_created", "volume_transfers", ["project_id", "created_at", "id"])


def _messages() -> None:
    op.create_table(
        "volume_messages",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=255), nullable=True),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("detail", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_volume_messages"),
    )
    op.create_index("ix_volume_messages_project_created", "volume_messages", ["project_id", "created_at", "id"])
    op.create_index("ix_volume_messages_resource", "volume_messages", ["resource_id"])
    op.create_index("ix_volume_messages_expires", "volume_messages", ["expires_at"])


def _type_access() -> None:
    op.create_table(
        "volume_type_access",
        sa.Column("type_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["type_id"], ["volume_types.id"], name="fk_volume_type_access_type_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("type_id", "project_id", name="pk_volume_type_access"),
    )
    op.create_index("ix_volume_type_access_project", "volume_type_access", ["project_id"])


def _disabled_services() -> None:
    op.create_table(
        "volume_disabled_services",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("binary", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("disabled_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("host", "binary", name="pk_volume_disabled_services"),
    )


def _image_metadata() -> None:
    op.create_table(
        "volume_image_metadata",
        sa.Column("volume_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volumes.id"], name="fk_volume_image_metadata_volume_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("volume_id", "key", name="pk_volume_image_metadata"),
    )
