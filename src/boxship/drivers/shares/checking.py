"""What may be exported, and to whom: nothing else gets into a server's configuration. Pure."""

from __future__ import annotations

import ipaddress
import re

from boxship.core.errors import Refused
from boxship.drivers.shares.interface import Export

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")


def checked(share_id: str) -> str:
    """The id, if it is fit to be the name of a file and of an export. Refused: it is not."""
    if not _ID.fullmatch(share_id):
        raise Refused("The id is not one that can be exported.", detail=repr(share_id))
    return share_id


def require(export: Export) -> None:
    """Refused: the id, the path, or an address that is neither an IP address nor a network."""
    checked(export.share_id)
    path = str(export.path)
    if '"' in path or not path.isprintable():
        raise Refused("A directory of this name cannot be exported.", detail=repr(path))
    for access in export.access:
        try:
            ipaddress.ip_network(access.address)
        except ValueError as error:
            raise Refused(f"{access.address[:64]!r} is no IP address or network.") from error
