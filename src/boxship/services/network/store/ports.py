"""Ports and their groups: lists, views and deletion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from boxship.core import hosts
from boxship.core.db.among import among
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network import model
from boxship.services.network.store import addresses, removals, rows, tables

_ports, _memberships = tables.ports, tables.memberships

COLUMNS: listing.Columns = {
    **{
        name: _ports.c[name]
        for name in (
            "id", "name", "description", "project_id", "network_id", "admin_state_up", "mac_address", "device_id",
            "device_owner", "port_security_enabled", "dns_name", "status", "created_at", "updated_at",
            "revision_number",
        )
    },
    "tenant_id": _ports.c.project_id,
    "binding:host_id": _ports.c.host,
    "binding:vnic_type": _ports.c.vnic_type,
}  # fmt: skip


def visible(project_id: str | None) -> sa.ColumnElement[bool]:
    """The ports that a project sees: its own, and those of others on its networks."""
    networks = sa.select(tables.networks.c.id).where(tables.networks.c.project_id == project_id)
    return sa.or_(_ports.c.project_id == project_id, _ports.c.network_id.in_(networks))


def having_address(
    ip: str | None = None, subnet_id: str | None = None, part: str | None = None
) -> sa.ColumnElement[bool]:
    """Ports with this address, with one of this subnet, or with one whose text contains this part."""
    found = sa.select(tables.addresses.c.port_id)
    if ip is not None:
        found = found.where(tables.addresses.c.ip == ip)
    if subnet_id is not None:
        found = found.where(tables.addresses.c.subnet_id == subnet_id)
    if part is not None:
        found = found.where(tables.addresses.c.ip.contains(part.lower(), autoescape=True))
    return _ports.c.id.in_(found)


def in_groups(group_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    """Ports that are in one of the groups."""
    return _ports.c.id.in_(sa.select(_memberships.c.port_id).where(_memberships.c.group_id.in_(group_ids)))


async def views(transaction: Transaction, ports: Sequence[model.Port]) -> list[model.PortView]:
    """The ports with addresses and groups: two queries for any number."""
    ids = [port.id for port in ports]
    had = await addresses.of_ports(transaction, ids)
    groups = await groups_of(transaction, ids)
    return [model.PortView(port, had.get(port.id, ()), groups.get(port.id, ())) for port in ports]


async def view(transaction: Transaction, id: str) -> model.PortView | None:
    """One port with addresses and groups."""
    port = await rows.get(transaction, _ports, model.Port, id)
    return (await views(transaction, [port]))[0] if port else None


async def groups_of(transaction: Transaction, port_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The ids of the groups of each port."""
    if not port_ids:
        return {}
    select = (
        sa.select(_memberships.c.port_id, _memberships.c.group_id)
        .where(among(_memberships.c.port_id, port_ids))
        .order_by(_memberships.c.port_id, _memberships.c.group_id)
    )
    return rows.grouped(await transaction.rows(select))


async def set_groups(transaction: Transaction, port_id: str, group_ids: Iterable[str]) -> None:
    """Replace the groups of a port."""
    await transaction.execute(_memberships.delete().where(_memberships.c.port_id == port_id))
    await join_groups(transaction, port_id, group_ids)


async def join_groups(transaction: Transaction, port_id: str, group_ids: Iterable[str]) -> None:
    """Put a port, which is in none of them, into groups."""
    for group_id in dict.fromkeys(group_ids):
        await transaction.execute(_memberships.insert().values(port_id=port_id, group_id=group_id))


