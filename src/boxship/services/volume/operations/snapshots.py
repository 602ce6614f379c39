"""Snapshots: take, show, list, rename, delete, reset, metadata. Writes wishes; never touches the storage."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.core.http import filters, listing
from boxship.core.http.call import Query, new_id
from boxship.services.volume import errors
from boxship.services.volume.model import KIND, SNAPSHOT, Snapshot
from boxship.services.volume.operations import following, quotas, volume_types, volumes, wishes
from boxship.services.volume.states import SnapshotState, State
from boxship.services.volume.store import snapshots as store

_TAKEN_OF = frozenset({State.AVAILABLE, State.IN_USE})
_DELETED = frozenset({SnapshotState.AVAILABLE, SnapshotState.ERROR, SnapshotState.ERROR_DELETING})


_FOLLOWING: dict[str, tuple[str, ...]] = {
    SnapshotState.CREATING: (SnapshotState.CREATING, SnapshotState.AVAILABLE, SnapshotState.ERROR),
    SnapshotState.DELETING: (SnapshotState.DELETING, SnapshotState.ERROR_DELETING),
}
"""What clients may tell of a snapshot that was declared to be in a state."""


class SnapshotWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new snapshot shall be. ``force``: of a volume that is in use, too."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = {}
    force: bool = False


async def create_snapshot(transaction: Transaction, caller: Caller, settings: Settings, wish: SnapshotWish) -> Snapshot:
    """Ask for a snapshot of a volume, which stays as long as it has one.

    VolumeNotFound; InvalidVolume: it is not available (with ``force`` nor in use); OverQuota.
    """
    await following.adopt(transaction, caller, settings, wish.volume_id)
    volume = await volumes.get_volume(transaction, caller, wish.volume_id, lock=True)
    fit = volume.status in _TAKEN_OF if wish.force else volume.status == State.AVAILABLE
    if not fit:
        least = "available or in-use" if wish.force else "available"
        raise errors.InvalidVolume(
            f"Volume {volume.id} status must be {least} to take a snapshot, but is {volume.status}."
        )
    kind = await volume_types.of_volume(transaction, volume)
    demand = quotas.Demand(type_name=kind.name, snapshots=1, gigabytes=volume.size)
    await quotas.require(transaction, settings, volume.project_id, demand)
    snapshot = await store.insert(
        transaction,
        Snapshot(
            id=new_id(),
            volume_id=volume.id,
            project_id=volume.project_id,
            user_id=caller.user_id,
            size=volume.size,
            created_at=clock.now(),
            host=volume.host,
            backend=volume.backend,
            name=wish.name,
            description=wish.description,
        ),
    )
    await store.put_metadata(transaction, snapshot.id, wish.metadata, replace=False)
    await holds.hold(transaction, (KIND, volume.id), (SNAPSHOT, snapshot.id))
    transaction.wake(SNAPSHOT, snapshot.id)
    return snapshot


async def get_snapshot(transaction: Transaction, caller: Caller, id: str, *, lock: bool = False) -> Snapshot:
    """The snapshot. SnapshotNotFound: there is none, or the caller does not see its project."""
    snapshot = await store.get(transaction, id, lock=lock)
    if snapshot is None or not caller.sees(snapshot.project_id):
        raise errors.SnapshotNotFound(id)
    return snapshot


async def metadata_of(transaction: Transaction, snapshots: Sequence[Snapshot]) -> dict[str, dict[str, str]]:
    """The metadata of several snapshots by id."""
    return await store.metadata_of(transaction, [snapshot.id for snapshot in snapshots])


async def list_snapshots(
    transaction: Transaction, caller: Caller, project_id: str, query: Query
) -> tuple[list[Snapshot], bool]:
    """One page of a project's snapshots (for admins with ``all_tenants`` of all), and whether more may follow."""
    page = filters.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    with filters.marked(page, errors.SnapshotNotFound):
        found = await store.page(transaction, _conditions(caller, project_id, query), page)
    return found, listing.next_marker(found, page)


async def count_snapshots(transaction: Transaction, caller: Caller, project_id: str, query: Query) -> int:
    """How many snapshots pass the filters of a list."""
    return await store.count(transaction, _conditions(caller, project_id, query))


def _conditions(caller: Caller, project_id: str, query: Query) -> list[sa.ColumnElement[bool]]:
    everywhere = caller.is_admin and query.flag("all_tenants")
    names = [name for name in store.COLUMNS if everywhere or name != "project_id"]
    conditions = listing.filters(query, {name: store.COLUMNS[name] for name in names})
    if not everywhere:
        conditions.append(store.of_project(project_id))
    conditions.extend(store.has_metadata(key, value) for key, value in filters.pairs(query, "metadata").items())
    return conditions


async def update_snapshot(
    transaction: Transaction, caller: Caller, id: str, changes: dict[str, str | None]
) -> Snapshot:
    """Rename or describe."""
    snapshot = await get_snapshot(transaction, caller, id, lock=True)
    return await wishes.write(transaction, snapshot, **changes)


async def delete_snapshot(transaction: Transaction, caller: Caller, id: str, *, force: bool = False) -> None:
    """Ask for the removal; with ``force`` in any state. SnapshotNotFound; InvalidSnapshot: it is being taken."""
    snapshot = await get_snapshot(transaction, caller, id, lock=True)
    if snapshot.status not in _DELETED and not force:
        if snapshot.deleting:
            return
        raise errors.InvalidSnapshot(f"its status is {snapshot.status}; it must be available or error")
    await wishes.discard(transaction, snapshot)


async def of_volume(transaction: Transaction, volume_id: str) -> list[Snapshot]:
    """The snapshots of a volume, oldest first."""
    return await store.of(transaction, volume_id)


async def reset_status(transaction: Transaction, caller: Caller, id: str, status: str) -> None:
    """Declare a snapshot to be in a state: broken (``error``), found anew (``available``) or any other; for admins."""
    snapshot = await get_snapshot(transaction, caller, id, lock=True)
    if snapshot.deleting:
        return
    declared = "" if status in {SnapshotState.ERROR, SnapshotState.AVAILABLE} else status
    await wishes.change(
        transaction, snapshot, condemned=status == SnapshotState.ERROR, declared=declared, progress=None
    )


async def update_status(transaction: Transaction, caller: Caller, id: str, status: str, progress: str | None) -> None:
    """A client tells how far a snapshot is that it takes itself. InvalidSnapshot: it takes none, as nobody declared it to be
    made or removed by somebody else, or that cannot follow."""
    snapshot = await get_snapshot(transaction, caller, id, lock=True)
    if status not in _FOLLOWING.get(snapshot.declared, ()):
        raise errors.InvalidSnapshot(f"its state, {snapshot.status}, does not become {status} by what a client tells")
    await reset_status(transaction, caller, id, status)
    again = await get_snapshot(transaction, caller, id, lock=True)
    await wishes.write(transaction, again, progress=progress)


async def get_metadata(transaction: Transaction, caller: Caller, id: str) -> dict[str, str]:
    """The metadata of a snapshot."""
    await get_snapshot(transaction, caller, id)
    return (await store.metadata_of(transaction, [id])).get(id, {})


async def get_metadata_item(transaction: Transaction, caller: Caller, id: str, key: str) -> str:
    """One value of the metadata. MetadataNotFound."""
    pairs = await get_metadata(transaction, caller, id)
    if key not in pairs:
        raise errors.SnapshotMetadataNotFound(id, key)
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
        raise errors.SnapshotMetadataNotFound(id, key)
