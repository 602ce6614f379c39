"""Volumes: create, show, list, rename, delete, reset, metadata. Writes wishes; never touches the storage."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import filters, listing
from boxship.core.http.call import Query, new_id
from boxship.services.volume import errors
from boxship.services.volume.model import KIND, Attachment, Snapshot, Volume, VolumeType
from boxship.services.volume.operations import (
    messages,
    placement,
    quotas,
    resource_filters,
    sources,
    volume_types,
    wishes,
)
from boxship.services.volume.states import State
from boxship.services.volume.store import attachments as attachment_store
from boxship.services.volume.store import image_metadata as image_store
from boxship.services.volume.store import snapshots as snapshot_store
from boxship.services.volume.store import volume_types as type_store
from boxship.services.volume.store import volumes as store


class VolumeWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new volume shall be; ``size`` in GiB, None that of what it is made from; ``volume_type`` a name or id, None the
    default type, or that of what it is made from; ``host``: whose disk it is to be on, None any."""

    project_id: str
    size: int | None
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] = {}
    multiattach: bool = False
    host: str | None = None
    source: sources.Named = sources.Named()


class VolumeDetail(msgspec.Struct, frozen=True):
    """A volume with what belongs to it in other tables."""

    volume: Volume
    type_name: str
    metadata: dict[str, str]
    attachments: list[Attachment]
    image_metadata: dict[str, str]


async def create_volume(transaction: Transaction, caller: Caller, settings: Settings, wish: VolumeWish) -> Volume:
    """Ask for a volume: blank, or with what a snapshot, another volume or an image holds.

    UnknownVolumeType, BadRequest (zone, size, image, two sources), SnapshotNotFound, VolumeNotFound, InvalidSnapshot,
    InvalidVolume, OverQuota.
    """
    origin = await sources.origin(transaction, caller, wish.source)
    volume_type = await volume_types.chosen_type(transaction, caller, wish.volume_type or origin.type_id)
    size = sources.size(wish.size, origin)
    demand = quotas.Demand(type_name=volume_type.name, volumes=1, gigabytes=size, largest=size)
    await quotas.require(transaction, settings, wish.project_id, demand)
    specs = volume_type.extra_specs
    place = await placement.choose(transaction, settings, specs, wish.availability_zone)
    host = wish.host if origin.host is None else origin.host
    backend = place.backend if place else None
    if host is not None:
        backend = await placement.at(transaction, settings, specs, placement.Origin(host, origin.backend))
    new = msgspec.structs.replace(
        _new_volume(caller, wish, volume_type),
        size=size,
        host=host if host is not None else (place.host if place else ""),
        availability_zone=place.zone if place else settings.availability_zone,
        source_kind=origin.kind,
        source_id=origin.id,
        bootable=origin.bootable,
        backend=backend or settings.backends[0].name,
    )
    volume = await (_insert(transaction, new) if backend else _insert_nowhere(transaction, new))
    await store.put_metadata(transaction, volume.id, wish.metadata, replace=False)
    await image_store.put(transaction, volume.id, origin.image)
    return volume


async def _insert(transaction: Transaction, new: Volume) -> Volume:
    volume = await store.insert(transaction, new)
    await sources.hold(transaction, volume)
    transaction.wake(KIND, volume.id)
    return volume


async def _insert_nowhere(transaction: Transaction, new: Volume) -> Volume:
    """In error from the beginning, with the reason, as Cinder does: the request was a good one."""
    broken = msgspec.structs.replace(new, condemned=True, source_kind="", source_id=None, fault=placement.NOWHERE)
    volume = await store.insert(transaction, broken)
    failure = messages.Failure(
        resource_id=volume.id,
        action=messages.Action.SCHEDULE,
        detail=messages.Detail.NO_BACKEND,
        reason=placement.NOWHERE,
    )
    await messages.write(transaction, volume.project_id, failure)
    return volume


