"""What is told of a port to the device that is plugged into it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.network import model
from boxship.services.network.store import addresses, rows, tables

_ports, _addresses, _legs, _floating = tables.ports, tables.addresses, tables.legs, tables.floating


async def networks_inside(transaction: Transaction, router_id: str) -> list[str]:
    """The networks that a router has legs in; not the one it leaves by."""
    select = (
        sa.select(_ports.c.network_id)
        .join_from(_legs, _ports, _ports.c.id == _legs.c.port_id)
        .where(_legs.c.router_id == router_id, _legs.c.is_gateway.is_(False))
    )
    return [row.network_id for row in await transaction.rows(select)]


async def port_at(transaction: Transaction, network_ids: Sequence[str], ip: str) -> model.Port | None:
    """The port that has the address in one of the networks; None: none, or not a single one."""
    select = (
        sa.select(_ports)
        .join_from(_addresses, _ports, _ports.c.id == _addresses.c.port_id)
        .where(_addresses.c.network_id.in_(network_ids), _addresses.c.key == addresses.key(ip))
        .limit(2)
    )
    found = await transaction.rows(select)
    return rows.built(model.Port, found[0]) if len(found) == 1 else None


async def floating_at(transaction: Transaction, port_id: str, ip: str) -> str:
    """The floating IP that leads to an address of a port; empty: none does."""
    select = (
        sa.select(_floating.c.floating_ip_address)
        .where(_floating.c.port_id == port_id, _floating.c.fixed_ip_address == ip)
        .order_by(_floating.c.created_at)
        .limit(1)
    )
    return str(await transaction.scalar(select) or "")


async def group_names(transaction: Transaction, port_id: str) -> tuple[str, ...]:
    """The names of the security groups of a port, in order."""
    groups, memberships = tables.groups, tables.memberships
    select = (
        sa.select(groups.c.name)
        .join_from(memberships, groups, groups.c.id == memberships.c.group_id)
        .where(memberships.c.port_id == port_id)
        .order_by(groups.c.name)
    )
    return tuple(row.name for row in await transaction.rows(select))
