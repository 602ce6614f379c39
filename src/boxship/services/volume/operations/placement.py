"""Which host and backend a new volume is made on: a host that lives, takes new volumes, and has a backend with what the type
asks for."""

from __future__ import annotations

import random
from collections.abc import Mapping

import msgspec

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core import hosts
from boxship.core.db.database import Transaction
from boxship.services.volume.operations import backends, scheduling, services
from boxship.services.volume.store import services as service_store

NOWHERE = (
    "No valid backend was found: no host takes a volume of this type now, as none has what its extra specs ask for, "
    "or all that have it are away or disabled."
)
"""Why a volume was not made."""


class Place(msgspec.Struct, frozen=True):
    """A host, the availability zone that it is in, and one of its backends."""

    host: str
    zone: str
    backend: str


class Origin(msgspec.Struct, frozen=True):
    """Where what the volume begins with is, or who needs it: it has to go to this host, in this backend if that will do."""

    host: str
    backend: str = ""


async def choose(
    transaction: Transaction, settings: Settings, specs: Mapping[str, str], zone: str | None
) -> Place | None:
    """This host, if it can, or any other. None: there is no such host now. BadRequest: no host is in the zone at all."""
    known = await _known(transaction, settings)
    if zone is not None and zone not in {host.zone for host in known}:
        names = ", ".join(sorted({f"'{host.zone}'" for host in known}))
        raise core_errors.BadRequest(
            f"Availability zone '{zone[:64]}' is invalid; there is {names}.", field="volume.availability_zone"
        )
    off = {address for address, binary in await service_store.disabled(transaction) if binary == services.VOLUME}
    said = await backends.by_host(transaction, settings)
    able = []
    for host in known:
        taking = [one for one in backends.of_host(said, host.name) if f"{host.name}@{one.name}" not in off]
        backend = scheduling.first(taking, specs)
        if backend and zone in {None, host.zone} and _takes(settings, host):
            able.append(Place(host.name, host.zone, backend.name))
    here = [place for place in able if place.host == settings.host_name]
    return (here or [random.choice(able)])[0] if able else None  # noqa: S311 (any will do)


async def at(transaction: Transaction, settings: Settings, specs: Mapping[str, str], origin: Origin) -> str | None:
    """The backend of a host that is given, whether that takes new volumes or not; None: it has none that will do."""
    if not settings.shared:
        origin = msgspec.structs.replace(origin, host=settings.host_name)  # everything is here, whatever its name was
    said = await backends.by_host(transaction, settings)
    found = scheduling.first(backends.of_host(said, origin.host or settings.host_name), specs, origin.backend)
    return found.name if found else None


def _takes(settings: Settings, host: hosts.Host) -> bool:
    return host.works and (host.name == settings.host_name or host.lives(settings.host_lease))


async def _known(transaction: Transaction, settings: Settings) -> list[hosts.Host]:
    """All hosts; this one even before its first sign of life."""
    known = await hosts.known(transaction)
    if any(host.name == settings.host_name for host in known):
        return known
    works = settings.engine != "none"
    return [*known, hosts.Host(settings.host_name, "", settings.availability_zone, "", works, 0.0, 0.0)]
