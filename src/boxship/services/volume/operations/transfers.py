"""Transfers give a volume with its data to another project: whoever has the key takes it, once.

Whose volume it is changes in one transaction: quota of the taker, owner of volume and snapshots, end of the offer. The
bytes stay where they are. While it is offered nobody attaches, extends or deletes it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

import msgspec

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.volume import errors
from boxship.services.volume.model import Snapshot, Volume
from boxship.services.volume.operations import quotas, volume_types, volumes
from boxship.services.volume.states import SnapshotState, State
from boxship.services.volume.store import snapshots as snapshot_store
from boxship.services.volume.store import transfers as store
from boxship.services.volume.store import volumes as volume_store
from boxship.services.volume.store.transfers import Transfer

KEY_BYTES = 16
"""Bytes of chance in a key, which nobody guesses."""


class Offer(msgspec.Struct, frozen=True):
    """Which volume is offered, under which name, and whether its snapshots stay with the giver."""

    volume_id: str
    name: str | None
    no_snapshots: bool


async def create_transfer(transaction: Transaction, caller: Caller, offer: Offer) -> tuple[Transfer, str]:
    """Offer a volume that nobody uses; the transfer, and the key, which is told this once.

    VolumeNotFound; InvalidVolume: it is not available.
    """
    volume = await volumes.get_volume(transaction, caller, offer.volume_id, lock=True)
    if volume.status != State.AVAILABLE:
        raise errors.InvalidVolume("status must be available")
    for snapshot in [] if offer.no_snapshots else await _givers(transaction, volume):
        if snapshot.status != SnapshotState.AVAILABLE:
            raise errors.InvalidSnapshot(f"snapshot: {snapshot.id} status must be available")
    salt, key = secrets.token_hex(8), secrets.token_hex(KEY_BYTES)
    transfer = Transfer(
        new_id(),
        volume.id,
        volume.project_id,
        offer.name,
        salt,
        _digest(salt, key),
        offer.no_snapshots,
        clock.now(),
    )
    await store.insert(transaction, transfer)
    await volumes.change_wish(transaction, volume, claim=State.AWAITING_TRANSFER)
    return transfer, key


async def _givers(transaction: Transaction, volume: Volume) -> list[Snapshot]:
    """The snapshots that the owner of the volume may give away; others stayed with whom it was before."""
    found = await snapshot_store.of(transaction, volume.id)
    return [snapshot for snapshot in found if snapshot.project_id == volume.project_id]


def _digest(salt: str, key: str) -> str:
    return hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()


async def accept_transfer(transaction: Transaction, caller: Caller, settings: Settings, id: str, key: str) -> Transfer:
    """Take the volume for the caller's project. TransferNotFound; InvalidAuthKey; OverQuota: it is too much for the taker."""
    transfer = await store.get(transaction, id, lock=True)
    if transfer is None:
        raise errors.TransferNotFound(id)
    if not hmac.compare_digest(_digest(transfer.salt, key), transfer.digest):
        raise errors.InvalidAuthKey(id)
    volume = await volume_store.get(transaction, transfer.volume_id, lock=True)
    if volume is None or volume.claim != State.AWAITING_TRANSFER:
        raise errors.InvalidVolume("it is not offered any more")
    snapshots = [] if transfer.no_snapshots else await _givers(transaction, volume)
    await _require_room(transaction, caller, settings, volume, snapshots)
    await store.delete(transaction, id)
    if snapshots:
        await snapshot_store.give(transaction, volume.id, volume.project_id, caller.project)
    await volumes.change_wish(transaction, volume, claim="", project_id=caller.project, user_id=caller.user_id)
    return transfer


async def _require_room(
    transaction: Transaction, caller: Caller, settings: Settings, volume: Volume, snapshots: Sequence[Snapshot]
) -> None:
    volume_type = await volume_types.of_volume(transaction, volume)
    demand = quotas.Demand(
        type_name=volume_type.name,
        volumes=1,
        snapshots=len(snapshots),
        gigabytes=volume.size + sum(snapshot.size for snapshot in snapshots),
        largest=volume.size,
    )
    await quotas.require(transaction, settings, caller.project, demand)


async def get_transfer(transaction: Transaction, caller: Caller, id: str) -> Transfer:
    """The transfer. TransferNotFound: there is none, or it is another project's."""
    found = await store.get(transaction, id)
    if found is None or not caller.sees(found.project_id):
        raise errors.TransferNotFound(id)
    return found


async def list_transfers(
    transaction: Transaction, caller: Caller, project_id: str, query: Query
) -> tuple[list[Transfer], bool]:
    """One page of a project's transfers (for admins with ``all_tenants`` of all), oldest first."""
    page = listing.page(query, store.COLUMNS, default_sort="created_at")
    conditions = listing.filters(query, store.COLUMNS)
    if not (caller.is_admin and query.flag("all_tenants")):
        conditions.append(store.of_project(project_id))
    found = await store.page(transaction, conditions, page)
    return found, listing.next_marker(found, page)


async def delete_transfer(transaction: Transaction, caller: Caller, id: str) -> None:
    """Take the offer back. TransferNotFound."""
    transfer = await get_transfer(transaction, caller, id)
    await store.delete(transaction, id)
    volume = await volume_store.get(transaction, transfer.volume_id, lock=True)
    if volume is not None and volume.claim == State.AWAITING_TRANSFER:
        await volumes.change_wish(transaction, volume, claim="")
