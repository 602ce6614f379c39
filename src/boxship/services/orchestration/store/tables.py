"""The tables of the orchestration service; columns stand in the order of the fields in ``model.py``."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from boxship.core.db import types
from boxship.services.orchestration.model import Action, Status

raws = sa.Table(
    "stack_raws",
    types.metadata,
    types.identifier(),
    sa.Column("template", types.Json(dict[str, Any]), nullable=False),
    sa.Column("environment", types.Json(dict[str, Any]), nullable=False),
    sa.Column("files", types.Json(dict[str, str]), nullable=False),
)

stacks = sa.Table(
    "stacks",
    types.metadata,
    types.identifier(),
    types.reference("project_id", nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    types.reference("owner_id"),
    sa.Column("owner_resource", sa.String(255)),
    types.reference("root_id", nullable=False),
    sa.Column("depth", sa.Integer, nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    types.reference("user_id", nullable=False),
    sa.Column("user_name", sa.String(255), nullable=False),
    sa.Column("roles", types.Json(list[str]), nullable=False),
    types.reference("raw_id", nullable=False),
    types.reference("former_raw_id"),
    sa.Column("tags", types.Json(list[str]), nullable=False),
    sa.Column("timeout", sa.Integer, nullable=False),
    sa.Column("disable_rollback", sa.Boolean, nullable=False),
    sa.Column("action", types.Choice(Action), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("began_at", types.Moment, nullable=False),
    types.reference("subject"),
    sa.Column("status", types.Choice(Status), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Column("deleted_at", types.Moment),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Index("ix_stacks_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_stacks_created", "created_at", "id"),
    sa.Index("ix_stacks_project_name", "project_id", "name"),
    sa.Index("ix_stacks_owner", "owner_id", "owner_resource"),
    sa.Index("ix_stacks_root", "root_id"),
)
_in_progress = stacks.c.status == Status.IN_PROGRESS.value
sa.Index("ix_stacks_due", stacks.c.id, sqlite_where=_in_progress, postgresql_where=_in_progress)

resources = sa.Table(
    "stack_resources",
    types.metadata,
    types.identifier(),
    sa.Column("stack_id", sa.String(64), sa.ForeignKey("stacks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("type", sa.String(1024), nullable=False),
    sa.Column("kind", sa.String(1024), nullable=False),
    sa.Column("action", types.Choice(Action), nullable=False),
    sa.Column("status", types.Choice(Status), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("physical_id", sa.String(255)),
    sa.Column("properties", types.Json(dict[str, Any]), nullable=False),
    sa.Column("data", types.Json(dict[str, str]), nullable=False),
    sa.Column("metadata", types.Json(dict[str, Any]), nullable=False),
    sa.Column("needs", types.Json(list[str]), nullable=False),
    sa.Column("policy", sa.String(16), nullable=False),
    types.reference("replaced_by"),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Index("ix_stack_resources_stack", "stack_id", "name"),
    sa.Index("ix_stack_resources_physical", "physical_id"),
)

events = sa.Table(
    "stack_events",
    types.metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    types.reference("id", nullable=False),
    sa.Column("stack_id", sa.String(64), sa.ForeignKey("stacks.id", ondelete="CASCADE"), nullable=False),
    types.reference("root_id", nullable=False),
    sa.Column("resource_name", sa.String(255), nullable=False),
    sa.Column("resource_type", sa.String(1024), nullable=False),
    sa.Column("physical_id", sa.String(255)),
    sa.Column("action", types.Choice(Action), nullable=False),
    sa.Column("status", types.Choice(Status), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("properties", types.Json(dict[str, Any]), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Index("ix_stack_events_stack", "stack_id", "number"),
    sa.Index("ix_stack_events_root", "root_id", "number"),
)

snapshots = sa.Table(
    "stack_snapshots",
    types.metadata,
    types.identifier(),
    sa.Column("stack_id", sa.String(64), sa.ForeignKey("stacks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("status", types.Choice(Status), nullable=False),
    sa.Column("action", types.Choice(Action), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("data", types.Json(dict[str, Any]), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Index("ix_stack_snapshots_stack", "stack_id", "created_at"),
)

configs = sa.Table(
    "software_configs",
    types.metadata,
    types.identifier(),
    types.reference("project_id", nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("group", sa.String(255), nullable=False),
    sa.Column("config", sa.Text, nullable=False),
    sa.Column("inputs", types.Json(list[dict[str, Any]]), nullable=False),
    sa.Column("outputs", types.Json(list[dict[str, Any]]), nullable=False),
    sa.Column("options", types.Json(dict[str, Any]), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Index("ix_software_configs_project_created", "project_id", "created_at", "id"),
)

deployments = sa.Table(
    "software_deployments",
    types.metadata,
    types.identifier(),
    types.reference("project_id", nullable=False),
    sa.Column("config_id", sa.String(64), sa.ForeignKey("software_configs.id"), nullable=False),
    sa.Column("server_id", sa.String(255), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("status", sa.String(64), nullable=False),
    sa.Column("status_reason", sa.Text, nullable=False),
    sa.Column("input_values", types.Json(dict[str, Any]), nullable=False),
    sa.Column("output_values", types.Json(dict[str, Any]), nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Index("ix_software_deployments_project_created", "project_id", "created_at", "id"),
    sa.Index("ix_software_deployments_server", "server_id"),
    sa.Index("ix_software_deployments_config", "config_id"),
)
