"""Volumes: create, show, list, rename, delete, reset, metadata. Writes wishes; never touches the storage."""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import clock, hosts
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.volume import errors
from boxship.services.volume.model import KIND, Attachment, Volume, VolumeType
from boxship.services.volume.operations import quotas, volume_types
from boxship.services.volume.states import State
from boxship.services.volume.store import attachments as attachment_store
from boxship.services.volume.store import volume_types as type_store
from boxship.services.volume.store import volumes as store

ZONE = "nova"
"""The one availability zone; upstream's default name."""


class VolumeWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new volume shall be; ``size`` in GiB, ``volume_type`` a name or id, None the default type; ``host``: whose disk
    it is to be on, None any."""

    project_id: str
    size: int
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] = {}
    multiattach: bool = False
    host: str | None = None


class VolumeDetail(msgspec.Struct, frozen=True):
    """A volume with what belongs to it in other tables."""

    volume: Volume
    type_name: str
    metadata: dict[str, str]
    attachments: list[Attachment]


async def create_volume(transaction: Transaction, caller: Caller, settings: Settings, wish: VolumeWish) -> Volume:
    """Ask for a blank volume.

    UnknownVolumeType, BadRequest (zone), OverQuota.
    """
    volume_type = await volume_types.chosen_type(transaction, caller, wish.volume_type)
    if wish.availability_zone not in {None, ZONE}:
        raise core_errors.BadRequest(
            f"Availability zone '{wish.availability_zone}' is invalid; there is only '{ZONE}'.",
            field="volume.availability_zone",
        )
    demand = quotas.Demand(type_name=volume_type.name, volumes=1, gigabytes=wish.size, largest=wish.size)
    await quotas.require(transaction, settings, wish.project_id, demand)
    host = await _disk(transaction, settings) if wish.host is None else wish.host
    volume = await store.insert(transaction, msgspec.structs.replace(_new_volume(caller, wish, volume_type), host=host))
    await store.put_metadata(transaction, volume.id, wish.metadata, replace=False)
    transaction.wake(KIND, volume.id)
    return volume


async def _disk(transaction: Transaction, settings: Settings) -> str:
    """The host that a volume is made on which nobody needs on a certain one: this one, if it can, or another that lives."""
    if settings.engine != "none":
        return settings.host_name
    able = [host.name for host in await hosts.known(transaction) if host.works and host.lives(settings.host_lease)]
    if not able:
        raise core_errors.Unavailable("No host that can keep a volume is up.")
    return random.choice(able)  # noqa: S311 (any will do)


def _new_volume(caller: Caller, wish: VolumeWish, volume_type: VolumeType) -> Volume:
    return Volume(
        id=new_id(),
        project_id=wish.project_id,
        user_id=caller.user_id,
        size=wish.size,
        type_id=volume_type.id,
        availability_zone=ZONE,
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
    attached = await attachment_store.of(transaction, [volume.id for volume in volumes if volume.attached])
    return [
        VolumeDetail(volume, types[volume.type_id].name, metadata.get(volume.id, {}), attached.get(volume.id, []))
        for volume in volumes
    ]


async def list_volumes(
    transaction: Transaction, caller: Caller, project_id: str, query: Query
) -> tuple[list[Volume], bool]:
    """One page of a project's volumes (for admins with ``all_tenants`` of all), and whether more may follow.

    BadRequest: a filter, sort key or marker that is none.
    """
    page = listing.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    everywhere = caller.is_admin and query.flag("all_tenants")
    names = [name for name in store.COLUMNS if everywhere or name != "project_id"]
    conditions = listing.filters(query, {name: store.COLUMNS[name] for name in names})
    if not everywhere:
        conditions.append(store.of_project(project_id))
    conditions.extend(_fixed_filters(query))
    conditions.extend(store.has_metadata(key, value) for key, value in _metadata_filter(query).items())
    volumes = await store.page(transaction, conditions, page)
    return volumes, listing.next_marker(volumes, page)


def _fixed_filters(query: Query) -> list[sa.ColumnElement[bool]]:
    """Filters by fields that are the same for every volume here: they keep all or none."""
    wants = [query.flag(name) for name in ("bootable", "encrypted") if query.one(name) is not None]
    return [sa.false()] if any(wants) else []


def _metadata_filter(query: Query) -> dict[str, str]:
    """``metadata`` in the query as clients write it: a Python or JSON dictionary of strings. BadRequest: not one."""
    text = query.one("metadata")
    if not text:
        return {}
    wrong = core_errors.BadRequest("not a dictionary of strings", field="metadata")
    if len(text) > 8192:
        raise wrong
    try:
        return msgspec.convert(ast.literal_eval(text), dict[str, str])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise wrong from error


async def update_volume(
    transaction: Transaction, caller: Caller, id: str, changes: dict[str, str | None], metadata: dict[str, str] | None
) -> Volume:
    """Rename or describe (``changes`` of name and description), and replace the metadata where it is given."""
    volume = await get_volume(transaction, caller, id, lock=True)
    if metadata is not None:
        await store.put_metadata(transaction, id, metadata, replace=True)
    return await _changed(transaction, volume, **changes)


async def delete_volume(transaction: Transaction, caller: Caller, id: str) -> None:
    """Ask for the removal, in any state but attached; asked again after a failure it is tried again.

    VolumeNotFound; VolumeAttached: somebody uses it.
    """
    volume = await get_volume(transaction, caller, id, lock=True)
    if volume.attached:
        raise errors.VolumeAttached(id)
    if volume.deleting and volume.observed != volume.generation:
        return
    await change_wish(transaction, volume, deleting=True)


async def reset_status(transaction: Transaction, caller: Caller, id: str, status: str | None) -> None:
    """Declare a volume broken (``error``) or have its state found anew (any other); for admins.

    The other states follow from the world and cannot be set: what is asked for appears if it is true.
    """
    volume = await get_volume(transaction, caller, id, lock=True)
    if status is None or volume.deleting:
        return
    await change_wish(transaction, volume, condemned=status == State.ERROR)


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


async def change_wish(transaction: Transaction, volume: Volume, **changes: bool | str) -> Volume:
    """Write a changed wish and wake the reconciler. Conflict: somebody else changed it at the same moment."""
    changed = await _changed(transaction, volume, generation=volume.generation + 1, **changes)
    transaction.wake(KIND, volume.id)
    return changed


async def _changed(transaction: Transaction, volume: Volume, **changes: object) -> Volume:
    changed = await store.update(transaction, volume, **changes)
    if changed is None:
        raise core_errors.Conflict(f"Volume {volume.id} is being changed by another request; try again.")
    return changed


async def count_usage(transaction: Transaction, project_id: str) -> tuple[int, int]:
    """Volumes and gigabytes that count against the quota of the project."""
    return await store.usage(transaction, project_id)
