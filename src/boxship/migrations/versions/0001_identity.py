"""The tables of the identity service, and the holds that all services share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _holds()
    _identity_epoch()
    _projects()
    _revoked_tokens()
    _roles()
    _users()
    _implied_roles()
    _role_assignments()


def downgrade() -> None:
    """Remove them, those that others refer to last."""
    for table in (
        "role_assignments",
        "implied_roles",
        "users",
        "roles",
        "revoked_tokens",
        "projects",
        "identity_epoch",
        "holds",
    ):
        op.drop_table(table)


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("holder_kind", sa.String(length=32), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "holder_kind", "holder_id", name="pk_holds"),
    )
    op.create_index("ix_holds_holder", "holds", ["holder_kind", "holder_id"], unique=False)


def _identity_epoch() -> None:
    op.create_table(
        "identity_epoch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_epoch"),
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=False),
        sa.Column("is_domain", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("domain_id", "name", "is_domain", name="uq_projects_domain_id_name_is_domain"),
    )
    op.create_index("ix_projects_name", "projects", ["name"], unique=False)
    op.create_index("ix_projects_parent_id", "projects", ["parent_id"], unique=False)


def _revoked_tokens() -> None:
    op.create_table(
        "revoked_tokens",
        sa.Column("audit_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name="pk_revoked_tokens"),
    )
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"], unique=False)


def _roles() -> None:
    op.create_table(
        "roles",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.UniqueConstraint("name", name="uq_roles_name"),
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("default_project_id", sa.String(length=64), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("valid_after", types.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("domain_id", "name", name="uq_users_domain_id_name"),
    )
    op.create_index("ix_users_name", "users", ["name"], unique=False)


def _implied_roles() -> None:
    op.create_table(
        "implied_roles",
        sa.Column("prior_id", sa.String(length=64), nullable=False),
        sa.Column("implied_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["implied_id"], ["roles.id"], name="fk_implied_roles_implied_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["prior_id"], ["roles.id"], name="fk_implied_roles_prior_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("prior_id", "implied_id", name="pk_implied_roles"),
    )


def _role_assignments() -> None:
    op.create_table(
        "role_assignments",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("role_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name="fk_role_assignments_role_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_role_assignments_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "kind", "target_id", "role_id", name="pk_role_assignments"),
    )
    op.create_index("ix_role_assignments_target_id", "role_assignments", ["target_id"], unique=False)
