"""Routers, their legs, and floating IPs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network import model
from boxship.services.network.store import addresses, forwarding, rows, tables

_routers, _legs, _floating, _ports = tables.routers, tables.legs, tables.floating, tables.ports

ROUTER_COLUMNS: listing.Columns = {
    **{
        name: _routers.c[name]
        for name in (
            "id", "name", "description", "project_id", "admin_state_up", "status", "created_at", "updated_at",
            "revision_number",
        )
    },
    "tenant_id": _routers.c.project_id,
}  # fmt: skip

FLOATING_COLUMNS: listing.Columns = {
    **{
        name: _floating.c[name]
        for name in (
            "id", "description", "project_id", "floating_network_id", "floating_ip_address", "router_id", "port_id",
            "fixed_ip_address", "status", "dns_name", "dns_domain", "created_at", "updated_at", "revision_number",
        )
    },
    "tenant_id": _floating.c.project_id,
}  # fmt: skip


async def legs_of(transaction: Transaction, router_ids: Sequence[str]) -> list[tuple[model.Leg, model.Port]]:
    """The legs of these routers with their ports."""
    if not router_ids:
        return []
    select = (
        sa.select(_legs, _ports)
        .join_from(_legs, _ports, _ports.c.id == _legs.c.port_id)
        .where(_legs.c.router_id.in_(router_ids))
        .order_by(_ports.c.created_at, _ports.c.id)
    )
    width = len(_legs.c)
    return [
        (rows.built(model.Leg, row[:width]), rows.built(model.Port, row[width:]))
        for row in await transaction.rows(select)
    ]


async def views(transaction: Transaction, found: Sequence[model.Router]) -> list[model.RouterView]:
    """The routers with the addresses of their gateway ports."""
    legs = await legs_of(transaction, [router.id for router in found])
    gateways = {leg.router_id: leg.port_id for leg, _ in legs if leg.is_gateway}
    had = await addresses.of_ports(transaction, list(gateways.values()))
    return [model.RouterView(router, had.get(gateways.get(router.id, ""), ())) for router in found]


async def leg_of_port(transaction: Transaction, port_id: str) -> model.Leg | None:
    """The leg that a port is."""
    row = await transaction.row(sa.select(_legs).where(_legs.c.port_id == port_id))
    return None if row is None else rows.built(model.Leg, row)


async def legs_on_subnet(transaction: Transaction, subnet_id: str) -> list[tuple[model.Leg, str]]:
    """The legs (gateways are none) with an address of the subnet, with that address."""
    had = tables.addresses
    select = (
        sa.select(_legs, had.c.ip)
        .join_from(_legs, had, had.c.port_id == _legs.c.port_id)
        .where(had.c.subnet_id == subnet_id, _legs.c.is_gateway.is_(False))
        .order_by(_legs.c.port_id)
    )
    return [(rows.built(model.Leg, row[:-1]), row[-1]) for row in await transaction.rows(select)]


async def routers_on_network(transaction: Transaction, network_id: str) -> list[str]:
    """The routers that have a leg in the network."""
    select = (
        sa.select(_legs.c.router_id)
        .join_from(_legs, _ports, _ports.c.id == _legs.c.port_id)
        .where(_ports.c.network_id == network_id)
        .distinct()
    )
    return [row[0] for row in await transaction.rows(select)]


async def delete_leg(transaction: Transaction, port_id: str) -> None:
    """Take a leg from its router; the port is another matter."""
    await transaction.execute(_legs.delete().where(_legs.c.port_id == port_id))


async def floating_of(transaction: Transaction, *conditions: sa.ColumnElement[bool]) -> list[model.FloatingIP]:
    """The floating IPs that meet all conditions."""
    return await rows.find(transaction, _floating, model.FloatingIP, *conditions)


async def floating_views(transaction: Transaction, found: Sequence[model.FloatingIP]) -> list[model.FloatingView]:
    """The floating IPs with the ports they lead to and their forwardings."""
    wanted = [floating.port_id for floating in found if floating.port_id]
    ports = {}
    if wanted:
        ports = {port.id: port for port in await rows.find(transaction, _ports, model.Port, _ports.c.id.in_(wanted))}
    forwarded = await forwarding.of_floating(transaction, [floating.id for floating in found])
    return [
        model.FloatingView(floating, ports.get(floating.port_id or ""), forwarded.get(floating.id, ()))
        for floating in found
    ]
