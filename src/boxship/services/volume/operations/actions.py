"""The older way to attach, by actions on the volume, step by step and without an attachment to hold on to; and flags.

    os-reserve ──> attaching ──os-attach──> in-use ──os-begin_detaching──> detaching ──os-detach──> available
       └─os-unreserve                          └──────os-roll_detaching───────┘

``os-initialize_connection`` gives the device, ``os-terminate_connection`` takes it away, whatever the state says.
"""

from __future__ import annotations

from boxship.config import Settings
from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http.call import new_id
from boxship.services.volume import errors
from boxship.services.volume.model import Attachment, Volume, VolumeType
from boxship.services.volume.operations import connections, needs, placement, quotas, volume_types, volumes
from boxship.services.volume.operations.connections import Attached, Connector
from boxship.services.volume.operations.needs import CLIENT, CONNECTION, SERVER
from boxship.services.volume.states import State
from boxship.services.volume.store import attachments as store

DECLARED = frozenset(
    {State.CREATING, State.MAINTENANCE, State.RESERVED, State.ATTACHING, State.IN_USE, State.DETACHING}
)
"""States that an admin may declare a volume to be in."""


async def reserve(transaction: Transaction, caller: Caller, id: str) -> None:
    """Have nobody else attach it. InvalidVolume: somebody does already."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    allowed = {State.AVAILABLE, State.IN_USE} if volume.multiattach else {State.AVAILABLE}
    if volume.status not in allowed:
        raise errors.InvalidVolume(
            f"Volume status must be {' or '.join(sorted(allowed))} to reserve, but the status is {volume.status}."
        )
    await volumes.change_wish(transaction, volume, claim=State.ATTACHING)


async def unreserve(transaction: Transaction, caller: Caller, id: str) -> None:
    """Undo ``reserve``; a volume that is not reserved stays as it is."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if volume.claim == State.ATTACHING:
        await needs.recount(transaction, volume)


async def attach(transaction: Transaction, caller: Caller, id: str, done: Attached) -> None:
    """A client says that it has attached the volume. InvalidVolume: its state does not allow it; InvalidAttachMode."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    allowed = {State.AVAILABLE, State.ATTACHING} | ({State.IN_USE} if volume.multiattach else set())
    if volume.status not in allowed:
        raise errors.InvalidVolume(f"Volume {id} cannot be attached while its status is {volume.status}.")
    if volume.read_only and not done.read_only:
        raise errors.InvalidAttachMode(id, "rw")
    new = new_id()
    kind, holder = (SERVER, done.instance_id) if done.instance_id else (CLIENT, new)
    present = (await store.of(transaction, [id])).get(id, [])
    if any((one.holder_kind, one.holder_id) == (kind, holder) for one in present):
        raise errors.InvalidVolume(f"Volume {id} is attached to instance {holder} already.")
    made = Attachment(new, id, kind, holder, done.mountpoint, done.read_only, clock.now(), "attached", done.host_name)
    await store.insert(transaction, made)
    await needs.recount(transaction, volume)


async def begin_detaching(transaction: Transaction, caller: Caller, id: str) -> None:
    """A client is about to detach. InvalidVolume: it is not attached."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if volume.claim != State.IN_USE:
        raise errors.InvalidVolume(
            "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach."
        )
    await volumes.change_wish(transaction, volume, claim=State.DETACHING)


async def roll_detaching(transaction: Transaction, caller: Caller, id: str) -> None:
    """Undo ``begin_detaching``; another volume stays as it is."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if volume.claim == State.DETACHING:
        await needs.recount(transaction, volume)


async def detach(transaction: Transaction, caller: Caller, id: str, attachment_id: str | None) -> None:
    """A client says that it has detached the volume. InvalidVolume: there are several attachments and none is named, or the
    named one is another volume's, or held by a service. Nothing to do where there is none."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    present = [one for one in await _present(transaction, volume) if attachment_id in {None, one.id}]
    if attachment_id is not None and not present:
        raise errors.InvalidVolume(f"Volume {id} has no attachment {attachment_id}.")
    if len(present) > 1:
        raise errors.InvalidVolume(f"Volume {id} has several attachments; name one.")
    for one in present:
        if one.holder_kind not in {SERVER, CLIENT}:
            raise errors.AttachmentHeld(one.holder_kind, one.holder_id)
        await store.delete(transaction, id, (one.holder_kind, one.holder_id))
    await needs.recount(transaction, volume)


async def _present(transaction: Transaction, volume: Volume) -> list[Attachment]:
    """The attachments without mere connections."""
    found = (await store.of(transaction, [volume.id])).get(volume.id, [])
    return [one for one in found if one.holder_kind != CONNECTION]


async def force_detach(transaction: Transaction, caller: Caller, id: str, attachment_id: str | None) -> None:
    """Detach and end every connection, for admins. As ``detach``."""
    await detach(transaction, caller, id, attachment_id)
    await terminate_connection(transaction, caller, id, None)


