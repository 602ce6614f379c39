"""The tables of the share service; columns stand in the order of the fields in ``model.py``."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db import types

shares = sa.Table(
    "shares",
    types.metadata,
    types.identifier(),
    types.reference("project_id", nullable=False),
    types.reference("user_id", nullable=False),
    types.reference("type_id", nullable=False),
    sa.Column("share_proto", sa.String(16), nullable=False),
    sa.Column("availability_zone", sa.String(255), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    types.reference("snapshot_id"),
    sa.Column("name", sa.String(255)),
    sa.Column("description", sa.String(255)),
    sa.Column("is_public", sa.Boolean, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("condemned", sa.Boolean, nullable=False),
    types.reference("revert_to"),
    sa.Column("revert_asked", sa.Integer, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("declared", sa.String(64), nullable=False),
    sa.Column("observed", sa.Integer, nullable=False),
    sa.Column("made", sa.Boolean, nullable=False),
    sa.Column("made_size", sa.Integer, nullable=False),
    sa.Column("reverted", sa.Integer, nullable=False),
    sa.Column("path", sa.String(4096)),
    sa.Column("location", sa.String(4096)),
    sa.Column("fault", sa.Text),
    sa.Column("status", sa.String(64), nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Index("ix_shares_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_shares_project_name", "project_id", "name"),
    sa.Index("ix_shares_created", "created_at", "id"),
    sa.Index("ix_shares_type", "type_id"),
    sa.Index("ix_shares_snapshot", "snapshot_id"),
)
_share_behind = shares.c.observed != shares.c.generation
sa.Index("ix_shares_due", shares.c.id, sqlite_where=_share_behind, postgresql_where=_share_behind)

metadata = sa.Table(
    "share_metadata",
    types.metadata,
    sa.Column("share_id", sa.String(64), sa.ForeignKey("shares.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.String(1023), nullable=False),
)

rules = sa.Table(
    "share_access_rules",
    types.metadata,
    types.identifier(),
    sa.Column("share_id", sa.String(64), sa.ForeignKey("shares.id", ondelete="CASCADE"), nullable=False),
    sa.Column("access_type", sa.String(16), nullable=False),
    sa.Column("access_to", sa.String(255), nullable=False),
    sa.Column("access_level", sa.String(2), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("applied", sa.Boolean, nullable=False),
    sa.Column("fault", sa.Text),
    sa.Column("updated_at", types.Moment),
    sa.Index("ix_share_access_rules_share", "share_id"),
)

rule_metadata = sa.Table(
    "share_access_rule_metadata",
    types.metadata,
    sa.Column("rule_id", sa.String(64), sa.ForeignKey("share_access_rules.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.String(1023), nullable=False),
)

snapshots = sa.Table(
    "share_snapshots",
    types.metadata,
    types.identifier(),
    types.reference("share_id", "shares.id", nullable=False),
    types.reference("project_id", nullable=False),
    types.reference("user_id", nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("share_proto", sa.String(16), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("description", sa.String(255)),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("condemned", sa.Boolean, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("declared", sa.String(64), nullable=False),
    sa.Column("observed", sa.Integer, nullable=False),
    sa.Column("made", sa.Boolean, nullable=False),
    sa.Column("fault", sa.Text),
    sa.Column("status", sa.String(64), nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Index("ix_share_snapshots_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_share_snapshots_share", "share_id"),
)
_snapshot_behind = snapshots.c.observed != snapshots.c.generation
sa.Index("ix_share_snapshots_due", snapshots.c.id, sqlite_where=_snapshot_behind, postgresql_where=_snapshot_behind)

snapshot_metadata = sa.Table(
    "share_snapshot_metadata",
    types.metadata,
    sa.Column("snapshot_id", sa.String(64), sa.ForeignKey("share_snapshots.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.String(1023), nullable=False),
)

share_types = sa.Table(
    "share_types",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(255), nullable=False, unique=True),
    sa.Column("description", sa.String(255)),
    sa.Column("is_public", sa.Boolean, nullable=False),
    sa.Column("extra_specs", types.Json(dict[str, str]), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
)

type_access = sa.Table(
    "share_type_access",
    types.metadata,
    sa.Column("type_id", sa.String(64), sa.ForeignKey("share_types.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Index("ix_share_type_access_project", "project_id"),
)

quotas = sa.Table(
    "share_quotas",
    types.metadata,
    sa.Column("scope", sa.String(16), primary_key=True),
    sa.Column("scope_id", sa.String(130), primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    sa.Column("hard_limit", sa.Integer, nullable=False),
)

messages = sa.Table(
    "share_messages",
    types.metadata,
    types.identifier(),
    types.reference("project_id", nullable=False),
    sa.Column("request_id", sa.String(255), nullable=False),
    sa.Column("resource_type", sa.String(32), nullable=False),
    types.reference("resource_id", nullable=False),
    sa.Column("action", sa.String(8), nullable=False),
    sa.Column("detail", sa.String(8), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("level", sa.String(16), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("expires_at", types.Moment, nullable=False),
    sa.Index("ix_share_messages_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_share_messages_resource", "resource_id"),
    sa.Index("ix_share_messages_expires", "expires_at"),
)

disabled_services = sa.Table(
    "share_disabled_services",
    types.metadata,
    sa.Column("host", sa.String(255), primary_key=True),
    sa.Column("binary", sa.String(64), primary_key=True),
    sa.Column("reason", sa.String(255)),
    sa.Column("disabled_at", types.Moment, nullable=False),
)
