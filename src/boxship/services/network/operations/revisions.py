"""The revision that a client believes a resource to be at (``If-Match``): a change is undone where it is at another one.

The change is made first, so that whoever may not make it, or not see the resource, is told that and nothing else.
"""

from __future__ import annotations

from boxship.core.db.database import Transaction
from boxship.services.network import errors
from boxship.services.network.store import rows, tables

_PREFIX = "revision_number="
REVISED = {
    "networks": tables.networks,
    "subnets": tables.subnets,
    "subnetpools": tables.subnetpools,
    "ports": tables.ports,
    "security-groups": tables.groups,
    "routers": tables.routers,
    "floatingips": tables.floating,
}
"""The collections whose members have revisions that change, by the word in the path."""


def wanted(header: str) -> int | None:
    """The revision in the value of ``If-Match``; None: it names none (Networking API v2.0, "Revisions").

    InvalidInput: it names several, or something that is no number.
    """
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    named = [tag.removeprefix(_PREFIX) for tag in tags if tag.startswith(_PREFIX)]
    if not named:
        return None
    if len(named) > 1:
        raise errors.InvalidInput("Multiple revision_number constraints are not supported.", field="If-Match")
    if not (named[0].isascii() and named[0].isdigit() and len(named[0]) < 10):
        raise errors.InvalidInput("Revision number must be an integer.", field="If-Match")
    return int(named[0])


async def current(transaction: Transaction, collection: str, id: str) -> int | None:
    """The revision of a resource, which nobody else changes until this transaction ends; None: there is no such resource."""
    return await rows.revision(transaction, REVISED[collection], id)


def match(expected: int, found: int | None) -> None:
    """RevisionNumberConstraintFailed: the resource was at another revision."""
    if found != expected:
        raise errors.RevisionNumberConstraintFailed(expected, found)
