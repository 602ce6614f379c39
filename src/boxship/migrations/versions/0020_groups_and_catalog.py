"""Groups of users with their members and roles; regions, services and endpoints that admins add to the catalog."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make the tables."""
    _groups()
    _catalog()


def _groups() -> None:
    op.create_table(
        "user_groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_groups"),
        sa.UniqueConstraint("domain_id", "name", name="uq_user_groups_domain_id_name"),
    )
    op.create_index("ix_user_groups_name", "user_groups", ["name"])
    op.create_table(
        "user_group_members",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["user_groups.id"], name="fk_user_group_members_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_group_members_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_user_group_members"),
    )
    op.create_index("ix_user_group_members_user_id", "user_group_members", ["user_id"])
    op.create_table(
        "group_role_assignments",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("role_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["user_groups.id"], name="fk_group_role_assignments_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name="fk_group_role_assignments_role_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "kind", "target_id", "role_id", name="pk_group_role_assignments"),
    )
    op.create_index("ix_group_role_assignments_target_id", "group_role_assignments", ["target_id"])


def _catalog() -> None:
    op.create_table(
        "catalog_regions",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("parent_region_id", sa.String(length=255), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_regions"),
    )
    op.create_index("ix_catalog_regions_parent_region_id", "catalog_regions", ["parent_region_id"])
    op.create_table(
        "catalog_services",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_services"),
    )
    op.create_table(
        "catalog_endpoints",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.String(length=64), nullable=False),
        sa.Column("interface", sa.String(length=8), nullable=False),
        sa.Column("region_id", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(length=225), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_endpoints"),
    )
    op.create_index("ix_catalog_endpoints_region_id", "catalog_endpoints", ["region_id"])
    op.create_index("ix_catalog_endpoints_service_id", "catalog_endpoints", ["service_id"])


def downgrade() -> None:
    """Remove them."""
    for table in (
        *("catalog_endpoints", "catalog_services", "catalog_regions"),
        *("group_role_assignments", "user_group_members", "user_groups"),
    ):
        op.drop_table(table)
