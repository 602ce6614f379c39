"""Export locations: where a share can be mounted from. They follow from the row; nothing is stored of them."""

from __future__ import annotations

import uuid

import msgspec

from boxship.services.share import errors
from boxship.services.share.model import Share

_KINDS = {"nfs": 1 << 40, "local": 1 << 41}


class Location(msgspec.Struct, frozen=True):
    """A place to mount a share from: ``address:/path`` of NFS, or a directory of its host, which is called as the share is
    (its id), so that who runs there knows it. ``id`` stays the same."""

    id: str
    path: str
    preferred: bool


def of(share: Share) -> list[Location]:
    """Where the share can be mounted from, the preferred location first; none until it is there."""
    found = []
    if share.location:
        found.append(Location(_id(share, "nfs"), share.location, True))
    if share.path:
        found.append(Location(_id(share, "local"), share.path, not share.location))
    return found


def one_of(share: Share, id: str) -> Location:
    """One location of a share. LocationNotFound."""
    for location in of(share):
        if location.id == id:
            return location
    raise errors.LocationNotFound(id)


def _id(share: Share, kind: str) -> str:
    return _turned(share.id, _KINDS[kind])


def shares_of(location_id: str) -> list[str]:
    """The ids of the shares that this may be a location of."""
    try:
        return [_turned(location_id, number) for number in _KINDS.values()]
    except ValueError:
        return []


def _turned(id: str, number: int) -> str:
    """The id of a location is that of its share with some bits turned, and back."""
    return str(uuid.UUID(int=uuid.UUID(id).int ^ number))
