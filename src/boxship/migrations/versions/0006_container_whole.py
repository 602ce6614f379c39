"""Containers with all of Zun's API: actions, capsules, sessions, hosts, quotas, registries, images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables and columns."""
    _containers()
    _actions()
    _sessions()
    _commits()
    _quotas()
    _hosts()
    _registries()
    _images()
    _capsules()


def downgrade() -> None:
    """Remove them."""
    for table in (
        *("container_actions", "container_sessions", "container_commits"),
        *("container_quotas", "container_quota_classes", "container_hosts"),
        *("container_registries", "container_private_repositories", "container_images"),
        "capsules",
    ):
        op.drop_table(table)
    for index in ("ix_containers_capsule_id", *_INDEXES):
        op.drop_index(index, "containers")
    op.create_index("ix_containers_project_id", "containers", ["project_id"], unique=False)
    for column in _columns():
        op.drop_column("containers", column.name)


def _containers() -> None:
    for column in _columns():
        op.add_column("containers", column)
    op.create_index("ix_containers_capsule_id", "containers", ["capsule_id"], unique=False)
    op.drop_index("ix_containers_project_id", "containers")
    for name, columns in _INDEXES.items():
        op.create_index(name, "containers", columns, unique=False)


_INDEXES = {
    "ix_containers_usage": ["project_id", "memory", "cpu", "disk"],
    "ix_containers_placed": ["host", "memory", "cpu", "disk"],
    "ix_containers_listed": ["project_id", "created_at"],
}


def _columns() -> list[sa.Column[object]]:
    """With defaults for the rows that are there."""
    return [
        sa.Column("cpu_policy", sa.String(length=16), nullable=True),
        sa.Column("runtime", sa.String(length=64), nullable=True),
        sa.Column("registry_id", sa.String(length=64), nullable=True),
        sa.Column("exposed_ports", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("capsule_id", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=8), nullable=False, server_default=""),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("task", sa.String(length=32), nullable=True),
        sa.Column("kills", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("kill_signal", sa.String(length=16), nullable=False, server_default="SIGKILL"),
        sa.Column("rebuilds", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("resizes", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("killed", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("rebuilt", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("resized", sa.Integer(), nullable=False, server_default="0"),
    ]


def _actions() -> None:
    op.create_table(
        "container_actions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("container_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("started_at", types.Moment(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("finished_at", types.Moment(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("events", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_container_actions"),
    )
    op.create_index("ix_container_actions_container", "container_actions", ["container_id", "started_at"], unique=False)


def _sessions() -> None:
    op.create_table(
        "container_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("container_id", sa.String(length=64), nullable=False),
        sa.Column("exec_id", sa.String(length=64), nullable=True),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_container_sessions"),
    )
    op.create_index("ix_container_sessions_container_id", "container_sessions", ["container_id"], unique=False)
    op.create_index("ix_container_sessions_expires_at", "container_sessions", ["expires_at"], unique=False)


def _commits() -> None:
    op.create_table(
        "container_commits",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("container_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_container_commits"),
    )


def _quotas() -> None:
    op.create_table(
        "container_quotas",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=32), nullable=False),
        sa.Column("hard_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource", name="pk_container_quotas"),
    )
    op.create_table(
        "container_quota_classes",
        sa.Column("class_name", sa.String(length=255), nullable=False),
        sa.Column("resource", sa.String(length=32), nullable=False),
        sa.Column("hard_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("class_name", "resource", name="pk_container_quota_classes"),
    )


def _hosts() -> None:
    op.create_table(
        "container_hosts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hostname", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("zone", sa.String(length=255), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("memory", sa.Integer(), nullable=False),
        sa.Column("disk", sa.Integer(), nullable=False),
        sa.Column("disk_used", sa.Integer(), nullable=False),
        sa.Column("disk_quota", sa.Boolean(), nullable=False),
        sa.Column("architecture", sa.String(length=64), nullable=False),
        sa.Column("os", sa.String(length=255), nullable=False),
        sa.Column("os_type", sa.String(length=64), nullable=False),
        sa.Column("kernel", sa.String(length=255), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("runtimes", sa.Text(), nullable=False),
        sa.Column("last_seen_up", types.Moment(), nullable=False),
        sa.Column("report_count", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(length=255), nullable=True),
        sa.Column("forced_down", sa.Boolean(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_container_hosts"),
        sa.UniqueConstraint("hostname", name="uq_container_hosts_hostname"),
    )


def _registries() -> None:
    op.create_table(
        "container_registries",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_container_registries"),
        sa.UniqueConstraint("project_id", "name", name="uq_container_registries_project_id_name"),
    )
    op.create_table(
        "container_private_repositories",
        sa.Column("repository", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("repository", name="pk_container_private_repositories"),
    )


def _capsules() -> None:
    op.create_table(
        "capsules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("annotations", sa.Text(), nullable=False),
        sa.Column("restart_policy", sa.String(length=16), nullable=False),
        sa.Column("availability_zone", sa.String(length=255), nullable=True),
        sa.Column("cpu", sa.Float(), nullable=False),
        sa.Column("memory", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("plugs", sa.Text(), nullable=False),
        sa.Column("volumes", sa.Text(), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("wish", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_capsules"),
    )
    op.create_index("ix_capsules_name", "capsules", ["name"], unique=False)
    op.create_index("ix_capsules_listed", "capsules", ["project_id", "created_at"], unique=False)
    op.create_index("ix_capsules_due", "capsules", ["id"], unique=False, sqlite_where=sa.text("observed != generation"))


def _images() -> None:
    op.create_table(
        "container_images",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("repo", sa.String(length=255), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("glance_id", sa.String(length=64), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.String(length=255), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_container_images"),
    )
    op.create_index("ix_container_images_host", "container_images", ["host"], unique=False)
