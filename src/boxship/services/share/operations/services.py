"""The services of this service: on every host one that keeps shares and one that places them. Admins disable them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from boxship.config import Settings
from boxship.core import clock, hosts
from boxship.core.db.database import Transaction
from boxship.services.share import errors
from boxship.services.share.store import services as store

SHARE = "manila-share"
SCHEDULER = "manila-scheduler"
BINARIES = (SCHEDULER, SHARE)
BACKEND = "file"
"""The name of the one backend of every host."""
POOL = "file"
"""The name of its one pool."""


class Service(msgspec.Struct, frozen=True):
    """A service: ``address`` is what Manila names its host, ``host@backend`` for one that keeps shares."""

    id: str
    binary: str
    host: str
    address: str
    zone: str
    up: bool
    seen: datetime
    disabled: bool
    reason: str | None


async def list_services(transaction: Transaction, settings: Settings) -> list[Service]:
    """All services of all hosts, by host."""
    disabled = await store.disabled(transaction)
    return [one for host in await _known(transaction, settings) for one in _services(settings, host, disabled)]


async def _known(transaction: Transaction, settings: Settings) -> list[hosts.Host]:
    """All hosts; this one even before its first sign of life."""
    known = await hosts.known(transaction)
    if any(host.name == settings.host_name for host in known):
        return known
    works = settings.engine != "none"
    return [*known, hosts.Host(settings.host_name, "", settings.availability_zone, "", works, 0.0, 0.0)]


def _services(
    settings: Settings, host: hosts.Host, disabled: dict[tuple[str, str], store.Disabled]
) -> Iterable[Service]:
    """A host without an engine keeps no shares."""
    seen = clock.now() - timedelta(seconds=host.age)
    for binary in BINARIES if host.works else (SCHEDULER,):
        address = f"{host.name}@{BACKEND}" if binary == SHARE else host.name
        off = disabled.get((address, binary))
        lives = host.name == settings.host_name or host.lives(settings.host_lease)  # who answers lives
        id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{binary}.{address}"))
        yield Service(
            id, binary, host.name, address, host.zone, lives, seen, off is not None, off.reason if off else None
        )


class Named(msgspec.Struct, frozen=True):
    """A service as an admin names it; the host may be given whole or with its backend."""

    binary: str
    host: str


async def set_enabled(
    transaction: Transaction, settings: Settings, named: Named, *, enabled: bool, reason: str | None = None
) -> Service:
    """Have a service take what is new, or not. ServiceNotFound: no such host or service."""
    for one in await list_services(transaction, settings):
        if one.binary == named.binary and named.host in {one.address, one.host}:
            if enabled:
                await store.enable(transaction, one.address, one.binary)
            else:
                await store.disable(transaction, store.Disabled(one.address, one.binary, reason, clock.now()))
            return one
    raise errors.ServiceNotFound(named.binary, named.host)


async def keepers(transaction: Transaction, settings: Settings) -> list[Service]:
    """What keeps shares, on all hosts."""
    return [one for one in await list_services(transaction, settings) if one.binary == SHARE]


async def zones(transaction: Transaction, settings: Settings) -> list[str]:
    """The availability zones that shares can be made in."""
    return sorted({one.zone for one in await keepers(transaction, settings)})
