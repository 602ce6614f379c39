"""Port forwardings of floating IPs."""

from __future__ import annotations

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make them."""


def downgrade() -> None:
    """Remove them."""
