"""Attachments of services that run things, made through the door: they need the volume mounted. And lists of all."""

from __future__ import annotations

import msgspec

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.volume import errors
from boxship.services.volume.model import KIND, Attachment, Volume
from boxship.services.volume.operations import following, needs, volumes
from boxship.services.volume.states import State
from boxship.services.volume.store import attachments as store
from boxship.services.volume.store import volumes as volume_store

ATTACHABLE = frozenset({State.CREATING, State.AVAILABLE, State.RESERVED, State.IN_USE, State.DETACHING})


class AttachmentWish(msgspec.Struct, frozen=True):
    """Who needs a volume, on which host, and where it is put there; ``mountpoint`` is shown to users as the device."""

    holder: holds.Resource
    mountpoint: str
    read_only: bool = False
    host: str = ""


async def attach(transaction: Transaction, settings: Settings, volume_id: str, wish: AttachmentWish) -> None:
    """Have the volume mounted for the holder, and hold it; asked again it changes nothing.

    VolumeNotFound; AttachedElsewhere; VolumeUnusable (error, deleting, offered to another project, for reading only); VolumeInUse
    (held by another and not multiattach).
    """
    volume = await volume_store.get(transaction, volume_id, lock=True)
    if volume is None:
        raise errors.VolumeNotFound(volume_id)
    present = (await store.of(transaction, [volume_id])).get(volume_id, [])
    if any((one.holder_kind, one.holder_id) == wish.holder for one in present):
        return
    if volume.status not in ATTACHABLE:
        raise errors.VolumeUnusable(volume_id, volume.status, volume.fault)
    if (present or volume.claim) and not volume.multiattach:
        raise errors.VolumeInUse(volume_id)
    if volume.read_only and not wish.read_only:
        raise errors.VolumeUnusable(volume_id, volume.status, "it may be attached for reading only")
    if wish.host:
        volume = await following.follow(transaction, settings, volume, wish.host)
    await store.insert(
        transaction, Attachment(new_id(), volume_id, *wish.holder, wish.mountpoint, wish.read_only, clock.now())
    )
    await holds.hold(transaction, (KIND, volume_id), wish.holder)
    await needs.recount(transaction, volume)


async def detach(transaction: Transaction, volume_id: str, holder: holds.Resource) -> None:
    """The holder has let go: forget its attachment and hold. Repeatable; a volume that is gone is fine."""
    volume = await volume_store.get(transaction, volume_id, lock=True)
    if volume is not None and await store.delete(transaction, volume_id, holder):
        await needs.recount(transaction, volume)
    await holds.release(transaction, (KIND, volume_id), holder)


async def delete_held(transaction: Transaction, volume_id: str, holder: holds.Resource) -> None:
    """Detach, and have the volume removed once nobody else holds it. Repeatable."""
    await detach(transaction, volume_id, holder)
    volume = await volume_store.get(transaction, volume_id, lock=True)
    if volume is not None and not volume.deleting:
        await volumes.change_wish(transaction, volume, deleting=True)


async def list_attachments(
    transaction: Transaction, caller: Caller, project_id: str, query: Query
) -> tuple[list[tuple[Attachment, Volume]], bool]:
    """One page of the attachments of a project's volumes (for admins with ``all_tenants`` of all)."""
    page = listing.page(query, store.COLUMNS, default_sort="attached_at", descending=True)
    conditions = [*listing.filters(query, store.COLUMNS), store.SHOWN]
    if not (caller.is_admin and query.flag("all_tenants")):
        conditions.append(volume_store.of_project(project_id))
    found = await store.page(transaction, conditions, page)
    by_id = {one.id: one for one in await volume_store.of(transaction, list({one.volume_id for one in found}))}
    return [(one, by_id[one.volume_id]) for one in found], listing.next_marker(found, page)


async def with_volume(transaction: Transaction, id: str) -> tuple[Attachment, Volume] | None:
    """The attachment and its volume, whoever may see them; None: it is gone."""
    found = await store.get(transaction, id)
    volume = await volume_store.get(transaction, found.volume_id) if found else None
    return (found, volume) if found and volume else None


async def get_attachment(transaction: Transaction, caller: Caller, id: str) -> tuple[Attachment, Volume]:
    """The attachment and its volume. AttachmentNotFound."""
    pair = await with_volume(transaction, id)
    if pair is None or not caller.sees(pair[1].project_id) or pair[0].holder_kind == needs.CONNECTION:
        raise errors.AttachmentNotFound(id)
    return pair
