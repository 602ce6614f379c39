"""Availability zones: which there are, which are hinted at, and in which a network or a router is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from boxship.config import Settings
from boxship.core import hosts
from boxship.core.db.database import Transaction
from boxship.services.network import errors, model
from boxship.services.network.store import agents as store

RESOURCES = ("network", "router")
"""What is placed in zones."""


class Zone(msgspec.Struct, frozen=True):
    """A zone for one kind of resource; available while a host of it lives."""

    name: str
    resource: str
    state: str


async def all_zones(transaction: Transaction, settings: Settings) -> list[Zone]:
    """Every zone that a host is in, once for each kind of resource, by name."""
    states: dict[str, str] = {}
    for host in await workers(transaction, settings):
        lives = states.get(host.zone) == "available" or alive(host, settings)
        states[host.zone] = "available" if lives else "unavailable"
    return [Zone(name, resource, state) for name, state in sorted(states.items()) for resource in RESOURCES]


async def workers(transaction: Transaction, settings: Settings) -> list[hosts.Host]:
    """The hosts that networks can be on; where the database is this host's alone, this one, whatever it was called before."""
    here = settings.host_name
    known = [host for host in await hosts.known(transaction) if settings.shared or host.name == here]
    return [host for host in known if host.works] if known else [_this(settings)]


def _this(settings: Settings) -> hosts.Host:
    """This host, before its first sign of life."""
    name, zone = settings.host_name, settings.availability_zone
    return hosts.Host(name, settings.url, zone, settings.tunnel_address, works=True, age=0, up=0)


def alive(host: hosts.Host, settings: Settings) -> bool:
    """Whether a host lives; the one that answers does."""
    return host.name == settings.host_name or host.lives(settings.host_lease)


async def hinted(transaction: Transaction, settings: Settings, hints: Sequence[str]) -> tuple[str, ...]:
    """The hints, each once. AvailabilityZoneNotFound: no host is in it."""
    if not hints:
        return ()
    known = {zone.name for zone in await all_zones(transaction, settings)}
    for hint in hints:
        if hint not in known:
            raise errors.AvailabilityZoneNotFound(hint)
    return tuple(dict.fromkeys(hints))


async def of_host(transaction: Transaction, settings: Settings, host: str) -> str:
    """The zone of a host; of one that is not known, the one of this host."""
    known = {found.name: found.zone for found in await workers(transaction, settings)}
    return known.get(host, settings.availability_zone)


async def of_networks(transaction: Transaction, settings: Settings, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The zones that networks are in, by their ids: the zone of the host that has the network's name service."""
    placed = await store.names_hosts(transaction, ids)
    return await _zones(transaction, settings, placed.items())


async def of_routers(
    transaction: Transaction, settings: Settings, routers: Iterable[model.Router]
) -> dict[str, tuple[str, ...]]:
    """The zones that routers are in, by their ids."""
    return await _zones(transaction, settings, [(router.id, router.host) for router in routers])


async def _zones(
    transaction: Transaction, settings: Settings, placed: Iterable[tuple[str, str]]
) -> dict[str, tuple[str, ...]]:
    """The zones of the hosts. What is placed on none is here where the database is this host's alone, else nowhere yet."""
    known = {host.name: host.zone for host in await workers(transaction, settings)}
    if not settings.shared:
        known |= {"": settings.availability_zone}
    return {id: (known[host],) for id, host in placed if host in known}
