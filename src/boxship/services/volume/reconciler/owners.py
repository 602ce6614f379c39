"""What hosts that are gone for good had of shared storage, before the host that a row is on now works on it."""

from __future__ import annotations

import structlog

from boxship.core.hosts import Hosts
from boxship.drivers.storage.interface import Backends

log = structlog.get_logger("volume")


async def inherit(storages: Backends, hosts: Hosts, backend: str, id: str) -> None:
    """Take a volume (or what a snapshot is made in) from a host that nobody knows any more: an operator said that it never comes
    back. Another one's, whether it lives or not, stays its own."""
    storage = storages.shared(backend)
    owner = await storage.owner(id) if storage else None
    if storage and owner and hosts.is_gone(owner):
        log.warning("a host that is gone for good had this; it is taken over", id=id, host=owner)
        await storage.disown(id, owner)
