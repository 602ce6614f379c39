"""Removals: what is left of a deleted row until the world is clean. Deletion writes one, the reconciler clears it."""

from __future__ import annotations

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.network import model
from boxship.services.network.store import rows, tables

_removals = tables.removals

LEG = "leg"
"""A leg that a router has to undo; no reconciler's kind, the router's clears it."""


async def add(transaction: Transaction, removal: model.Removal) -> None:
    """Remember that this has to leave the world, and tell its reconciler. What is remembered already keeps its place."""
    before = await get(transaction, removal.kind, removal.id)
    if before is None:
        await rows.insert(transaction, _removals, removal)
    elif removal.place:
        await transaction.execute(
            _removals.update().where(_same(before)).values(place=removal.place, host=removal.host)
        )
    transaction.wake(*((model.Kind.ROUTER, removal.place) if removal.kind == LEG else (removal.kind, removal.id)))


def _same(removal: model.Removal) -> sa.ColumnElement[bool]:
    return sa.and_(_removals.c.kind == removal.kind, _removals.c.id == removal.id)


async def get(transaction: Transaction, kind: str, id: str) -> model.Removal | None:
    """The removal of this thing."""
    row = await transaction.row(sa.select(_removals).where(_removals.c.kind == kind, _removals.c.id == id))
    return None if row is None else rows.built(model.Removal, row)


async def ids(transaction: Transaction, kind: str) -> list[str]:
    """The ids of what of this kind has to leave the world."""
    return [row.id for row in await transaction.rows(sa.select(_removals.c.id).where(_removals.c.kind == kind))]


async def blocks(transaction: Transaction, network_id: str) -> bool:
    """Whether something in the network is not gone yet."""
    return await rows.exists(transaction, _removals, _removals.c.network_id == network_id)


async def clear(transaction: Transaction, kind: str, id: str) -> None:
    """It has left the world; whoever waited for that is told."""
    removal = await get(transaction, kind, id)
    if removal is None:
        return
    await transaction.execute(_removals.delete().where(_same(removal)))
    if removal.network_id:
        transaction.wake(model.Kind.NETWORK, removal.network_id)


async def in_sandbox(transaction: Transaction, sandbox: str) -> bool:
    """Whether a port that was wired into this sandbox is not gone from it yet."""
    return await rows.exists(transaction, _removals, _removals.c.kind == model.Kind.PORT, _removals.c.place == sandbox)


async def legs(transaction: Transaction, router_id: str) -> list[str]:
    """The port ids of the legs that a router has to undo."""
    select = sa.select(_removals.c.id).where(_removals.c.kind == LEG, _removals.c.place == router_id)
    return [row.id for row in await transaction.rows(select)]
