"""Snapshots of volumes; what a volume is made from, how large it is by now, and whether its device or its mount is needed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0013"
down_revision = "0012"


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("source_kind", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("source_id", sa.String(length=64), nullable=True),
        sa.Column("bootable", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("mounted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("device", sa.String(length=4096), nullable=True),
        sa.Column("made_size", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("revert_to", sa.String(length=64), nullable=True),
        sa.Column("revert_asked", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reverted", sa.Integer(), nullable=False, server_default="0"),
    ]


def upgrade() -> None:
    """Make the columns and the tables; volumes that are there already have the size they were asked for."""
    for column in _columns():
        op.add_column("volumes", column)
    op.execute("UPDATE volumes SET mounted = attached")
    op.execute("UPDATE volumes SET made_size = size WHERE made")
    _snapshots()
    _metadata("volume_snapshot_metadata", "snapshot_id", "volume_snapshots.id")


def downgrade() -> None:
    """Remove them."""
    op.drop_table("volume_snapshot_metadata")
    op.drop_table("volume_snapshots")
    for column in reversed(_columns()):
        op.drop_column("volumes", column.name)


def _snapshots() -> None:
    op.create_table(
        "volume_snapshots",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("volume_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.Column("condemned", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.Column("declared", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("progress", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["volume_id"], ["volumes.id"], name="fk_volume_snapshots_volume_id"),
        sa.PrimaryKeyConstraint("id", name="pk_volume_snapshots"),
    )
    op.create_index("ix_volume_snapshots_project_created", "volume_snapshots", ["project_id", "created_at", "id"])
    op.create_index("ix_volume_snapshots_volume", "volume_snapshots", ["volume_id"])
    behind = sa.text("observed != generation")
    op.create_index("ix_volume_snapshots_due", "volume_snapshots", ["id"], sqlite_where=behind, postgresql_where=behind)


def _metadata(table: str, column: str, whose: str) -> None:
    op.create_table(
        table,
        sa.Column(column, sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint([column], [whose], name=f"fk_{table}_{column}", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(column, "key", name=f"pk_{table}"),
    )
