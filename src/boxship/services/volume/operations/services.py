"""The services of the hosts as Cinder's users know them: what keeps volumes, what places them, what backs them up.

All three are the same program, one on every host; it tells by its signs of life whether they are up. What an admin
disables takes nothing new and goes on with what it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from boxship.config import Settings
from boxship.core import clock, hosts
from boxship.core.db.database import Transaction
from boxship.services.volume import errors
from boxship.services.volume.model import Backend
from boxship.services.volume.operations import backends
from boxship.services.volume.store import services as store

VOLUME = "cinder-volume"
SCHEDULER = "cinder-scheduler"
BACKUP = "cinder-backup"
BINARIES = (SCHEDULER, VOLUME, BACKUP)


class Named(msgspec.Struct, frozen=True):
    """Which service of which host is meant."""

    binary: str
    host: str


class Service(msgspec.Struct, frozen=True):
    """A service of a host; ``address`` is the host, of what keeps volumes host@backend, and ``backend`` that."""

    binary: str
    host: str
    address: str
    zone: str
    up: bool
    updated_at: datetime
    disabled: bool
    reason: str | None
    backend: Backend | None = None


async def list_services(
    transaction: Transaction, settings: Settings, binary: str | None = None, host: str | None = None
) -> list[Service]:
    """The services of all hosts that are known, by host; ``host`` names one or what stands before its ``@``."""
    disabled, said = await store.disabled(transaction), await backends.by_host(transaction, settings)
    found = [
        one
        for host in await hosts.known(transaction)
        for one in _services(settings, host, (disabled, backends.of_host(said, host.name)))
    ]
    return [one for one in found if binary in {None, one.binary} and host in {None, one.host, one.address}]


def _services(
    settings: Settings, host: hosts.Host, has: tuple[dict[tuple[str, str], store.Disabled], Sequence[Backend]]
) -> Iterable[Service]:
    """A host without an engine keeps no volumes."""
    disabled, backends = has
    seen = clock.now() - timedelta(seconds=host.age)
    for binary in BINARIES if host.works else (SCHEDULER,):
        for backend in backends if binary == VOLUME else [None]:
            address = f"{host.name}@{backend.name}" if backend else host.name
            off = disabled.get((address, binary))
            lives = host.name == settings.host_name or host.lives(settings.host_lease)  # who answers lives
            reason = off.reason if off else None
            yield Service(binary, host.name, address, host.zone, lives, seen, off is not None, reason, backend)


async def set_enabled(
    transaction: Transaction, settings: Settings, named: Named, *, enabled: bool, reason: str | None = None
) -> Service:
    """Have a service take what is new, or not. ServiceNotFound: no such host or service; the host may be given whole."""
    found = await list_services(transaction, settings, named.binary, named.host)
    if not found:
        raise errors.ServiceNotFound(named.binary, named.host)
    for one in found:
        if enabled:
            await store.enable(transaction, one.address, one.binary)
        else:
            await store.disable(transaction, store.Disabled(one.address, one.binary, reason, clock.now()))
    return found[0]


async def taking(transaction: Transaction, settings: Settings) -> list[Service]:
    """What keeps volumes, lives and is not disabled: where a new volume may go."""
    return [one for one in await list_services(transaction, settings, VOLUME) if one.up and not one.disabled]


async def list_hosts(transaction: Transaction, settings: Settings, zone: str | None) -> list[Service]:
    """The services that are enabled, as the older list of hosts has them."""
    found = await list_services(transaction, settings)
    return [one for one in found if not one.disabled and zone in {None, "", one.zone}]


async def show_host(transaction: Transaction, settings: Settings, host: str) -> list[store.Kept]:
    """What a host, or one backend of it, keeps, by project. HostNotFound: it keeps no volumes, or is not known."""
    found = await list_services(transaction, settings, VOLUME, host)
    if not found:
        raise errors.HostNotFound(host)
    backend = found[0].backend if "@" in host else None
    return await store.kept(transaction, found[0].host, backend.name if backend else None)


async def zones(transaction: Transaction, settings: Settings) -> dict[str, bool]:
    """The availability zones, and whether anything that keeps volumes is up in them."""
    found: dict[str, bool] = {}
    for one in await list_services(transaction, settings, VOLUME):
        found[one.zone] = found.get(one.zone, False) or (one.up and not one.disabled)
    return found
