"""Port forwardings of floating IPs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network import model
from boxship.services.network.store import rows, tables

_table, _floating = tables.forwardings, tables.floating


def _range(first: sa.Column[int], last: sa.Column[int]) -> sa.ColumnElement[str]:
    return sa.cast(first, sa.String(5)).concat(":").concat(sa.cast(last, sa.String(5)))


COLUMNS: listing.Columns = {
    **{name: _table.c[name] for name in ("id", "external_port", "protocol", "internal_port_id", "description")},
    "external_port_range": _range(_table.c.external_port, _table.c.external_last),
    "created_at": _table.c.created_at,
}
"""What lists are filtered and sorted by (neutron-lib, floating_ip_port_forwarding)."""


async def of_floating(transaction: Transaction, ids: Sequence[str]) -> dict[str, tuple[model.Forwarding, ...]]:
    """The forwardings of these floating IPs, oldest first."""
    if not ids:
        return {}
    select = sa.select(_table).where(_table.c.floatingip_id.in_(ids)).order_by(_table.c.created_at, _table.c.id)
    found: dict[str, list[model.Forwarding]] = {}
    for row in await transaction.rows(select):
        found.setdefault(row.floatingip_id, []).append(rows.built(model.Forwarding, row))
    return {id: tuple(entries) for id, entries in found.items()}


async def to_port(transaction: Transaction, port_id: str) -> list[model.Forwarding]:
    """The forwardings that lead to a port."""
    return await rows.find(transaction, _table, model.Forwarding, _table.c.internal_port_id == port_id)


async def any_of(transaction: Transaction, floatingip_id: str) -> bool:
    """Whether a floating IP forwards anything."""
    return await rows.exists(transaction, _table, _table.c.floatingip_id == floatingip_id)


async def any_into(transaction: Transaction, router_id: str, subnet_id: str) -> bool:
    """Whether a router forwards anything to an address of a subnet."""
    had = tables.addresses
    select = (
        sa.select(_table.c.id)
        .join_from(_table, _floating, _floating.c.id == _table.c.floatingip_id)
        .join(had, sa.and_(had.c.port_id == _table.c.internal_port_id, had.c.ip == _table.c.internal_ip_address))
        .where(_floating.c.router_id == router_id, had.c.subnet_id == subnet_id)
        .limit(1)
    )
    return await transaction.row(select) is not None
