"""How many addresses the subnets of networks have, and how many of them ports have."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network.store import tables

_networks, _subnets, _addresses = tables.networks, tables.subnets, tables.addresses

COLUMNS: listing.Columns = {
    "network_id": _networks.c.id,
    "network_name": _networks.c.name,
    "tenant_id": _networks.c.project_id,
    "project_id": _networks.c.project_id,
    "created_at": _networks.c.created_at,
}


def having_version(versions: Sequence[int]) -> sa.ColumnElement[bool]:
    """Networks with a subnet of one of the IP versions."""
    return _networks.c.id.in_(sa.select(_subnets.c.network_id).where(_subnets.c.ip_version.in_(versions)))


async def used(transaction: Transaction, network_ids: Sequence[str]) -> dict[str, int]:
    """How many addresses ports have of each subnet of the networks: one query for any number."""
    count = sa.func.count().label("used")
    select = (
        sa.select(_addresses.c.subnet_id, count)
        .where(_addresses.c.network_id.in_(network_ids))
        .group_by(_addresses.c.subnet_id)
    )
    return {row.subnet_id: row.used for row in await transaction.rows(select)}
