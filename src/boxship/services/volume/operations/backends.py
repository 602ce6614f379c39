"""The backends of the hosts: what this one has by its settings, the others by what they said."""

from __future__ import annotations

from boxship.config import Settings
from boxship.core.db.database import Database, Transaction
from boxship.services.volume.model import Backend
from boxship.services.volume.store import backends as store


class Register:
    """Tells the others what this host has, when its program starts."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def say(self) -> None:
        """Store the backends of this host."""
        async with self._database.write() as transaction:
            await store.put(transaction, self._settings.host_name, of_settings(self._settings))


def of_settings(settings: Settings) -> list[Backend]:
    """What this host has."""
    return [Backend(each.name, each.kind, each.shared) for each in settings.backends]


async def by_host(transaction: Transaction, settings: Settings) -> dict[str, list[Backend]]:
    """What every host has that said so; see ``of_host`` for one that did not."""
    return {**await store.everything(transaction), settings.host_name: of_settings(settings)}


def of_host(known: dict[str, list[Backend]], host: str) -> list[Backend]:
    """What a host has; one that never said, as its program is older, has the one that all had."""
    return known.get(host) or [Backend()]


async def is_shared(transaction: Transaction, settings: Settings, name: str) -> bool:
    """Whether the volumes of a backend are reached by other hosts; what this host says of it counts."""
    here = {backend.name: backend for backend in of_settings(settings)}
    if name in here:
        return here[name].shared
    said = await store.everything(transaction)
    return any(backend.shared for backends in said.values() for backend in backends if backend.name == name)
