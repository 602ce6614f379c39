"""Export locations: where a share can be mounted from. They follow from the row; nothing is stored of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.share import errors
from boxship.services.share.model import Share
from boxship.services.share.operations import shares

LOCAL = "boxship-local"
"""Metadata of a location that is a directory of the host that it names, for holders on that host."""
_SPACE = uuid.UUID("4f6f9a5e-3c1c-5f0b-9d0e-6a4d0c1e7b52")


class Location(msgspec.Struct, frozen=True):
    """A place to mount a share from: ``address:/path`` of NFS, or a directory of its host. ``id`` stays the same."""

    id: str
    path: str
    preferred: bool
    metadata: dict[str, str]


async def of_share(transaction: Transaction, caller: Caller, id: str) -> tuple[Share, Sequence[Location]]:
    """The locations of a share, the preferred one first. ShareNotFound."""
    share = await shares.get_share(transaction, caller, id)
    return share, locations(share)


async def one_of_share(transaction: Transaction, caller: Caller, id: str, location_id: str) -> tuple[Share, Location]:
    """One location of a share. ShareNotFound, LocationNotFound."""
    share, found = await of_share(transaction, caller, id)
    for location in found:
        if location.id == location_id:
            return share, location
    raise errors.LocationNotFound(location_id)


def locations(share: Share) -> list[Location]:
    """Where the share can be mounted from; none until it is there."""
    found = []
    if share.location:
        found.append(Location(_id(share, "nfs"), share.location, True, {}))
    if share.path:
        found.append(Location(_id(share, "local"), share.path, not share.location, {LOCAL: share.host}))
    return found


def _id(share: Share, kind: str) -> str:
    return str(uuid.uuid5(_SPACE, f"{share.id}/{kind}"))
