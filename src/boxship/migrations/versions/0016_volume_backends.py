"""Several backends for volumes: in which one what is there is, and which ones the hosts have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_TABLES = ("volumes", "volume_snapshots", "volume_uploads", "volume_backups")


def upgrade() -> None:
    """Make the columns, which name the one backend that there was, and the table."""
    for table in _TABLES:
        op.add_column(table, sa.Column("backend", sa.String(length=64), nullable=False, server_default="file"))
    op.create_table(
        "volume_host_backends",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("host", "name", name="pk_volume_host_backends"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("volume_host_backends")
    for table in _TABLES:
        op.drop_column(table, "backend")