async def initialize_connection(
    transaction: Transaction, caller: Caller, settings: Settings, id: str, connector: Connector
) -> tuple[Attachment, Volume]:
    """Ask for the device on the host of the connector. Repeatable. InvalidVolume, AttachedElsewhere."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if volume.status not in {State.AVAILABLE, State.ATTACHING, State.RESERVED, State.IN_USE}:
        raise errors.InvalidVolume(f"Volume {id} has no connection while its status is {volume.status}.")
    volume = await connections.brought(transaction, settings, volume, connector)
    host = connections.require_here(volume, connector)
    present = (await store.of(transaction, [id])).get(id, [])
    for one in present:
        if (one.holder_kind, one.holder_id) == (CONNECTION, host[:64]):
            return one, volume
    made = Attachment(
        new_id(), id, CONNECTION, host[:64], "na", bool(volume.read_only), clock.now(), "", host, connector
    )
    await store.insert(transaction, made)
    return made, await volumes.change_wish(transaction, volume, attached=True)


async def terminate_connection(transaction: Transaction, caller: Caller, id: str, connector: Connector | None) -> None:
    """Take the device of the connector's host away, None: of every host. Repeatable."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    host = connector.get("host") if connector else None
    for one in (await store.of(transaction, [id])).get(id, []):
        if one.holder_kind == CONNECTION and host in {None, one.host_name}:
            await store.delete(transaction, id, (one.holder_kind, one.holder_id))
    rest = needs.of((await store.of(transaction, [id])).get(id, []))
    await volumes.change_wish(transaction, volume, attached=rest.attached)


async def set_read_only(transaction: Transaction, caller: Caller, id: str, *, read_only: bool) -> None:
    """Have it attached for reading only from now on. InvalidVolume: it is attached."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if volume.status != State.AVAILABLE:
        raise errors.InvalidVolume(
            f"Volume {id} status must be available to update readonly flag, but current status is: {volume.status}."
        )
    await volumes.change_wish(transaction, volume, read_only=read_only)


async def set_bootable(transaction: Transaction, caller: Caller, id: str, *, bootable: bool) -> None:
    """Say whether a machine may be started from it."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    await volumes.change_wish(transaction, volume, bootable=bootable)


async def retype(transaction: Transaction, caller: Caller, settings: Settings, id: str, new_type: str) -> None:
    """Give a volume another type; where its data is meets that one, too, so nothing moves.

    UnknownVolumeType; InvalidVolume: in another state, the type that it has, one of another backend, or one that changes
    whether a volume in use may be attached several times; OverQuota: the new type has quotas of its own.
    """
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    wanted = await volume_types.chosen_type(transaction, caller, new_type)
    if volume.status not in {State.AVAILABLE, State.IN_USE} or wanted.id == volume.type_id:
        raise errors.InvalidVolume(
            f"Volume {id} is {volume.status}; it must be available or in-use, and of another type than the new one."
        )
    if not await _stays(transaction, settings, volume, wanted):
        raise errors.InvalidVolume(f"Volume {id} would have to move to another backend to be of type {wanted.name}.")
    several = volume_types.multi(wanted)
    if several != volume.multiattach and volume.status != State.AVAILABLE:
        raise errors.InvalidVolume("whether a volume may be attached several times changes only while it is available")
    limits = await quotas.limits(transaction, settings, volume.project_id)
    demand = quotas.Demand(type_name=wanted.name, volumes=1, gigabytes=volume.size)
    await quotas.require_typed(transaction, volume.project_id, limits, demand)
    await volumes.change_wish(transaction, volume, type_id=wanted.id, multiattach=several)


async def _stays(transaction: Transaction, settings: Settings, volume: Volume, wanted: VolumeType) -> bool:
    """Whether the backend of the volume has what the type asks for."""
    origin = placement.Origin(volume.host, volume.backend)
    return await placement.at(transaction, settings, wanted.extra_specs, origin) == volume.backend


async def force_delete(transaction: Transaction, caller: Caller, id: str) -> None:
    """Remove a volume in any state, for admins: what clients outside say of it does not count. AttachmentHeld: a service of
    this program needs it, and would lose what it is running on."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    for one in (await store.of(transaction, [id])).get(id, []):
        if one.holder_kind not in needs.OUTSIDE:
            raise errors.AttachmentHeld(one.holder_kind, one.holder_id)
        await store.delete(transaction, id, (one.holder_kind, one.holder_id))
    await volumes.change_wish(transaction, volume, attached=False, mounted=False, claim="", deleting=True)


async def forget_clients(transaction: Transaction, caller: Caller, id: str) -> None:
    """Have no client outside be attached any more, whatever they do; for admins."""
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    for one in (await store.of(transaction, [id])).get(id, []):
        if one.holder_kind in needs.OUTSIDE:
            await store.delete(transaction, id, (one.holder_kind, one.holder_id))
    await needs.recount(transaction, volume)


async def reset_status(transaction: Transaction, caller: Caller, id: str, status: str | None) -> None:
    """Declare what clients do with a volume to be another, or that it is broken; for admins.

    ``available`` has the state found anew from storage and attachments, any kind of error is ``error``; states that follow
    from what the storage does cannot be declared. BadRequest: such a one, or none at all.
    """
    volume = await volumes.get_volume(transaction, caller, id, lock=True)
    if status is None or volume.deleting:
        return
    condemned = status.startswith(State.ERROR)
    if not condemned and status != State.AVAILABLE and status not in DECLARED:
        words = ", ".join(sorted((*DECLARED, State.AVAILABLE, State.ERROR)))
        raise core_errors.BadRequest(f"none of {words}", field="os-reset_status.status")
    present = needs.of((await store.of(transaction, [id])).get(id, []))
    claim = status if status in DECLARED else present.claim
    await volumes.change_wish(transaction, volume, condemned=condemned, claim=claim)
