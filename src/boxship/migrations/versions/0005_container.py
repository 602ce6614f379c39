"""The tables of the container service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    _containers()
    _indexes()


def downgrade() -> None:
    """Remove them, those that others refer to last."""
    for table in ("containers",):
        op.drop_table(table)


def _containers() -> None:
    op.create_table(
        "containers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("image", sa.String(length=255), nullable=False),
        sa.Column("image_driver", sa.String(length=16), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=True),
        sa.Column("image_pull_policy", sa.String(length=16), nullable=True),
        sa.Column("command", sa.Text(), nullable=True),
        sa.Column("entrypoint", sa.Text(), nullable=True),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("workdir", sa.String(length=4096), nullable=True),
        sa.Column("hostname", sa.String(length=63), nullable=True),
        sa.Column("cpu", sa.Float(), nullable=True),
        sa.Column("memory", sa.Integer(), nullable=True),
        sa.Column("disk", sa.Integer(), nullable=False),
        sa.Column("restart_policy", sa.Text(), nullable=True),
        sa.Column("healthcheck", sa.Text(), nullable=True),
        sa.Column("interactive", sa.Boolean(), nullable=False),
        sa.Column("tty", sa.Boolean(), nullable=False),
        sa.Column("privileged", sa.Boolean(), nullable=False),
        sa.Column("auto_remove", sa.Boolean(), nullable=False),
        sa.Column("auto_heal", sa.Boolean(), nullable=False),
        sa.Column("availability_zone", sa.String(length=255), nullable=True),
        sa.Column("mounts", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("plugs", sa.Text(), nullable=False),
        sa.Column("wish", sa.String(length=16), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("reboots", sa.Integer(), nullable=False),
        sa.Column("stop_timeout", sa.Integer(), nullable=False),
        sa.Column("stop_first", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("pulling", sa.Boolean(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=False),
        sa.Column("rebooted", sa.Integer(), nullable=False),
        sa.Column("engine_id", sa.String(length=64), nullable=True),
        sa.Column("boot_id", sa.String(length=64), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("started_at", types.Moment(), nullable=True),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.Column("health", sa.String(length=16), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_containers"),
    )


def _indexes() -> None:
    op.create_index("ix_containers_created_at", "containers", ["created_at"], unique=False)
    op.create_index(
        "ix_containers_due", "containers", ["id"], unique=False, sqlite_where=sa.text("observed != generation")
    )
    op.create_index("ix_containers_name", "containers", ["name"], unique=False)
    op.create_index("ix_containers_project_id", "containers", ["project_id"], unique=False)
    op.create_index("ix_containers_wish", "containers", ["wish"], unique=False)
