"""How many addresses networks have, and how many are used: counted when asked, three queries for any number."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence

from boxship.core import errors as core
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.network import errors, model
from boxship.services.network.operations import access
from boxship.services.network.schemas import availability as wire
from boxship.services.network.store import availability as store
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import rows, tables

_VERSIONS = {"4": 4, "6": 6}


async def all_networks(transaction: Transaction, query: Query) -> tuple[list[wire.NetworkAvailability], listing.Page]:
    """The networks, filtered by id, name, project or the IP version of subnets, which then are the only ones counted."""
    versions = [_version(text) for text in query.all("ip_version")]
    conditions = [store.having_version(versions)] if versions else []
    source = (tables.networks, model.Network, store.COLUMNS)
    found, page = await access.listed(transaction, query, source, conditions, frozenset(("ip_version",)))
    return await _counted(transaction, found, versions or _VERSIONS.values()), page


def _version(text: str) -> int:
    if text not in _VERSIONS:
        raise core.BadRequest(f"'{text}' is neither 4 nor 6", field="ip_version")
    return _VERSIONS[text]


async def of_network(transaction: Transaction, id: str) -> wire.NetworkAvailability:
    """One network. NetworkNotFound."""
    network = await rows.get(transaction, tables.networks, model.Network, id)
    if network is None:
        raise errors.NetworkNotFound(id)
    return (await _counted(transaction, [network], _VERSIONS.values()))[0]


async def _counted(
    transaction: Transaction, networks: Sequence[model.Network], versions: Collection[int]
) -> list[wire.NetworkAvailability]:
    ids = [network.id for network in networks]
    subnets = await networks_store.subnets_of(transaction, ids)
    used = await store.used(transaction, ids)
    found = []
    for network in networks:
        parts = [
            _subnet(subnet, used.get(subnet.id, 0))
            for subnet in subnets.get(network.id, ())
            if subnet.ip_version in versions
        ]
        found.append(_network(network, parts))
    return found


def _network(network: model.Network, parts: list[wire.SubnetAvailability]) -> wire.NetworkAvailability:
    return wire.NetworkAvailability(
        network.id,
        network.name,
        network.project_id,
        network.project_id,
        sum(part.total_ips for part in parts),
        sum(part.used_ips for part in parts),
        parts,
    )


def _subnet(subnet: model.Subnet, used: int) -> wire.SubnetAvailability:
    return wire.SubnetAvailability(subnet.id, subnet.name, subnet.ip_version, subnet.cidr, _total(subnet), used)


def _total(subnet: model.Subnet) -> int:
    """The addresses of its pools; of its whole range where it has no pools, as upstream counts."""
    if not subnet.allocation_pools:
        return ipaddress.ip_network(subnet.cidr).num_addresses
    return sum(_size(pool) for pool in subnet.allocation_pools)


def _size(pool: model.Pool) -> int:
    return int(ipaddress.ip_address(pool.end)) - int(ipaddress.ip_address(pool.start)) + 1
