"""Subnet pools: the questions that need more than a row by its id."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network import model
from boxship.services.network.store import rbac, rows, tables

_pools, _subnets = tables.subnetpools, tables.subnets

COLUMNS: listing.Columns = {
    **{
        name: _pools.c[name]
        for name in (
            "id", "name", "description", "project_id", "ip_version", "min_prefixlen", "max_prefixlen", "default_prefixlen",
            "default_quota", "shared", "is_default", "created_at", "updated_at", "revision_number",
        )
    },
    "tenant_id": _pools.c.project_id,
}  # fmt: skip


def visible(project_id: str | None) -> sa.ColumnElement[bool]:
    """The pools that a project may cut from: its own and those that are shared with it."""
    shared = rbac.granted(model.Shared.SUBNETPOOL, project_id, model.Access.SHARED)
    return sa.or_(_pools.c.project_id == project_id, _pools.c.id.in_(shared))


async def default(transaction: Transaction, version: int) -> model.SubnetPool | None:
    """The default pool of an IP version."""
    found = await rows.find(
        transaction, _pools, model.SubnetPool, _pools.c.is_default.is_(True), _pools.c.ip_version == version
    )
    return found[0] if found else None


async def ranges(transaction: Transaction, pool_id: str) -> list[tuple[str, str]]:
    """What was cut from the pool, as pairs of project and range."""
    select = sa.select(_subnets.c.project_id, _subnets.c.cidr).where(_subnets.c.subnetpool_id == pool_id)
    return [(row.project_id, row.cidr) for row in await transaction.rows(select)]
