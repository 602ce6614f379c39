"""RBAC policies; what is shared with everybody, or external, has one."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0009"
down_revision = "0008"

_FLAGS = (
    ("networks", "shared", "network", "access_as_shared"),
    ("networks", "external", "network", "access_as_external"),
    ("subnetpools", "shared", "subnetpool", "access_as_shared"),
)


def upgrade() -> None:
    """Make the table and its first rows."""
    policies = op.create_table(
        "network_rbac",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_network_rbac"),
        sa.UniqueConstraint("object_id", "action", "target", name="uq_network_rbac_object_id_action_target"),
    )
    op.create_index("ix_network_rbac_project_id", "network_rbac", ["project_id"], unique=False)
    op.create_index("ix_network_rbac_target", "network_rbac", ["target"], unique=False)
    for table, flag, kind, action in _FLAGS:
        op.bulk_insert(policies, [_policy(row, kind, action) for row in _flagged(table, flag)])


def _flagged(table: str, flag: str) -> list[sa.Row[tuple[str, str, object]]]:
    columns = sa.table(
        table,
        sa.column("id", sa.String),
        sa.column("project_id", sa.String),
        sa.column("created_at", types.Moment()),
        sa.column(flag, sa.Boolean),
    )
    select = sa.select(columns.c.id, columns.c.project_id, columns.c.created_at).where(columns.c[flag].is_(True))
    return list(op.get_bind().execute(select))


def _policy(row: sa.Row[tuple[str, str, object]], kind: str, action: str) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "project_id": row.project_id,
        "created_at": row.created_at,
        "object_type": kind,
        "object_id": row.id,
        "action": action,
        "target": "*",
    }


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("network_rbac")
