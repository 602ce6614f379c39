"""Subnet pools, and the pool that a subnet's range is from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "subnetpools",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("prefixes", sa.Text(), nullable=False),
        sa.Column("min_prefixlen", sa.Integer(), nullable=False),
        sa.Column("max_prefixlen", sa.Integer(), nullable=False),
        sa.Column("default_prefixlen", sa.Integer(), nullable=False),
        sa.Column("default_quota", sa.Integer(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subnetpools"),
    )
    op.create_index("ix_subnetpools_project_id", "subnetpools", ["project_id"], unique=False)
    op.add_column("subnets", sa.Column("subnetpool_id", sa.String(length=64), nullable=True))
    op.create_index("ix_subnets_subnetpool_id", "subnets", ["subnetpool_id"], unique=False)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_subnets_subnetpool_id", "subnets")
    op.drop_column("subnets", "subnetpool_id")
    op.drop_index("ix_subnetpools_project_id", "subnetpools")
    op.drop_table("subnetpools")