def _new_volume(caller: Caller, wish: VolumeWish, volume_type: VolumeType) -> Volume:
    return Volume(
        id=new_id(),
        project_id=wish.project_id,
        user_id=caller.user_id,
        size=wish.size or 0,
        type_id=volume_type.id,
        availability_zone="",
        multiattach=wish.multiattach or volume_types.multi(volume_type),
        created_at=clock.now(),
        name=wish.name,
        description=wish.description,
        deleting=False,
        attached=False,
        condemned=False,
        generation=1,
        observed=0,
        made=False,
        path=None,
        fault=None,
        status=State.CREATING,
        updated_at=None,
    )


async def place(transaction: Transaction, settings: Settings, ids: Sequence[str], host: str) -> None:
    """Have those of these volumes that are on no host yet on this one, in one of its backends."""
    for volume in await store.of(transaction, ids):
        if not volume.host:
            kind = await volume_types.of_volume(transaction, volume)
            origin = placement.Origin(host, volume.backend)
            backend = await placement.at(transaction, settings, kind.extra_specs, origin)
            await store.place(transaction, volume.id, host, backend or volume.backend)


async def get_volume(transaction: Transaction, caller: Caller, id: str, *, lock: bool = False) -> Volume:
    """The volume. VolumeNotFound: there is none, or the caller does not see its project."""
    volume = await store.get(transaction, id, lock=lock)
    if volume is None or not caller.sees(volume.project_id):
        raise errors.VolumeNotFound(id)
    return volume


async def describe(transaction: Transaction, volumes: Sequence[Volume]) -> list[VolumeDetail]:
    """The volumes with type, metadata and attachments, in a fixed number of queries."""
    ids = [volume.id for volume in volumes]
    types = await type_store.of(transaction, list({volume.type_id for volume in volumes}))
    metadata = await store.metadata_of(transaction, ids)
    images = await image_store.of(transaction, ids)
    used = [volume.id for volume in volumes if volume.attached or volume.claim]
    attached = await attachment_store.of(transaction, used)
    return [
        VolumeDetail(
            volume,
            types[volume.type_id].name,
            metadata.get(volume.id, {}),
            [one for one in attached.get(volume.id, []) if one.status in {"", "attached"} and is_shown(one)],
            images.get(volume.id, {}),
        )
        for volume in volumes
    ]


def is_shown(attachment: Attachment) -> bool:
    """Whether users see the attachment, which is no mere connection."""
    return attachment.holder_kind != "connection"


async def list_volumes(
    transaction: Transaction, caller: Caller, project_id: str, query: Query
) -> tuple[list[Volume], bool]:
    """One page of a project's volumes (for admins with ``all_tenants`` of all), and whether more may follow.

    BadRequest: a filter, sort key or marker that is none.
    """
    page = filters.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    with filters.marked(page, errors.VolumeNotFound):
        volumes = await store.page(transaction, conditions(caller, project_id, query), page)
    return volumes, listing.next_marker(volumes, page)


async def count_volumes(transaction: Transaction, caller: Caller, project_id: str, query: Query) -> int:
    """How many volumes the list has in all its pages."""
    return await store.count(transaction, conditions(caller, project_id, query))


async def summarise(
    transaction: Transaction, caller: Caller, project_id: str, query: Query
) -> tuple[int, int, dict[str, list[str]]]:
    """How many volumes the list has, their GiB, and the values of their metadata by key."""
    return await store.summary(transaction, conditions(caller, project_id, query))


FILTERS = frozenset({*store.FILTERS, *resource_filters.RESOURCES["volume"], "encrypted", "glance_metadata"})
"""What lists of volumes may be filtered by."""


def conditions(caller: Caller, project_id: str, query: Query) -> list[sa.ColumnElement[bool]]:
    """What the query wants of volumes. BadRequest: a value that none can have."""
    everywhere = caller.is_admin and query.flag("all_tenants")
    found, rest = filters.moments(query, store.COLUMNS)
    names = [name for name in store.FILTERS if everywhere or name != "project_id"]
    found.extend(listing.filters(rest, {name: store.FILTERS[name] for name in names}))
    found.extend(filters.like(query, store.COLUMNS))
    if not everywhere:
        found.append(store.of_project(project_id))
    found.extend(_fixed_filters(query))
    found.extend(store.has_metadata(key, value) for key, value in filters.pairs(query, "metadata").items())
    found.extend(image_store.has(key, value) for key, value in filters.pairs(query, "glance_metadata").items())
    return found


