"""Attachments of the API: clients outside of this program reserve a volume, get its device on its host, and say when they
have it.

    create (no connector) ──> reserved ──update──> attaching ──complete──> attached ──delete──> (gone)

A connector says who wants the device and on which host; the device appears when the reconciler has attached the volume.
Nothing is formatted or mounted for these. What services of this program hold is theirs and ends with what holds it.
"""

from __future__ import annotations

import msgspec

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http.call import new_id
from boxship.services.volume import errors
from boxship.services.volume.model import Attachment, Volume
from boxship.services.volume.operations import attachments, following, needs, volumes
from boxship.services.volume.operations.needs import CLIENT, SERVER
from boxship.services.volume.states import State
from boxship.services.volume.store import attachments as store
from boxship.services.volume.store import volumes as volume_store

Connector = dict[str, object]
"""What os-brick tells of a host: at least ``host``; ``mountpoint`` and ``mode`` where the client knows them."""


class ConnectionWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which volume is wanted, for which instance, by which connector (None: later), for reading only."""

    volume_id: str
    instance_id: str | None = None
    connector: Connector | None = None
    read_only: bool = False


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says that it has done by itself: ``os-attach``."""

    instance_id: str | None
    host_name: str | None
    mountpoint: str
    read_only: bool


async def create_attachment(
    transaction: Transaction, caller: Caller, settings: Settings, wish: ConnectionWish
) -> tuple[Attachment, Volume]:
    """Reserve a volume, and ask for its device where a connector is given.

    VolumeNotFound; InvalidVolume: its state does not allow it; AttachedElsewhere: it is on another host's disk.
    """
    volume = await volumes.get_volume(transaction, caller, wish.volume_id, lock=True)
    await _require_free(transaction, volume, wish.instance_id)
    id = new_id()
    kind, holder = (SERVER, wish.instance_id) if wish.instance_id else (CLIENT, id)
    read_only = wish.read_only or bool(volume.read_only)
    made = Attachment(id, volume.id, kind, holder, "na", read_only, clock.now(), State.RESERVED)
    if wish.connector is not None:
        volume = await brought(transaction, settings, volume, wish.connector)
        made = _connected(made, volume, wish.connector)
    await store.insert(transaction, made)
    return made, await needs.recount(transaction, volume)


async def _require_free(transaction: Transaction, volume: Volume, instance_id: str | None) -> None:
    allowed = {State.AVAILABLE, State.IN_USE} if volume.multiattach else {State.AVAILABLE}
    if volume.status not in allowed:
        words = " or ".join(sorted(allowed))
        raise errors.InvalidVolume(
            f"Volume {volume.id} status must be {words} to reserve, but the current status is {volume.status}."
        )
    present = (await store.of(transaction, [volume.id])).get(volume.id, [])
    if instance_id and any((one.holder_kind, one.holder_id) == (SERVER, instance_id) for one in present):
        raise errors.InvalidVolume(f"Volume {volume.id} is attached to instance {instance_id} already.")


def _connected(attachment: Attachment, volume: Volume, connector: Connector) -> Attachment:
    host = require_here(volume, connector)
    mode, mountpoint = connector.get("mode"), connector.get("mountpoint")
    if mode == "rw" and volume.read_only:
        raise errors.InvalidAttachMode(volume.id, "rw")
    return msgspec.structs.replace(
        attachment,
        status=State.ATTACHING,
        connector=connector,
        host_name=host,
        mountpoint=mountpoint[:255] if isinstance(mountpoint, str) else attachment.mountpoint,
        read_only=attachment.read_only or mode == "ro",
    )


async def brought(transaction: Transaction, settings: Settings, volume: Volume, connector: Connector) -> Volume:
    """The volume, on the host of the connector where it can follow. AttachedElsewhere: it cannot."""
    host = connector.get("host")
    if not isinstance(host, str):
        return volume
    return await following.follow(transaction, settings, volume, host)


