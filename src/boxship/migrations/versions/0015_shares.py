"""Shares, their access rules and snapshots, share types, quotas, messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables."""
    behind = sa.text("observed != generation")
    op.create_table("shares", *_shares())
    op.create_index("ix_shares_created", "shares", ["created_at", "id"])
    op.create_index("ix_shares_due", "shares", ["id"], sqlite_where=behind, postgresql_where=behind)
    op.create_index("ix_shares_project_created", "shares", ["project_id", "created_at", "id"])
    op.create_index("ix_shares_project_name", "shares", ["project_id", "name"])
    op.create_index("ix_shares_snapshot", "shares", ["snapshot_id"])
    op.create_index("ix_shares_type", "shares", ["type_id"])
    op.create_table("share_snapshots", *_snapshots())
    op.create_index("ix_share_snapshots_due", "share_snapshots", ["id"], sqlite_where=behind, postgresql_where=behind)
    op.create_index("ix_share_snapshots_project_created", "share_snapshots", ["project_id", "created_at", "id"])
    op.create_index("ix_share_snapshots_share", "share_snapshots", ["share_id"])
    op.create_table(
        "share_snapshot_metadata",
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=1023), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["share_snapshots.id"],
            name="fk_share_snapshot_metadata_snapshot_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "key", name="pk_share_snapshot_metadata"),
    )
    _belongings()
    _types()


def downgrade() -> None:
    """Remove them."""
    op.drop_table("share_disabled_services")
    op.drop_table("share_messages")
    op.drop_table("share_quotas")
    op.drop_table("share_type_access")
    op.drop_table("share_types")
    op.drop_table("share_snapshot_metadata")
    op.drop_table("share_snapshots")
    op.drop_table("share_access_rule_metadata")
    op.drop_table("share_access_rules")
    op.drop_table("share_metadata")
    op.drop_table("shares")


def _shares() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("type_id", sa.String(length=64), nullable=False),
        sa.Column("share_proto", sa.String(length=16), nullable=False),
        sa.Column("availability_zone", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.Column("condemned", sa.Boolean(), nullable=False),
        sa.Column("revert_to", sa.String(length=64), nullable=True),
        sa.Column("revert_asked", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("declared", sa.String(length=64), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("made_size", sa.Integer(), nullable=False),
        sa.Column("reverted", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=4096), nullable=True),
        sa.Column("location", sa.String(length=4096), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
    ]


def _snapshots() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("share_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("share_proto", sa.String(length=16), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.Column("condemned", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("declared", sa.String(length=64), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name="fk_share_snapshots_share_id"),
        sa.PrimaryKeyConstraint("id", name="pk_share_snapshots"),
    ]


def _belongings() -> None:
    op.create_table(
        "share_metadata",
        sa.Column("share_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=1023), nullable=False),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name="fk_share_metadata_share_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("share_id", "key", name="pk_share_metadata"),
    )
    op.create_table(
        "share_access_rules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("share_id", sa.String(length=64), nullable=False),
        sa.Column("access_type", sa.String(length=16), nullable=False),
        sa.Column("access_to", sa.String(length=255), nullable=False),
        sa.Column("access_level", sa.String(length=2), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name="fk_share_access_rules_share_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_share_access_rules"),
    )
    op.create_index("ix_share_access_rules_share", "share_access_rules", ["share_id"])
    op.create_table(
        "share_access_rule_metadata",
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=1023), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["share_access_rules.id"], name="fk_share_access_rule_metadata_rule_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rule_id", "key", name="pk_share_access_rule_metadata"),
    )


def _types() -> None:
    op.create_table(
        "share_types",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("extra_specs", sa.Text(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.UniqueConstraint("name", name="uq_share_types_name"),
        sa.PrimaryKeyConstraint("id", name="pk_share_types"),
    )
    op.create_table(
        "share_type_access",
        sa.Column("type_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["type_id"], ["share_types.id"], name="fk_share_type_access_type_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("type_id", "project_id", name="pk_share_type_access"),
    )
    op.create_index("ix_share_type_access_project", "share_type_access", ["project_id"])
    op.create_table(
        "share_quotas",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("scope_id", sa.String(length=130), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("hard_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "resource", name="pk_share_quotas"),
    )
    op.create_table(
        "share_messages",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=255), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("detail", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_share_messages"),
    )
    op.create_index("ix_share_messages_expires", "share_messages", ["expires_at"])
    op.create_index("ix_share_messages_project_created", "share_messages", ["project_id", "created_at", "id"])
    op.create_index("ix_share_messages_resource", "share_messages", ["resource_id"])
    op.create_table(
        "share_disabled_services",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("binary", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("disabled_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("host", "binary", name="pk_share_disabled_services"),
    )
