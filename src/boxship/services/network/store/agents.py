"""What hosts do for networks, counted for each, and what admins say of agents."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.core import hosts
from boxship.core.db.database import Transaction
from boxship.services.network.store import rows, tables

_agents, _ports, _routers, _names = tables.agents, tables.ports, tables.routers, tables.names
_legs, _floating, _subnets = tables.legs, tables.floating, tables.subnets

Counts = dict[str, int]
"""A number for each host; the host of what is placed on none is empty."""


class Note(msgspec.Struct, frozen=True):
    """What an admin said of an agent. ``forgotten``: the moment of its removal, in seconds of the database."""

    id: str
    description: str
    forgotten: float | None


class Figures(msgspec.Struct, frozen=True):
    """How much every host has of what agents count."""

    wired: Counts
    routers: Counts
    gateways: Counts
    interfaces: Counts
    floating: Counts
    networks: Counts
    subnets: Counts
    ports: Counts


async def notes(transaction: Transaction) -> dict[str, Note]:
    """What was ever said, by agent."""
    return {row.id: rows.built(Note, row) for row in await transaction.rows(sa.select(_agents))}


async def describe(transaction: Transaction, id: str, description: str) -> None:
    """Keep a description of an agent."""
    await _keep(transaction, id, description=description)


async def forget(transaction: Transaction, id: str) -> None:
    """Keep that an agent was removed now."""
    await _keep(transaction, id, description="", forgotten=hosts.database_seconds())


async def _keep(transaction: Transaction, id: str, **values: object) -> None:
    if not await transaction.execute(_agents.update().where(_agents.c.id == id).values(**values)):
        await transaction.execute(_agents.insert().values(id=id, **values))


async def now(transaction: Transaction) -> float:
    """The time of the database in seconds, in which hosts say that they live."""
    return float(await transaction.scalar(sa.select(hosts.database_seconds())))


async def figures(transaction: Transaction) -> Figures:
    """All figures of all hosts: a query each, however many hosts there are."""
    legs = _legs.join(_routers, _routers.c.id == _legs.c.router_id)
    served = _subnets.c.enable_dhcp.is_(True)
    return Figures(
        wired=await _counted(transaction, _ports.c.host, _ports, _ports.c.sandbox > ""),
        routers=await _counted(transaction, _routers.c.host, _routers),
        gateways=await _counted(transaction, _routers.c.host, legs, _legs.c.is_gateway.is_(True)),
        interfaces=await _counted(transaction, _routers.c.host, legs, _legs.c.is_gateway.is_(False)),
        floating=await _counted(
            transaction, _routers.c.host, _floating.join(_routers, _routers.c.id == _floating.c.router_id)
        ),
        networks=await _counted(transaction, _names.c.host, _names),
        subnets=await _counted(
            transaction, _names.c.host, _names.join(_subnets, _subnets.c.network_id == _names.c.id), served
        ),
        ports=await _counted(transaction, _names.c.host, _names.join(_ports, _ports.c.network_id == _names.c.id)),
    )


async def _counted(
    transaction: Transaction, host: sa.Column[str], source: sa.FromClause, *conditions: sa.ColumnElement[bool]
) -> Counts:
    count = sa.func.count().label("number")
    select = sa.select(host.label("host"), count).select_from(source).where(*conditions).group_by(host)
    return {row.host: row.number for row in await transaction.rows(select)}


async def names_hosts(transaction: Transaction, network_ids: Sequence[str]) -> dict[str, str]:
    """The host of the name service of each network that has one."""
    select = sa.select(_names.c.id, _names.c.host).where(_names.c.id.in_(network_ids))
    return {row.id: row.host for row in await transaction.rows(select)}
