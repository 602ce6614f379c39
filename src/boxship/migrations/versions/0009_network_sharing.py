"""RBAC policies, and what providers say of networks."""

from __future__ import annotations

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
