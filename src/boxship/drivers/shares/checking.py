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
            _require_address(access.address)
        except ValueError as error:
            raise Refused(f"{access.address[:64]!r} is no IP address or network.") from error


def _require_address(text: str) -> None:
    """ValueError. The zone of an address of version 6 may be any text, so there must not be one."""
    ipaddress.ip_network(text)
    if "%" in text:
        raise ValueError(text)
