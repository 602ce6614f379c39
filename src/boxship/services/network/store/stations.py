"""The DHCP clients of a network: its wired ports, with what they are to be told."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.network import model
from boxship.services.network.store import rows, tables

_ports, _addresses = tables.ports, tables.addresses


async def of_network(transaction: Transaction, network_id: str) -> list[model.Station]:
    """The wired ports of a network with their addresses, in order of MACs: two queries for any number."""
    wired = (_ports.c.network_id == network_id, _ports.c.sandbox != "")
    had = (
        sa.select(_addresses.c.port_id, _addresses.c.ip)
        .join_from(_addresses, _ports, _ports.c.id == _addresses.c.port_id)
        .where(*wired)
        .order_by(sa.func.length(_addresses.c.key), _addresses.c.key)
    )
    addresses = rows.grouped(await transaction.rows(had))
    select = (
        sa.select(_ports.c.id, _ports.c.mac_address, _ports.c.dns_name, _ports.c.dhcp_options)
        .where(*wired)
        .order_by(_ports.c.mac_address)
    )
    return [
        model.Station(row.mac_address, row.dns_name, addresses.get(row.id, ()), row.dhcp_options)
        for row in await transaction.rows(select)
    ]
