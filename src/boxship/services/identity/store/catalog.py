"""The SQL of what admins add to the catalog: regions, services, endpoints. There are few, so lists are whole."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.services.identity import model
from boxship.services.identity.store import epochs, tables

_values = msgspec.structs.asdict

Part = model.Region | model.Service | model.Endpoint


def _table(part: Part) -> sa.Table:
    if isinstance(part, model.Region):
        return tables.regions
    return tables.services if isinstance(part, model.Service) else tables.endpoints


async def regions(transaction: Transaction) -> list[model.Region]:
    """All regions, by id."""
    return [model.Region(**row._mapping) for row in await _all(transaction, tables.regions)]


async def services(transaction: Transaction) -> list[model.Service]:
    """All services, by id."""
    return [model.Service(**row._mapping) for row in await _all(transaction, tables.services)]


async def endpoints(transaction: Transaction) -> list[model.Endpoint]:
    """All endpoints, by id."""
    return [model.Endpoint(**row._mapping) for row in await _all(transaction, tables.endpoints)]


async def _all(transaction: Transaction, table: sa.Table) -> list[sa.Row[Any]]:
    return list(await transaction.rows(sa.select(table).order_by(table.c.id)))


async def insert(transaction: Transaction, part: Part) -> None:
    """A new region, service or endpoint."""
    await transaction.execute(_table(part).insert().values(_values(part)))
    await epochs.changed(transaction)


async def replace(transaction: Transaction, part: Part) -> None:
    """Write all columns of the one with this id."""
    table = _table(part)
    await transaction.execute(table.update().where(table.c.id == part.id).values(_values(part)))
    await epochs.changed(transaction)


async def delete_regions(transaction: Transaction, ids: Collection[str]) -> None:
    """The regions with these ids."""
    await transaction.execute(tables.regions.delete().where(tables.regions.c.id.in_(ids)))
    await epochs.changed(transaction)


async def delete_service(transaction: Transaction, id: str) -> None:
    """The service with its endpoints."""
    await transaction.execute(tables.endpoints.delete().where(tables.endpoints.c.service_id == id))
    await transaction.execute(tables.services.delete().where(tables.services.c.id == id))
    await epochs.changed(transaction)


async def delete_endpoint(transaction: Transaction, id: str) -> None:
    """The endpoint."""
    await transaction.execute(tables.endpoints.delete().where(tables.endpoints.c.id == id))
    await epochs.changed(transaction)
