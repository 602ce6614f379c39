"""Quotas of single projects, availability zones, and DHCP options of ports."""

from __future__ import annotations

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
