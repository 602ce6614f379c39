"""Backups: make, show, list, rename, delete, restore. Writes wishes; never touches the storage."""

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
from boxship.services.volume import errors
from boxship.services.volume.model import BACKUP, SNAPSHOT, Backup, Snapshot, Volume
from boxship.services.volume.operations import following, quotas, sources, volumes
from boxship.services.volume.states import BackupState, State
from boxship.services.volume.store import backups as store
from boxship.services.volume.store import image_metadata as image_store
from boxship.services.volume.store import volumes as volume_store

_FILTERS = ("all_tenants", "metadata", "with_count", *store.COLUMNS)
_DELETED = frozenset({BackupState.AVAILABLE, BackupState.ERROR, BackupState.ERROR_DELETING})


class BackupWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new backup shall be: of the volume, or of a snapshot of it. ``force``: of a volume that is in use, too;
    ``incremental``: it continues the last one."""

    volume_id: str
    snapshot_id: str | None = None
    name: str | None = None
    description: str | None = None
    container: str | None = None
    metadata: dict[str, str] = {}
    force: bool = False
    incremental: bool = False


async def create_backup(transaction: Transaction, caller: Caller, settings: Settings, wish: BackupWish) -> Backup:
    """Ask for a backup.

    VolumeNotFound, SnapshotNotFound; InvalidVolume: not available (with ``force`` nor in use); InvalidSnapshot; InvalidBackup:
    there is none to continue; BadRequest: a snapshot of another volume; OverQuota.
    """
    volume = await volumes.get_volume(transaction, caller, wish.volume_id, lock=True)
    snapshot = await _snapshot(transaction, caller, wish)
    if snapshot is None:
        _check(volume, force=wish.force)
    parent = await _parent(transaction, volume) if wish.incremental else None
    size = snapshot.size if snapshot else volume.size
    demand = quotas.Demand(backups=1, backup_gigabytes=size)
    await quotas.require(transaction, settings, volume.project_id, demand)
    now = clock.now()
    backup = await store.insert(
        transaction,
        Backup(
            id=new_id(),
            volume_id=volume.id,
            snapshot_id=wish.snapshot_id,
            parent_id=parent.id if parent else None,
            project_id=volume.project_id,
            user_id=caller.user_id,
            size=size,
            container=wish.container,
            created_at=now,
            data_timestamp=snapshot.created_at if snapshot else now,
            host=volume.host,
            backend=snapshot.backend if snapshot else volume.backend,
            name=wish.name,
            description=wish.description,
            metadata=wish.metadata,
            volume_metadata=(await volume_store.metadata_of(transaction, [volume.id])).get(volume.id, {}),
            image_metadata=(await image_store.of(transaction, [volume.id])).get(volume.id, {}),
            bootable=volume.bootable,
        ),
    )
    if snapshot is not None:
        await holds.hold(transaction, (SNAPSHOT, snapshot.id), (BACKUP, backup.id))
    else:
        await volumes.change_wish(transaction, volume, errand=State.BACKING_UP)
    transaction.wake(BACKUP, backup.id)
    return backup


async def _snapshot(transaction: Transaction, caller: Caller, wish: BackupWish) -> Snapshot | None:
    if not wish.snapshot_id:
        return None
    found, _ = await sources.snapshot(transaction, caller, wish.snapshot_id)
    if found.volume_id != wish.volume_id:
        raise core_errors.BadRequest("a snapshot of another volume", field="backup.snapshot_id")
    return found


def _check(volume: Volume, *, force: bool) -> None:
    fit = {State.AVAILABLE, State.IN_USE} if force else {State.AVAILABLE}
    if volume.status not in fit:
        least = " or ".join(sorted(fit))
        raise errors.InvalidVolume(
            f"Volume {volume.id} status must be {least} to back it up, but is {volume.status}; "
            "one that is in use takes force."
        )


async def _parent(transaction: Transaction, volume: Volume) -> Backup:
    found = await store.newest(transaction, volume.project_id, volume.id)
    if found is None:
        raise errors.InvalidBackup("no backup of the volume is there that an incremental one could continue")
    return found


async def get_backup(transaction: Transaction, caller: Caller, id: str, *, lock: bool = False) -> Backup:
    """The backup. BackupNotFound: there is none, or the caller does not see its project."""
    backup = await store.get(transaction, id, lock=lock)
    if backup is None or not caller.sees(backup.project_id):
        raise errors.BackupNotFound(id)
    return backup


async def dependents(transaction: Transaction, backups: Sequence[Backup]) -> set[str]:
    """The ids of those that others continue."""
    return await store.parents(transaction, [backup.id for backup in backups])


async def list_backups(
    transaction: Transaction, caller: Caller, project_id: str, query: Query
) -> tuple[list[Backup], bool]:
    """One page of a project's backups (for admins with ``all_tenants`` of all), and whether more may follow."""
    page = filters.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    with filters.marked(page, errors.BackupNotFound):
        found = await store.page(transaction, _conditions(caller, project_id, query), page)
    return found, listing.next_marker(found, page)


