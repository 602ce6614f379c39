"""Stacks: their templates, resources, events and snapshots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables."""
    busy = sa.text("status = 'IN_PROGRESS'")
    op.create_table("stack_raws", *_stack_raws())
    op.create_table("stacks", *_stacks())
    op.create_index("ix_stacks_created", "stacks", ["created_at", "id"])
    op.create_index("ix_stacks_due", "stacks", ["id"], sqlite_where=busy, postgresql_where=busy)
    op.create_index("ix_stacks_owner", "stacks", ["owner_id", "owner_resource"])
    op.create_index("ix_stacks_project_created", "stacks", ["project_id", "created_at", "id"])
    op.create_index("ix_stacks_project_name", "stacks", ["project_id", "name"])
    op.create_index("ix_stacks_root", "stacks", ["root_id"])
    op.create_table("stack_resources", *_stack_resources())
    op.create_index("ix_stack_resources_physical", "stack_resources", ["physical_id"])
    op.create_index("ix_stack_resources_stack", "stack_resources", ["stack_id", "name"])
    op.create_table("stack_events", *_stack_events())
    op.create_index("ix_stack_events_root", "stack_events", ["root_id", "number"])
    op.create_index("ix_stack_events_stack", "stack_events", ["stack_id", "number"])
    op.create_table("stack_snapshots", *_stack_snapshots())
    op.create_index("ix_stack_snapshots_stack", "stack_snapshots", ["stack_id", "created_at"])


def _stack_raws() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stack_raws"),
    ]


def _stacks() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=True),
        sa.Column("owner_resource", sa.String(length=255), nullable=True),
        sa.Column("root_id", sa.String(length=64), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("raw_id", sa.String(length=64), nullable=False),
        sa.Column("former_raw_id", sa.String(length=64), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("disable_rollback", sa.Boolean(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("began_at", types.Moment(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.Column("deleted_at", types.Moment(), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stacks"),
    ]


def _stack_resources() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("type", sa.String(length=1024), nullable=False),
        sa.Column("kind", sa.String(length=1024), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("physical_id", sa.String(length=255), nullable=True),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("replaced_by", sa.String(length=64), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name="fk_stack_resources_stack_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_stack_resources"),
    ]


def _stack_events() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("root_id", sa.String(length=64), nullable=False),
        sa.Column("resource_name", sa.String(length=255), nullable=False),
        sa.Column("resource_type", sa.String(length=1024), nullable=False),
        sa.Column("physical_id", sa.String(length=255), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name="fk_stack_events_stack_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_stack_events"),
    ]


def _stack_snapshots() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name="fk_stack_snapshots_stack_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_stack_snapshots"),
    ]


def downgrade() -> None:
    """Remove them."""
    op.drop_table("stack_snapshots")
    op.drop_table("stack_events")
    op.drop_table("stack_resources")
    op.drop_table("stacks")
    op.drop_table("stack_raws")
