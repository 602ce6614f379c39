"""Addresses: what is free in a subnet, taken and given back without ever loading a pool.

An address is stored as a ``key``: its number in hexadecimal, 8 digits for IPv4 and 32 for IPv6, so that order of text
is order of number in every database. What is free of the pools is kept as ranges (``address_ranges``), so that the next
free address, a certain one, and the end of a pool each cost one look in an index, in a /30 as in a /8.
Callers serialise on the subnet first.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from boxship.core.db.among import among
from boxship.core.db.database import Transaction
from boxship.services.network import model
from boxship.services.network.store import rows, tables

Free = tuple[str, str]
"""First and last key of a range."""

_ranges, _addresses = tables.ranges, tables.addresses


def key(ip: str) -> str:
    """The sortable key of an address."""
    return ipaddress.ip_address(ip).packed.hex()


def text(key: str) -> str:
    """The address of a key, in the canonical spelling."""
    return str(ipaddress.ip_address(bytes.fromhex(key)))


def moved(key: str, by: int) -> str:
    """The key ``by`` addresses further; the caller knows that it exists."""
    return f"{int(key, 16) + by:0{len(key)}x}"


async def set_free(transaction: Transaction, subnet_id: str, free: Iterable[Free]) -> None:
    """Replace the free ranges of a subnet."""
    await transaction.execute(_ranges.delete().where(_ranges.c.subnet_id == subnet_id))
    await add_free(transaction, subnet_id, free)


async def add_free(transaction: Transaction, subnet_id: str, free: Iterable[Free]) -> None:
    """Free ranges of a subnet that has none there."""
    rows = [{"subnet_id": subnet_id, "first": first, "last": last} for first, last in free]
    if rows:
        await transaction.execute(_ranges.insert().values(rows))


async def take_next(transaction: Transaction, subnet: model.Subnet) -> str | None:
    """Take a free address, the next after the one taken last, so that a freed one rests; None: none is free."""
    subnet_id, cursor = subnet.id, subnet.cursor
    following = moved(cursor, 1)
    found = await _containing(transaction, subnet_id, following)
    if found:
        taken = following
    else:
        found = await _lowest(transaction, subnet_id, cursor) or await _lowest(transaction, subnet_id, "")
        if found is None:
            return None
        taken = found[0]
    await _cut(transaction, subnet_id, found, taken)
    await transaction.execute(tables.subnets.update().where(tables.subnets.c.id == subnet_id).values(cursor=taken))
    return taken


async def take(transaction: Transaction, subnet_id: str, wanted: str) -> None:
    """Take this address out of the free ranges, where it is in one (outside of the pools it is in none)."""
    found = await _containing(transaction, subnet_id, wanted)
    if found:
        await _cut(transaction, subnet_id, found, wanted)


async def give_back(transaction: Transaction, subnet_id: str, pools: Sequence[model.Pool], freed: str) -> None:
    """Make an address free again, joined with its neighbours, if it is in a pool."""
    if not any(key(pool.start) <= freed <= key(pool.end) for pool in pools):
        return
    first, last = freed, freed
    below = await _containing(transaction, subnet_id, moved(freed, -1)) if int(freed, 16) else None
    above = await _containing(transaction, subnet_id, moved(freed, 1))
    for neighbour in filter(None, (below, above)):
        await _drop(transaction, subnet_id, neighbour[0])
        first, last = min(first, neighbour[0]), max(last, neighbour[1])
    await transaction.execute(_ranges.insert().values(subnet_id=subnet_id, first=first, last=last))


async def taken(transaction: Transaction, network_id: str, wanted: str) -> bool:
    """Whether a port of the network has the address."""
    return (
        await transaction.row(
            sa.select(_addresses.c.port_id).where(_addresses.c.network_id == network_id, _addresses.c.key == wanted)
        )
        is not None
    )


async def of_ports(transaction: Transaction, port_ids: Sequence[str]) -> dict[str, tuple[model.Address, ...]]:
    """The addresses of these ports, lowest first, IPv4 before IPv6."""
    if not port_ids:
        return {}
    found: dict[str, list[model.Address]] = {}
    order = (sa.func.length(_addresses.c.key), _addresses.c.key)
    for row in await transaction.rows(
        sa.select(_addresses).where(among(_addresses.c.port_id, port_ids)).order_by(*order)
    ):
        found.setdefault(row[0], []).append(rows.built(model.Address, row))
    return {port_id: tuple(addresses) for port_id, addresses in found.items()}


async def keys(transaction: Transaction, subnet_id: str) -> list[str]:
    """The keys of all addresses that ports have from a subnet, in order; for rebuilding its free ranges only."""
    select = sa.select(_addresses.c.key).where(_addresses.c.subnet_id == subnet_id).order_by(_addresses.c.key)
    return [row.key for row in await transaction.rows(select)]


async def insert(transaction: Transaction, addresses: Sequence[model.Address]) -> None:
    """Give addresses to a port; a unique constraint refuses what is had already."""
    await rows.insert(transaction, _addresses, *addresses)


async def delete(transaction: Transaction, addresses: Iterable[model.Address]) -> None:
    """Take addresses from their port; the free ranges are another matter (``give_back``)."""
    for address in addresses:
        await transaction.execute(
            _addresses.delete().where(_addresses.c.network_id == address.network_id, _addresses.c.key == address.key)
        )


async def _containing(transaction: Transaction, subnet_id: str, wanted: str) -> Free | None:
    """The free range that this key is in: the last one that begins at or before it, if it reaches so far."""
    row = await transaction.row(
        sa.select(_ranges.c.first, _ranges.c.last)
        .where(_ranges.c.subnet_id == subnet_id, _ranges.c.first <= wanted)
        .order_by(_ranges.c.first.desc())
        .limit(1)
    )
    return (row.first, row.last) if row is not None and row.last >= wanted else None


async def _lowest(transaction: Transaction, subnet_id: str, after: str) -> Free | None:
    """The first free range that begins after this key."""
    row = await transaction.row(
        sa.select(_ranges.c.first, _ranges.c.last)
        .where(_ranges.c.subnet_id == subnet_id, _ranges.c.first > after)
        .order_by(_ranges.c.first)
        .limit(1)
    )
    return None if row is None else (row.first, row.last)


async def _cut(transaction: Transaction, subnet_id: str, found: Free, taken: str) -> None:
    """Replace a range by what is left of it beside one address."""
    first, last = found
    here = sa.and_(_ranges.c.subnet_id == subnet_id, _ranges.c.first == first)
    if first == last:
        await transaction.execute(_ranges.delete().where(here))
    elif taken == first:
        await transaction.execute(_ranges.update().where(here).values(first=moved(taken, 1)))
    else:
        await transaction.execute(_ranges.update().where(here).values(last=moved(taken, -1)))
        if taken < last:
            await transaction.execute(_ranges.insert().values(subnet_id=subnet_id, first=moved(taken, 1), last=last))


async def _drop(transaction: Transaction, subnet_id: str, first: str) -> None:
    await transaction.execute(_ranges.delete().where(_ranges.c.subnet_id == subnet_id, _ranges.c.first == first))
