"""Hosts that share the database, and leases of what is placed on none."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
