"""Port forwardings of floating IPs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0011"
down_revision = "0010"

_TABLE = "port_forwardings"
_REFERENCES = ("floatingip_id", "internal_port_id")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        _TABLE,
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("floatingip_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("internal_port_id", sa.String(length=64), nullable=False),
        sa.Column("internal_ip_address", sa.String(length=45), nullable=False),
        sa.Column("protocol", sa.String(length=8), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("internal_port", "internal_last", "external_port", "external_last")
        ),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["floatingip_id"], ["floating_ips.id"], name=f"fk_{_TABLE}_floatingip_id"),
        sa.ForeignKeyConstraint(["internal_port_id"], ["ports.id"], name=f"fk_{_TABLE}_internal_port_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{_TABLE}"),
        sa.UniqueConstraint(
            "floatingip_id", "protocol", "external_port", name=f"uq_{_TABLE}_floatingip_id_protocol_external_port"
        ),
    )
    for column in _REFERENCES:
        op.create_index(f"ix_{_TABLE}_{column}", _TABLE, [column])


def downgrade() -> None:
    """Remove them."""
    for column in reversed(_REFERENCES):
        op.drop_index(f"ix_{_TABLE}_{column}", table_name=_TABLE)
    op.drop_table(_TABLE)