async def count_backups(transaction: Transaction, caller: Caller, project_id: str, query: Query) -> int:
    """How many backups pass the filters of a list."""
    return await store.count(transaction, _conditions(caller, project_id, query))


def _conditions(caller: Caller, project_id: str, query: Query) -> list[sa.ColumnElement[bool]]:
    everywhere = caller.is_admin and query.flag("all_tenants")
    names = [name for name in store.COLUMNS if everywhere or name != "project_id"]
    conditions = listing.filters(query, {name: store.COLUMNS[name] for name in names})
    return conditions if everywhere else [*conditions, store.of_project(project_id)]


async def update_backup(
    transaction: Transaction, caller: Caller, id: str, changes: dict[str, str | None], metadata: dict[str, str] | None
) -> Backup:
    """Rename or describe, and replace the metadata where it is given."""
    backup = await get_backup(transaction, caller, id, lock=True)
    more = {} if metadata is None else {"metadata": metadata}
    return await _written(transaction, backup, **changes, **more)


async def delete_backup(transaction: Transaction, caller: Caller, id: str, *, force: bool = False) -> None:
    """Ask for the removal; with ``force`` in any state. BackupNotFound; InvalidBackup: it is being made or restored, or others
    continue it."""
    backup = await get_backup(transaction, caller, id, lock=True)
    if backup.status not in _DELETED and not force:
        raise errors.InvalidBackup(f"its status is {backup.status}; it must be available or error")
    if await store.parents(transaction, [id]):
        raise errors.InvalidBackup("incremental backups continue it; delete those first")
    await _wished(transaction, backup, deleting=True)


async def reset_status(transaction: Transaction, caller: Caller, id: str, status: str) -> None:
    """Declare a backup broken (``error``) or have its state found anew (any other); for admins."""
    backup = await get_backup(transaction, caller, id, lock=True)
    if not backup.deleting:
        await _wished(transaction, backup, condemned=status == BackupState.ERROR)


async def restore_backup(
    transaction: Transaction, caller: Caller, settings: Settings, id: str, target: tuple[str | None, str | None]
) -> tuple[Backup, Volume]:
    """Ask that a volume holds what the backup has: the one with the id in ``target``, or a new one with the name there.

    What is told of the volume (metadata, that of its image, whether it is bootable) comes back as well.
    BackupNotFound, VolumeNotFound; InvalidBackup: not whole; InvalidVolume: in use, too small, or on another host; OverQuota.
    """
    backup = await get_backup(transaction, caller, id, lock=True)
    if backup.status != BackupState.AVAILABLE:
        raise errors.InvalidBackup(f"its status is {backup.status}; it must be available")
    volume_id, name = target
    if volume_id:
        volume = await volumes.get_volume(transaction, caller, volume_id, lock=True)
        _check_target(backup, volume)
        volume = await _brought(transaction, settings, volume, backup)
    else:
        wish = volumes.VolumeWish(
            project_id=backup.project_id, size=backup.size, name=name or f"restore_backup_{id}", host=backup.host
        )
        volume = await volumes.create_volume(transaction, caller, settings, wish)
    await volume_store.put_metadata(transaction, volume.id, backup.volume_metadata, replace=False)
    await image_store.put(transaction, volume.id, backup.image_metadata)
    volume = await volumes.change_wish(transaction, volume, errand=State.RESTORING, bootable=backup.bootable)
    asked = {"restore_to": volume.id, "restore_asked": backup.restore_asked + 1}
    return await _wished(transaction, backup, **asked), volume


def _check_target(backup: Backup, volume: Volume) -> None:
    if volume.status != State.AVAILABLE:
        raise errors.InvalidVolume(f"Volume {volume.id} status must be available to restore, but is {volume.status}.")
    if volume.size < backup.size:
        raise errors.InvalidVolume(f"volume size {volume.size} GiB is less than the {backup.size} GiB of the backup.")


async def _brought(transaction: Transaction, settings: Settings, volume: Volume, backup: Backup) -> Volume:
    """The volume on the host of the backup, which has the bytes. InvalidVolume: it is on another one, and stays."""
    if volume.host == backup.host:
        return volume
    try:
        moved = await following.follow(transaction, settings, volume, backup.host)
    except errors.AttachedElsewhere:
        moved = volume
    if moved.host != backup.host:
        raise errors.InvalidVolume(f"the volume is on host {volume.host} and the backup on {backup.host}.")
    return moved


async def _wished(transaction: Transaction, backup: Backup, **changes: object) -> Backup:
    changed = await _written(transaction, backup, generation=backup.generation + 1, **changes)
    transaction.wake(BACKUP, backup.id)
    return changed


async def _written(transaction: Transaction, backup: Backup, **changes: object) -> Backup:
    changed = await store.update(transaction, backup, **changes)
    if changed is None:
        raise core_errors.Conflict(f"Backup {backup.id} is being changed by another request; try again.")
    return changed
