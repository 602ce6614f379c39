"""Software configs and deployments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "software_configs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("group", sa.String(length=255), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_software_configs"),
    )
    columns = ["project_id", "created_at", "id"]
    op.create_index("ix_software_configs_project_created", "software_configs", columns)
    op.create_table(
        "software_deployments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("config_id", sa.String(length=64), nullable=False),
        sa.Column("server_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=False),
        sa.Column("input_values", sa.Text(), nullable=False),
        sa.Column("output_values", sa.Text(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(["config_id"], ["software_configs.id"], name="fk_software_deployments_config_id"),
        sa.PrimaryKeyConstraint("id", name="pk_software_deployments"),
    )
    op.create_index("ix_software_deployments_config", "software_deployments", ["config_id"])
    op.create_index("ix_software_deployments_project_created", "software_deployments", columns)
    op.create_index("ix_software_deployments_server", "software_deployments", ["server_id"])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("software_deployments")
    op.drop_table("software_configs")
