"""Quotas of single projects, availability zones, DHCP options of ports, and what admins say of agents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_LISTS = (("networks", "zone_hints"), ("routers", "zone_hints"), ("ports", "dhcp_options"))


def upgrade() -> None:
    """Make the tables and the columns."""
    for table, column in _LISTS:
        op.add_column(table, sa.Column(column, sa.Text(), nullable=False, server_default="[]"))
    op.add_column("security_group_rules", sa.Column("written_prefix", sa.String(length=64), nullable=True))
    op.create_table(
        "network_limits",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource", name="pk_network_limits"),
    )
    op.create_table(
        "network_agents",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("forgotten", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_network_agents"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("network_agents")
    op.drop_table("network_limits")
    op.drop_column("security_group_rules", "written_prefix")
    for table, column in reversed(_LISTS):
        op.drop_column(table, column)
