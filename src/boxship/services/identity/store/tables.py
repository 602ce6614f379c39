"""The tables of the identity service."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db import types

projects = sa.Table(
    "projects",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(64), nullable=False, index=True),
    sa.Column("domain_id", sa.String(64), nullable=False),
    sa.Column("parent_id", sa.String(64), nullable=False, index=True),
    sa.Column("is_domain", sa.Boolean, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("tags", types.Json(list[str]), nullable=False),
    sa.UniqueConstraint("domain_id", "name", "is_domain"),
)
users = sa.Table(
    "users",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(255), nullable=False, index=True),
    sa.Column("domain_id", sa.String(64), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("email", sa.String(255)),
    sa.Column("default_project_id", sa.String(64)),
    sa.Column("password", sa.String(255)),
    sa.Column("valid_after", types.Moment, nullable=False),
    sa.UniqueConstraint("domain_id", "name"),
)
roles = sa.Table(
    "roles",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(255), nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False),
)
implied = sa.Table(
    "implied_roles",
    types.metadata,
    sa.Column("prior_id", sa.String(64), sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("implied_id", sa.String(64), sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)
assignments = sa.Table(
    "role_assignments",
    types.metadata,
    sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("target_id", sa.String(64), primary_key=True, index=True),
    sa.Column("role_id", sa.String(64), sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)
groups = sa.Table(
    "user_groups",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(64), nullable=False, index=True),
    sa.Column("domain_id", sa.String(64), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.UniqueConstraint("domain_id", "name"),
)
members = sa.Table(
    "user_group_members",
    types.metadata,
    sa.Column("group_id", sa.String(64), sa.ForeignKey("user_groups.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
)
group_assignments = sa.Table(
    "group_role_assignments",
    types.metadata,
    sa.Column("group_id", sa.String(64), sa.ForeignKey("user_groups.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("target_id", sa.String(64), primary_key=True, index=True),
    sa.Column("role_id", sa.String(64), sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)
revoked = sa.Table(
    "revoked_tokens",
    types.metadata,
    sa.Column("audit_id", sa.String(32), primary_key=True),
    sa.Column("expires_at", types.Moment, nullable=False, index=True),
)
epoch = sa.Table(
    "identity_epoch",
    types.metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Integer, nullable=False),
)
regions = sa.Table(
    "catalog_regions",
    types.metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("parent_region_id", sa.String(255), index=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
)
services = sa.Table(
    "catalog_services",
    types.metadata,
    types.identifier(),
    sa.Column("type", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
)
# Services and regions of the program itself are no rows, and may have endpoints and children: so nothing refers to them here.
endpoints = sa.Table(
    "catalog_endpoints",
    types.metadata,
    types.identifier(),
    sa.Column("service_id", sa.String(64), nullable=False, index=True),
    sa.Column("interface", sa.String(8), nullable=False),
    sa.Column("region_id", sa.String(255), index=True),
    sa.Column("url", sa.String(225), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
)
