"""RBAC policies: which projects see networks, subnet pools and security groups of others, and as what."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from boxship.core.db.among import among
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network import model
from boxship.services.network.store import rows, tables

_rbac, _memberships, _ports, _routers = tables.rbac, tables.memberships, tables.ports, tables.routers

EVERYBODY = "*"

COLUMNS: listing.Columns = {
    **{name: _rbac.c[name] for name in ("id", "object_type", "object_id", "action", "project_id", "created_at")},
    "tenant_id": _rbac.c.project_id,
    "target_tenant": _rbac.c.target,
    "target_project": _rbac.c.target,
}


def granted(object_type: str, project_id: str | None, action: str | None = None) -> sa.Select[tuple[str]]:
    """The ids of what a project may see, or use as ``action`` says, of that type."""
    mine = _rbac.c.target.in_([EVERYBODY, project_id or ""])
    wanted = [] if action is None else [_rbac.c.action == action]
    return sa.select(_rbac.c.object_id).where(_rbac.c.object_type == object_type, mine, *wanted)


async def actions(transaction: Transaction, object_id: str, project_id: str | None) -> set[str]:
    """What a project may do with something of another one; nothing: it does not see it."""
    mine = _rbac.c.target.in_([EVERYBODY, project_id or ""])
    select = sa.select(_rbac.c.action).where(_rbac.c.object_id == object_id, mine)
    return {row.action for row in await transaction.rows(select)}


async def shared(transaction: Transaction, object_ids: Sequence[str], project_id: str | None) -> set[str]:
    """Those of the objects that a project may use as shared."""
    mine = _rbac.c.target.in_([EVERYBODY, project_id or ""])
    where = (among(_rbac.c.object_id, object_ids), mine, _rbac.c.action == model.Access.SHARED)
    return {row.object_id for row in await transaction.rows(sa.select(_rbac.c.object_id).where(*where))}


async def of_object(transaction: Transaction, object_id: str) -> list[model.Rbac]:
    """All policies of an object."""
    return await rows.find(transaction, _rbac, model.Rbac, _rbac.c.object_id == object_id)


async def drop(transaction: Transaction, object_id: str, action: str | None = None, target: str | None = None) -> None:
    """Remove the policies of an object: all, or those of an action, or for a target."""
    where = [_rbac.c.object_id == object_id]
    where += [] if action is None else [_rbac.c.action == action]
    where += [] if target is None else [_rbac.c.target == target]
    await transaction.execute(_rbac.delete().where(*where))


async def projects_on(transaction: Transaction, network_id: str) -> set[str]:
    """The projects that have ports on a network."""
    select = sa.select(_ports.c.project_id).where(_ports.c.network_id == network_id, _ports.c.project_id != "")
    return {row.project_id for row in await transaction.rows(select.distinct())}


async def projects_behind(transaction: Transaction, network_id: str) -> set[str]:
    """The projects that have routers or floating IPs on an external network."""
    floating = tables.floating
    leading = sa.select(_routers.c.project_id).where(_routers.c.gateway_network_id == network_id)
    standing = sa.select(floating.c.project_id).where(floating.c.floating_network_id == network_id)
    return {row.project_id for row in await transaction.rows(sa.union(leading, standing))}


async def projects_in(transaction: Transaction, group_id: str) -> set[str]:
    """The projects that have ports in a security group."""
    select = (
        sa.select(_ports.c.project_id)
        .join_from(_memberships, _ports, _ports.c.id == _memberships.c.port_id)
        .where(_memberships.c.group_id == group_id)
    )
    return {row.project_id for row in await transaction.rows(select.distinct())}
