"""What the attachments of a volume need of it: its mount, its device, a state. Decides nothing about single attachments."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from boxship.core.db.database import Transaction
from boxship.services.volume.model import Attachment, Volume
from boxship.services.volume.operations import volumes
from boxship.services.volume.states import State
from boxship.services.volume.store import attachments as store

SERVER = "server"
"""The holder of an attachment of the API that names an instance, which is the holder's id."""
CLIENT = "client"
"""The holder of one that names none; the holder's id is its own."""
CONNECTION = "connection"
"""The holder of what ``os-initialize_connection`` asks for, which is nobody's attachment; the holder's id is the host."""
OUTSIDE = frozenset({SERVER, CLIENT, CONNECTION})
"""Holders that are no services of this program: they want the device at most, never the mount."""


class Needs(msgspec.Struct, frozen=True):
    """What is needed: the device, the mount; and the state that the API's attachments give the volume."""

    attached: bool
    mounted: bool
    claim: str


def of(present: Sequence[Attachment]) -> Needs:
    """What all of these need together."""
    mounted = any(one.holder_kind not in OUTSIDE for one in present)
    device = any(one.connector is not None for one in present)
    said = {one.status for one in present if one.holder_kind in {SERVER, CLIENT}}
    order = (State.DETACHING, State.ATTACHING, State.RESERVED)
    claim = next((str(state) for state in order if state in said), State.IN_USE if "attached" in said else "")
    return Needs(mounted or device, mounted, claim)


async def recount(transaction: Transaction, volume: Volume) -> Volume:
    """Have the volume be what its attachments need now; it is locked. Wakes the reconciler."""
    needs = of((await store.of(transaction, [volume.id])).get(volume.id, []))
    return await volumes.change_wish(
        transaction, volume, attached=needs.attached, mounted=needs.mounted, claim=needs.claim
    )