def _fixed_filters(query: Query) -> list[sa.ColumnElement[bool]]:
    """Filters by fields that are the same for every volume here: they keep all or none."""
    wants = [query.flag("encrypted")] if query.one("encrypted") is not None else []
    wants += [not query.flag("consumes_quota")] if query.one("consumes_quota") is not None else []
    wants += [bool(query.one(name)) for name in ("group_id", "migration_status")]
    return [sa.false()] if any(wants) else []


async def update_volume(
    transaction: Transaction, caller: Caller, id: str, changes: dict[str, str | None], metadata: dict[str, str] | None
) -> Volume:
    """Rename or describe (``changes`` of name and description), and replace the metadata where it is given."""
    volume = await get_volume(transaction, caller, id, lock=True)
    if metadata is not None:
        await store.put_metadata(transaction, id, metadata, replace=True)
    return await _changed(transaction, volume, **changes)


async def delete_volume(transaction: Transaction, caller: Caller, id: str, *, cascade: bool = False) -> None:
    """Ask for the removal, in any state but attached; asked again after a failure it is tried again. With ``cascade`` its
    snapshots go first.

    VolumeNotFound; VolumeAttached: somebody uses it; VolumeHasSnapshots.
    """
    volume = await get_volume(transaction, caller, id, lock=True)
    if volume.attached:
        raise errors.VolumeAttached(id)
    if volume.errand:
        raise errors.InvalidVolume(
            f"Volume {id} status must be available or error to be deleted, but is {volume.status}."
        )
    if volume.claim and not (volume.condemned or volume.deleting):
        raise errors.InvalidVolume(
            f"Volume {id} status must be available or error to be deleted, but is {volume.status}."
        )
    for snapshot in await _dependents(transaction, id, cascade=cascade):
        await wishes.discard(transaction, snapshot)
    if volume.deleting and volume.observed != volume.generation:
        return
    await change_wish(transaction, volume, deleting=True)


async def _dependents(transaction: Transaction, id: str, *, cascade: bool) -> list[Snapshot]:
    """The snapshots that go with a volume. VolumeHasSnapshots: not without being told."""
    found = await snapshot_store.of(transaction, id)
    staying = [snapshot for snapshot in found if not snapshot.deleting]
    if staying and not cascade:
        raise errors.VolumeHasSnapshots(id, len(staying))
    return found


async def get_metadata(transaction: Transaction, caller: Caller, id: str) -> dict[str, str]:
    """The metadata of a volume."""
    await get_volume(transaction, caller, id)
    return (await store.metadata_of(transaction, [id])).get(id, {})


async def get_metadata_item(transaction: Transaction, caller: Caller, id: str, key: str) -> str:
    """One value of the metadata. MetadataNotFound."""
    pairs = await get_metadata(transaction, caller, id)
    if key not in pairs:
        raise errors.MetadataNotFound(id, key)
    return pairs[key]


async def set_metadata(
    transaction: Transaction, caller: Caller, id: str, pairs: dict[str, str], *, replace: bool
) -> dict[str, str]:
    """Add pairs to the metadata or replace it; what it is afterwards."""
    await get_volume(transaction, caller, id, lock=True)
    await store.put_metadata(transaction, id, pairs, replace=replace)
    return (await store.metadata_of(transaction, [id])).get(id, {})


async def delete_metadata(transaction: Transaction, caller: Caller, id: str, key: str) -> None:
    """Remove one pair. MetadataNotFound."""
    await get_volume(transaction, caller, id, lock=True)
    if not await store.drop_metadata(transaction, id, key):
        raise errors.MetadataNotFound(id, key)


async def change_wish(transaction: Transaction, volume: Volume, **changes: bool | int | str | None) -> Volume:
    """Write a changed wish and wake the reconciler. Conflict: somebody else changed it at the same moment."""
    changed = await _changed(transaction, volume, generation=volume.generation + 1, **changes)
    transaction.wake(KIND, volume.id)
    return changed


async def _changed(transaction: Transaction, volume: Volume, **changes: object) -> Volume:
    changed = await store.update(transaction, volume, **changes)
    if changed is None:
        raise core_errors.Conflict(f"Volume {volume.id} is being changed by another request; try again.")
    return changed