def require_here(volume: Volume, connector: Connector) -> str:
    """The host of the connector. InvalidVolume: it names none; AttachedElsewhere: the data is on another one's disk."""
    host = connector.get("host")
    if not isinstance(host, str) or not 0 < len(host) <= 255:
        raise errors.InvalidVolume("the connector does not name its host")
    if volume.host and host != volume.host:
        raise errors.AttachedElsewhere(volume.id, volume.host, host)
    return host


async def update_attachment(
    transaction: Transaction, caller: Caller, settings: Settings, id: str, connector: Connector
) -> tuple[Attachment, Volume]:
    """Ask for the device of a reserved volume; asked again with the same connector it changes nothing.

    AttachmentNotFound; AttachmentHeld; InvalidVolume: in error; AttachedElsewhere.
    """
    attachment, volume = await _own(transaction, caller, id)
    if volume.status in {State.ERROR, State.ERROR_DELETING, State.DELETING}:
        raise errors.InvalidVolume(f"Volume {volume.id} is in the state {volume.status}.")
    if attachment.connector == connector:
        return attachment, volume
    if attachment.status not in {State.RESERVED, State.ATTACHING}:
        raise errors.InvalidVolume(f"Attachment {id} is {attachment.status} already.")
    volume = await brought(transaction, settings, volume, connector)
    changed = _connected(attachment, volume, connector)
    await store.update(transaction, changed)
    return changed, await needs.recount(transaction, volume)


async def _own(transaction: Transaction, caller: Caller, id: str) -> tuple[Attachment, Volume]:
    """An attachment of the API and its volume, locked. AttachmentNotFound; AttachmentHeld: a service's."""
    found, volume = await attachments.get_attachment(transaction, caller, id)
    if found.holder_kind not in {SERVER, CLIENT}:
        raise errors.AttachmentHeld(found.holder_kind, found.holder_id)
    locked = await volume_store.get(transaction, volume.id, lock=True)
    again = await store.get(transaction, id)
    if locked is None or again is None:
        raise errors.AttachmentNotFound(id)
    return again, locked


async def complete_attachment(transaction: Transaction, caller: Caller, id: str) -> None:
    """The client has the device: the volume is in use. Repeatable. InvalidVolume: it never asked for the device."""
    attachment, volume = await _own(transaction, caller, id)
    if attachment.connector is None:
        raise errors.InvalidVolume(f"Attachment {id} has no connector yet.")
    await store.update(transaction, msgspec.structs.replace(attachment, status="attached", attached_at=clock.now()))
    await needs.recount(transaction, volume)


async def delete_attachment(transaction: Transaction, caller: Caller, id: str) -> list[tuple[Attachment, Volume]]:
    """The client has let go; the other attachments of the volume. AttachmentNotFound, AttachmentHeld."""
    attachment, volume = await _own(transaction, caller, id)
    await store.delete(transaction, volume.id, (attachment.holder_kind, attachment.holder_id))
    changed = await needs.recount(transaction, volume)
    rest = (await store.of(transaction, [volume.id])).get(volume.id, [])
    return [(one, changed) for one in rest if one.holder_kind != needs.CONNECTION]


def connection_info(attachment: Attachment, volume: Volume) -> dict[str, object]:
    """How the connector gets to the device, once it is there: os-brick's LOCAL connector. Empty: not yet, or not asked for."""
    if attachment.connector is None or volume.device is None or not volume.attached:
        return {}
    return {"driver_volume_type": "local", **device(volume, read_only=attachment.read_only)} | {
        "attachment_id": attachment.id
    }


def device(volume: Volume, *, read_only: bool) -> dict[str, object]:
    """The device as os-brick reads it."""
    return {
        "device_path": volume.device,
        "volume_id": volume.id,
        "access_mode": "ro" if read_only else "rw",
        "encrypted": False,
        "enforce_multipath": False,
        "qos_specs": None,
    }


def is_coming(attachment: Attachment, volume: Volume) -> bool:
    """Whether the device is asked for and may still appear."""
    failed = volume.status in {State.ERROR, State.ERROR_DELETING}
    return attachment.connector is not None and not failed and not connection_info(attachment, volume)