async def members(transaction: Transaction, group_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The addresses of the ports in each group, in order."""
    had = tables.addresses
    select = (
        sa.select(_memberships.c.group_id, had.c.ip)
        .join_from(_memberships, had, had.c.port_id == _memberships.c.port_id)
        .where(_memberships.c.group_id.in_(group_ids))
        .order_by(had.c.key)
    )
    return rows.grouped(await transaction.rows(select))


async def wired(transaction: Transaction, only: str | None) -> list[str]:
    """The ids of the ports that are bound to a sandbox on this host (None: on any)."""
    select = sa.select(_ports.c.id).where(_ports.c.sandbox > "", *hosts.placed(_ports.c.host, only))
    return [row.id for row in await transaction.rows(select)]


async def on(transaction: Transaction, only: str | None) -> list[str]:
    """The ids of all ports that are on this host or on none (None: of all)."""
    select = sa.select(_ports.c.id).where(*hosts.placed(_ports.c.host, only))
    return [row.id for row in await transaction.rows(select)]


_present = sa.or_(_ports.c.sandbox > "", _ports.c.device_owner.startswith("network:"))
"""Ports that are somewhere, once they have a host; an admin may write a host on others too."""


async def networks_on(transaction: Transaction, host: str, network_id: str | None = None) -> set[str]:
    """The networks that have a port on the host; or of these only the one asked for."""
    select = sa.select(_ports.c.network_id).where(_ports.c.host == host, _present).distinct()
    if network_id is not None:
        select = select.where(_ports.c.network_id == network_id)
    return {row.network_id for row in await transaction.rows(select)}


async def groups_on(transaction: Transaction, host: str, group_id: str | None = None) -> set[str]:
    """The groups of the ports on the host and those that their rules name; or of these only the one asked for."""
    of_ports = (
        sa.select(_memberships.c.group_id)
        .join_from(_memberships, _ports, _ports.c.id == _memberships.c.port_id)
        .where(_ports.c.host == host, _ports.c.sandbox > "")
    )
    rules, groups = tables.rules, tables.groups
    named = sa.select(rules.c.remote_group_id).where(
        rules.c.security_group_id.in_(of_ports), rules.c.remote_group_id.is_not(None)
    )
    select = sa.select(groups.c.id).where(sa.or_(groups.c.id.in_(of_ports), groups.c.id.in_(named)))
    if group_id is not None:
        select = select.where(groups.c.id == group_id)
    return {row.id for row in await transaction.rows(select)}


async def elsewhere(transaction: Transaction, network_id: str, here: str) -> list[model.Port]:
    """The ports of a network that are on other hosts."""
    there = _ports.c.host.not_in(["", here])
    return await rows.find(transaction, _ports, model.Port, _ports.c.network_id == network_id, there, _present)


async def move(transaction: Transaction, port_ids: Sequence[str], host: str) -> None:
    """Say on which host these ports are."""
    await transaction.execute(_ports.update().where(_ports.c.id.in_(port_ids)).values(host=host))


async def in_network(transaction: Transaction, network_id: str, *, owners: Sequence[str] = ()) -> list[model.Port]:
    """The ports of a network; ``owners`` leaves out those with these device owners."""
    return await rows.find(
        transaction, _ports, model.Port, _ports.c.network_id == network_id, _ports.c.device_owner.not_in(owners)
    )


async def records(transaction: Transaction, network_id: str) -> list[tuple[str, str]]:
    """Name and address of every wired port of a network that has a name, in order."""
    had = tables.addresses
    select = (
        sa.select(_ports.c.dns_name, had.c.ip)
        .join_from(_ports, had, had.c.port_id == _ports.c.id)
        .where(_ports.c.network_id == network_id, _ports.c.dns_name != "", _ports.c.sandbox != "")
        .order_by(_ports.c.dns_name, had.c.key)
    )
    return [(row.dns_name, row.ip) for row in await transaction.rows(select)]


async def delete(transaction: Transaction, port_id: str) -> None:
    """Remove the row and what belongs to it; addresses must be given back before."""
    await transaction.execute(_memberships.delete().where(_memberships.c.port_id == port_id))
    await transaction.execute(tables.addresses.delete().where(tables.addresses.c.port_id == port_id))
    await rows.delete(transaction, _ports, port_id)


def subnets_with_ports(port_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    """Subnets that one of the ports has an address of."""
    had = tables.addresses
    return tables.subnets.c.id.in_(sa.select(had.c.subnet_id).where(had.c.port_id.in_(port_ids)))


async def addresses_in(transaction: Transaction, subnet_id: str) -> set[tuple[str, str]]:
    """Port and address of everything in a subnet that a floating IP leads to."""
    had, floating = tables.addresses, tables.floating
    select = (
        sa.select(had.c.port_id, had.c.ip)
        .join_from(had, floating, floating.c.port_id == had.c.port_id)
        .where(had.c.subnet_id == subnet_id)
    )
    return {(row.port_id, row.ip) for row in await transaction.rows(select)}


async def is_in_sandbox(transaction: Transaction, sandbox: str) -> bool:
    """Whether a port is, or is to be, wired into this sandbox; one on its way out counts."""
    return await rows.exists(transaction, _ports, _ports.c.sandbox == sandbox) or await removals.in_sandbox(
        transaction, sandbox
    )
