"""Snapshots of shares: take, show, list, rename, delete, reset. Writes wishes; never touches the storage."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.core.http import filters, listing
from boxship.core.http.call import Query, new_id
from boxship.services.share import errors
from boxship.services.share.model import KIND, SNAPSHOT, Snapshot
from boxship.services.share.operations import quotas, shares, types
from boxship.services.share.states import SnapshotState, State
from boxship.services.share.store import snapshots as store

_DELETED = frozenset({SnapshotState.AVAILABLE, SnapshotState.ERROR, SnapshotState.ERROR_DELETING})


class SnapshotWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new snapshot shall be."""

    share_id: str
    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = {}


class Unsupported(core_errors.BadRequest):
    """The type of the share has no snapshots; Manila answers 422."""

    status = 422


async def create_snapshot(transaction: Transaction, caller: Caller, settings: Settings, wish: SnapshotWish) -> Snapshot:
    """Ask for a snapshot of a share, which stays as long as it has one.

    ShareNotFound; Unsupported (422): not of this type; InvalidSnapshot: the state of the share; OverQuota.
    """
    share = await shares.own_share(transaction, caller, wish.share_id)
    if not types.has_snapshots(await types.of_id(transaction, share.type_id)):
        raise Unsupported(f"Snapshots cannot be created for share '{share.id}' since it does not have that capability.")
    if share.status != State.AVAILABLE:
        raise errors.ShareInUse(f'Source share status must be "available", but is {share.status}')
    demand = quotas.Demand(snapshots=1, snapshot_gigabytes=share.size, type_id=share.type_id, user_id=caller.user_id)
    await quotas.require(transaction, settings, share.project_id, demand)
    snapshot = await store.insert(
        transaction,
        Snapshot(
            id=new_id(),
            share_id=share.id,
            project_id=share.project_id,
            user_id=caller.user_id,
            size=share.size,
            share_proto=share.share_proto,
            created_at=clock.now(),
            host=share.host,
            name=wish.name,
            description=wish.description,
        ),
    )
    await store.put_metadata(transaction, snapshot.id, wish.metadata, replace=False)
    await holds.hold(transaction, (KIND, share.id), (SNAPSHOT, snapshot.id))
    transaction.wake(SNAPSHOT, snapshot.id)
    return snapshot


async def get_snapshot(transaction: Transaction, caller: Caller, id: str, *, lock: bool = False) -> Snapshot:
    """The snapshot. SnapshotNotFound: there is none, or the caller does not see its project."""
    snapshot = await store.get(transaction, id, lock=lock)
    if snapshot is None or not caller.sees(snapshot.project_id):
        raise errors.SnapshotNotFound(id)
    return snapshot


async def list_snapshots(transaction: Transaction, caller: Caller, query: Query) -> tuple[list[Snapshot], bool]:
    """One page of the project's snapshots (for admins with ``all_tenants`` of all), and whether more may follow."""
    page = filters.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    found = await store.page(transaction, _conditions(caller, query), page)
    return found, listing.next_marker(found, page)


def _conditions(caller: Caller, query: Query) -> list[sa.ColumnElement[bool]]:
    everywhere = caller.is_admin and (query.flag("all_tenants") or query.flag("all_projects"))
    names = [name for name in store.COLUMNS if everywhere or name != "project_id"]
    found = listing.filters(query, {name: store.COLUMNS[name] for name in names})
    found.extend(filters.like(query, store.COLUMNS))
    if not everywhere:
        found.append(store.of_project(caller.project))
    found.extend(store.has_metadata(key, value) for key, value in filters.pairs(query, "metadata").items())
    return found


async def metadata_of(transaction: Transaction, snapshots: Sequence[Snapshot]) -> dict[str, dict[str, str]]:
    """The metadata of several snapshots by id."""
    return await store.metadata_of(transaction, [snapshot.id for snapshot in snapshots])


async def get_metadata(transaction: Transaction, caller: Caller, id: str) -> dict[str, str]:
    """The metadata of a snapshot."""
    await get_snapshot(transaction, caller, id)
    return (await store.metadata_of(transaction, [id])).get(id, {})


async def get_metadata_item(transaction: Transaction, caller: Caller, id: str, key: str) -> str:
    """One value of the metadata. MetadataNotFound."""
    pairs = await get_metadata(transaction, caller, id)
    if key not in pairs:
        raise errors.MetadataNotFound
    return pairs[key]


async def set_metadata(
    transaction: Transaction, caller: Caller, id: str, pairs: dict[str, str], *, replace: bool
) -> dict[str, str]:
    """Add pairs to the metadata or replace it; what it is afterwards."""
    await get_snapshot(transaction, caller, id, lock=True)
    await store.put_metadata(transaction, id, pairs, replace=replace)
    return (await store.metadata_of(transaction, [id])).get(id, {})


async def delete_metadata(transaction: Transaction, caller: Caller, id: str, key: str) -> None:
    """Remove one pair. MetadataNotFound."""
    await get_snapshot(transaction, caller, id, lock=True)
    if not await store.drop_metadata(transaction, id, key):
        raise errors.MetadataNotFound


async def update_snapshot(
    transaction: Transaction, caller: Caller, id: str, changes: dict[str, str | None]
) -> Snapshot:
    """Rename or describe."""
    snapshot = await get_snapshot(transaction, caller, id, lock=True)
    return await _written(transaction, snapshot, **changes)


async def delete_snapshot(transaction: Transaction, caller: Caller, id: str, *, force: bool = False) -> None:
    """Ask for the removal; with ``force`` in any state. SnapshotNotFound; InvalidSnapshot: its state."""
    snapshot = await get_snapshot(transaction, caller, id, lock=True)
    if snapshot.status not in _DELETED and not force and not snapshot.deleting:
        raise errors.InvalidSnapshot(f"its status is {snapshot.status}; it must be available or error")
    await shares.discard_snapshot(transaction, snapshot)


async def reset_status(transaction: Transaction, caller: Caller, id: str, status: str) -> None:
    """Declare a snapshot to be in a state: broken (``error``), found anew (``available``) or any other; for admins."""
    snapshot = await get_snapshot(transaction, caller, id, lock=True)
    if snapshot.deleting:
        return
    declared = "" if status in {SnapshotState.ERROR, SnapshotState.AVAILABLE} else status
    await _written(
        transaction,
        snapshot,
        generation=snapshot.generation + 1,
        condemned=status == SnapshotState.ERROR,
        declared=declared,
    )
    transaction.wake(SNAPSHOT, id)


async def _written(transaction: Transaction, snapshot: Snapshot, **changes: object) -> Snapshot:
    changed = await store.update(transaction, snapshot, **changes)
    if changed is None:
        raise core_errors.Conflict(f"Snapshot {snapshot.id} is being changed by another request; try again.")
    return changed
