"""Tags: short texts that clients put on resources to find them again; they mean nothing to the cloud."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa

from boxship.core import clock
from boxship.core import errors as core
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.network import errors, model
from boxship.services.network.operations import (
    access,
    floating,
    groups,
    networks,
    ports,
    routers,
    subnetpools,
    subnets,
)
from boxship.services.network.store import rows, tables

Tagged = model.Network | model.Subnet | model.SubnetPool | model.Port | model.Group | model.Router | model.FloatingIP
Seen = Callable[[Transaction, Caller, str], Awaitable[Tagged]]

MOST = 50
"""Tags of one resource (neutron, extensions/tagging)."""


async def _port(transaction: Transaction, caller: Caller, id: str) -> model.Port:
    return (await ports.get_port(transaction, caller, id)).port


async def _floating(transaction: Transaction, caller: Caller, id: str) -> model.FloatingIP:
    return (await floating.get_floating(transaction, caller, id)).floating


_TAGGED: dict[str, tuple[sa.Table, Seen]] = {
    "networks": (tables.networks, networks.seen),
    "subnets": (tables.subnets, subnets.get_subnet),
    "subnetpools": (tables.subnetpools, subnetpools.seen),
    "ports": (tables.ports, _port),
    "security-groups": (tables.groups, groups.seen),
    "security_groups": (tables.groups, groups.seen),
    "routers": (tables.routers, routers.seen),
    "floatingips": (tables.floating, _floating),
}
"""The collections whose members have tags, by the word in the path."""


async def _resource(transaction: Transaction, caller: Caller, collection: str, id: str) -> tuple[sa.Table, Tagged]:
    found = _TAGGED.get(collection)
    if found is None:
        raise core.NotFound("The resource could not be found.")
    table, seen = found
    return table, await seen(transaction, caller, id)


async def get_tags(transaction: Transaction, caller: Caller, collection: str, id: str) -> tuple[str, ...]:
    """The tags of a resource that the caller sees."""
    return (await _resource(transaction, caller, collection, id))[1].tags


async def check_tag(transaction: Transaction, caller: Caller, place: tuple[str, str], tag: str) -> None:
    """TagNotFound: the resource (collection and id) does not have the tag."""
    if tag not in await get_tags(transaction, caller, *place):
        raise errors.TagNotFound(tag)


async def set_tags(
    transaction: Transaction, caller: Caller, place: tuple[str, str], wanted: Sequence[str]
) -> tuple[str, ...]:
    """Replace the tags of a resource. InvalidInput: too many, or one that is none."""
    table, row = await _resource(transaction, caller, *place)
    access.own(caller, row.project_id, "update_tags")
    tags = tuple(dict.fromkeys(wanted))
    if len(tags) > MOST or not all(0 < len(tag) <= 60 and "," not in tag for tag in tags):
        raise errors.InvalidInput(f"A tag has 1 to 60 characters and no comma; {MOST} are the most.", field="tags")
    changed = {"tags": tags, "updated_at": clock.now(), "revision_number": row.revision_number + 1}
    await rows.change(transaction, table, row.id, **changed)
    return tags


async def add_tags(
    transaction: Transaction, caller: Caller, place: tuple[str, str], more: Sequence[str]
) -> tuple[str, ...]:
    """Give a resource more tags, and all that it then has; repeatable."""
    return await set_tags(transaction, caller, place, [*await get_tags(transaction, caller, *place), *more])


async def remove_tag(transaction: Transaction, caller: Caller, place: tuple[str, str], tag: str) -> None:
    """Take a tag from a resource. TagNotFound."""
    await check_tag(transaction, caller, place, tag)
    kept = [other for other in await get_tags(transaction, caller, *place) if other != tag]
    await set_tags(transaction, caller, place, kept)
