"""The storages of one host by name, opened and destroyed together. Never decides which of them a volume goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from boxship.core.errors import Busy
from boxship.drivers.storage.interface import SharedStorage, Storage

log = structlog.get_logger("storage")


class StorageBackends:
    """The storages that were given, the one for who asks for none first. Obeys ``interface.Backends``."""

    def __init__(self, storages: Mapping[str, Storage], shared: Mapping[str, SharedStorage] | None = None) -> None:
        self._shared = dict(shared or {})
        self._storages = {**storages, **self._shared}

    @property
    def names(self) -> Sequence[str]:
        return list(self._storages)

    def of(self, name: str) -> Storage:
        found = self._storages.get(name)
        if found is None:
            raise Busy(f"This host has no volume backend {name}; the setting volume_backends has to name it.")
        return found

    def shared(self, name: str) -> SharedStorage | None:
        self.of(name)
        return self._shared.get(name)

    async def open(self) -> None:
        for name, storage in self._storages.items():
            try:
                await storage.open()
            except Busy as error:
                if name not in self._shared:
                    raise
                log.warning("a volume backend is not ready", backend=name, reason=error.sentence, detail=error.detail)

    async def destroy(self) -> None:
        failed: Busy | None = None
        for storage in self._storages.values():
            try:
                await storage.destroy()
            except Busy as error:
                failed = error
        if failed:
            raise failed
