"""Hosts that share the database, and the host that volumes, images, routers, name services and removals are on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_PLACED = ("volumes", "images", "routers", "network_names", "network_removals", "container_commits")
_INDEXED = (("routers", "host"), ("network_names", "host"), ("ports", "host"))


def upgrade() -> None:
    """Make the table and the columns."""
    op.create_table(
        "hosts",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=255), nullable=False),
        sa.Column("zone", sa.String(length=255), nullable=False),
        sa.Column("tunnel_address", sa.String(length=45), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_hosts"),
    )
    for table in _PLACED:
        op.add_column(table, sa.Column("host", sa.String(length=255), nullable=False, server_default=""))
    for table, column in _INDEXED:
        op.create_index(f"ix_{table}_{column}", table, [column], unique=False)


def downgrade() -> None:
    """Remove them."""
    for table, column in _INDEXED:
        op.drop_index(f"ix_{table}_{column}", table)
    for table in _PLACED:
        op.drop_column(table, "host")
    op.drop_table("hosts")
