"""Images that are fetched from a URL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the columns, and the index of what is to be fetched."""
    op.add_column("images", sa.Column("source", sa.Text(), nullable=True))
    op.add_column("images", sa.Column("failure", sa.Text(), nullable=True))
    importing = sa.text("status = 'importing'")
    op.create_index("ix_images_importing", "images", ["id"], sqlite_where=importing, postgresql_where=importing)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_images_importing", "images")
    op.drop_column("images", "failure")
    op.drop_column("images", "source")
