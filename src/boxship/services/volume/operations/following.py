"""Volumes of a shared backend follow who needs them to another host, while nobody has them. Writes rows only; that no two hosts
ever have a volume is the storage's to see to (``SharedStorage``), whatever rows say.

A volume moves in the transaction that needs it elsewhere, with its row locked: it is made, seen to have neither mount nor
device on its host, nothing is done with its bytes, nothing is made from it, and every host has its backend. Its snapshots go
with it. Of a host that is not known any more nothing is waited for: an operator said that it never comes back.
"""

from __future__ import annotations

from collections.abc import Sequence

from boxship.config import Settings
from boxship.core import hosts
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.services.volume import errors
from boxship.services.volume.model import KIND, SNAPSHOT, Volume
from boxship.services.volume.operations import backends, volumes, wishes
from boxship.services.volume.store import snapshots as snapshot_store
from boxship.services.volume.store import volumes as store


async def pinned(transaction: Transaction, settings: Settings, volume_ids: Sequence[str]) -> list[str]:
    """The hosts that these volumes are on and cannot leave now."""
    found = await store.of(transaction, volume_ids)
    return [volume.host for volume in found if not await _may_leave(transaction, settings, volume)]


async def follow(transaction: Transaction, settings: Settings, volume: Volume, host: str) -> Volume:
    """The volume, which is locked, on this host. AttachedElsewhere: it is on another one, and stays."""
    if volume.host in {"", host} or not settings.shared:
        return volume
    if not await _lives(transaction, settings, host) or not await _may_leave(transaction, settings, volume):
        raise errors.AttachedElsewhere(volume.id, volume.host, host)
    for snapshot in await snapshot_store.of(transaction, volume.id):
        await wishes.change(transaction, snapshot, host=host)
    return await volumes.change_wish(transaction, volume, host=host, path=None, device=None)


async def adopt(transaction: Transaction, caller: Caller, settings: Settings, id: str) -> None:
    """Before something is done with a volume: where its host is dead and it may leave, have it on this host, or on another one
    that lives. VolumeNotFound."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if not settings.shared or not volume.host or await _lives(transaction, settings, volume.host):
        return
    if await _may_leave(transaction, settings, volume):
        names = [settings.host_name, *(host.name for host in await hosts.known(transaction))]
        for name in names:
            if await _lives(transaction, settings, name):
                await follow(transaction, settings, volume, name)
                return


async def _lives(transaction: Transaction, settings: Settings, host: str) -> bool:
    """Whether it is a host that could have the volume at once; clients may name any."""
    if host == settings.host_name:
        return settings.engine != "none"
    return any(
        one.name == host and one.works and one.lives(settings.host_lease) for one in await hosts.known(transaction)
    )


async def _may_leave(transaction: Transaction, settings: Settings, volume: Volume) -> bool:
    if not settings.shared or not volume.host or volume.attached or volume.deleting or not volume.made or volume.errand:
        return False
    known = await hosts.known(transaction)
    said = await backends.by_host(transaction, settings)
    mates = [backends.of_host(said, host.name) for host in known if host.works]
    if not all(any(one.name == volume.backend and one.shared for one in has) for has in mates):
        return False
    lost = volume.host not in {settings.host_name, *(host.name for host in known)}
    return (lost or await _is_still(transaction, volume)) and not await _is_copied(transaction, volume)


async def _is_still(transaction: Transaction, volume: Volume) -> bool:
    """Whether its host has seen that it is as wished, used by nobody, and its snapshots too."""
    if volume.path or volume.device or volume.observed != volume.generation:
        return False
    return all(one.observed == one.generation for one in await snapshot_store.of(transaction, volume.id))


async def _is_copied(transaction: Transaction, volume: Volume) -> bool:
    """Whether a host makes something from it just now."""
    return any(kind != SNAPSHOT for kind, _ in await holds.holders(transaction, (KIND, volume.id)))
