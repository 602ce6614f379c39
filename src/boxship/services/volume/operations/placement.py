"""Which host a new volume is made on: one that lives, takes new volumes, and whose backend has what the type asks for."""

from __future__ import annotations

import random
from collections.abc import Mapping

import msgspec

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core import hosts
from boxship.core.db.database import Transaction
from boxship.services.volume.operations import scheduling, services
from boxship.services.volume.store import services as service_store

NOWHERE = (
    "No host takes a volume of this type now: none has what its extra specs ask for, "
    "or all that have it are away or disabled."
)
"""Why a volume was not made."""


class Place(msgspec.Struct, frozen=True):
    """A host, and the availability zone that it is in."""

    host: str
    zone: str


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
    if not scheduling.meets(scheduling.BACKEND, specs):
        return None
    off = {address for address, binary in await service_store.disabled(transaction) if binary == services.VOLUME}
    able = [
        Place(host.name, host.zone)
        for host in known
        if zone in {None, host.zone} and f"{host.name}@{scheduling.BACKEND}" not in off and _takes(settings, host)
    ]
    here = [place for place in able if place.host == settings.host_name]
    return (here or [random.choice(able)])[0] if able else None  # noqa: S311 (any will do)


def _takes(settings: Settings, host: hosts.Host) -> bool:
    return host.works and (host.name == settings.host_name or host.lives(settings.host_lease))


async def _known(transaction: Transaction, settings: Settings) -> list[hosts.Host]:
    """All hosts; this one even before its first sign of life."""
    known = await hosts.known(transaction)
    if any(host.name == settings.host_name for host in known):
        return known
    works = settings.engine != "none"
    return [*known, hosts.Host(settings.host_name, "", settings.availability_zone, "", works, 0.0, 0.0)]
