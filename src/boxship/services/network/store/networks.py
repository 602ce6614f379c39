"""Networks and subnets: the questions that need more than a row by its id."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network import model
from boxship.services.network.store import rbac, rows, tables

_networks, _subnets, _segments = tables.networks, tables.subnets, tables.segments

NETWORK_COLUMNS: listing.Columns = {
    **{
        name: _networks.c[name]
        for name in (
            "id", "name", "description", "project_id", "admin_state_up", "shared", "is_default", "mtu", "status",
            "port_security_enabled", "dns_domain", "created_at", "updated_at", "revision_number",
        )
    },
    "tenant_id": _networks.c.project_id,
    "router:external": _networks.c.external,
    "provider:segmentation_id": _networks.c.segment,
}  # fmt: skip

SUBNET_COLUMNS: listing.Columns = {
    **{
        name: _subnets.c[name]
        for name in (
            "id", "name", "description", "project_id", "network_id", "ip_version", "cidr", "gateway_ip", "enable_dhcp",
            "ipv6_ra_mode", "ipv6_address_mode", "created_at", "updated_at", "revision_number", "subnetpool_id",
        )
    },
    "tenant_id": _subnets.c.project_id,
}  # fmt: skip


def visible(project_id: str | None) -> sa.ColumnElement[bool]:
    """The networks that a project sees: its own, and those that are shared with it or external for it."""
    return sa.or_(
        _networks.c.project_id == project_id, _networks.c.id.in_(rbac.granted(model.Shared.NETWORK, project_id))
    )


def subnet_visible(project_id: str | None) -> sa.ColumnElement[bool]:
    """The subnets that a project sees: its own, and those of networks that are shared with it."""
    return sa.or_(_subnets.c.project_id == project_id, subnet_shared_with(project_id, wanted=True))


def subnet_shared_with(project_id: str | None, *, wanted: bool) -> sa.ColumnElement[bool]:
    """The subnets of networks that are shared with a project; or else the others."""
    shared = _subnets.c.network_id.in_(rbac.granted(model.Shared.NETWORK, project_id, model.Access.SHARED))
    return shared if wanted else sa.not_(shared)


async def take_segment(transaction: Transaction, network_id: str) -> int | None:
    """Take the smallest free segment; None: all are taken."""
    await transaction.serialise("network:segments")
    after = _segments.alias()
    taken = sa.select(sa.literal(1)).where(after.c.segment == _segments.c.segment + 1).exists()
    first = await transaction.scalar(sa.select(_segments.c.segment).where(_segments.c.segment == 1))
    gap = sa.select(_segments.c.segment + 1).where(~taken).order_by(_segments.c.segment).limit(1)
    segment = int(await transaction.scalar(gap)) if first else 1
    if segment > model.MOST_SEGMENTS:
        return None
    await transaction.execute(_segments.insert().values(segment=segment, network_id=network_id))
    return segment


async def reserve_segment(transaction: Transaction, network_id: str, segment: int) -> bool:
    """Take this segment; False: it is taken."""
    await transaction.serialise("network:segments")
    if await transaction.scalar(sa.select(_segments.c.segment).where(_segments.c.segment == segment)):
        return False
    await transaction.execute(_segments.insert().values(segment=segment, network_id=network_id))
    return True


async def free_segment(transaction: Transaction, network_id: str) -> None:
    """Give the segment of a network back, once the kernel has let go of it."""
    await transaction.execute(_segments.delete().where(_segments.c.network_id == network_id))


async def subnet_ids(transaction: Transaction, network_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The ids of the subnets of each network, oldest first."""
    select = (
        sa.select(_subnets.c.network_id, _subnets.c.id)
        .where(_subnets.c.network_id.in_(network_ids))
        .order_by(_subnets.c.created_at, _subnets.c.id)
    )
    return rows.grouped(await transaction.rows(select))


async def subnets_of(transaction: Transaction, network_ids: Sequence[str]) -> dict[str, list[model.Subnet]]:
    """The subnets of each network, oldest first."""
    select = (
        sa.select(_subnets).where(_subnets.c.network_id.in_(network_ids)).order_by(_subnets.c.created_at, _subnets.c.id)
    )
    found: dict[str, list[model.Subnet]] = {}
    for row in await transaction.rows(select):
        found.setdefault(row.network_id, []).append(rows.built(model.Subnet, row))
    return found


async def external(transaction: Transaction) -> model.Network | None:
    """The external network."""
    found = await rows.find(transaction, _networks, model.Network, _networks.c.external.is_(True))
    return found[0] if found else None


async def first_with_subnet(transaction: Transaction, project_id: str) -> str | None:
    """The project's oldest own network that has a subnet and is not external."""
    with_subnet = sa.select(_subnets.c.network_id)
    found: str | None = await transaction.scalar(
        sa.select(_networks.c.id)
        .where(
            _networks.c.project_id == project_id,
            _networks.c.external.is_(False),
            _networks.c.id.in_(with_subnet),
        )
        .order_by(_networks.c.created_at, _networks.c.id)
        .limit(1)
    )
    return found
