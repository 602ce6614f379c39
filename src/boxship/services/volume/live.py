"""What handlers that wait for the world may see of it; nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass

from boxship.core.errors import DriverError
from boxship.drivers.storage.interface import Backends


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the place that volumes are kept in."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class VolumeLive:
    """The storages of this host, named ``host``."""

    storages: Backends
    host: str

    async def capacity(self, host: str, backend: str) -> Room | None:
        """What a storage has. None: it is another host's, or does not answer."""
        if host != self.host:
            return None
        try:
            capacity = await self.storages.of(backend).capacity()
        except DriverError:
            return None
        return Room(capacity.total, capacity.free)
