"""What handlers that wait for the world may see of it; nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass

from boxship.core.errors import DriverError
from boxship.drivers.storage.interface import Capacity, Storage


@dataclass(frozen=True, slots=True)
class ShareLive:
    """The storage of the shares of this host, named ``host``."""

    storage: Storage
    host: str

    async def capacity(self, host: str) -> Capacity | None:
        """What the storage has. None: it is another host's, or does not answer."""
        if host != self.host:
            return None
        try:
            return await self.storage.capacity()
        except DriverError:
            return None
