"""Things of other services that a property names: by id or by name, with the stack owner's eyes. Never changes anything."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from boxship.core import errors
from boxship.services.orchestration.resources.interface import Property
from boxship.services.orchestration.template.errors import StackValidationFailed
from boxship.services.orchestration.template.evaluation import UNRESOLVED


class Asks(Protocol):
    """How the services are asked (``interface.Work`` does)."""

    async def ask(
        self, service: str, method: str, path: str, body: object = None, *, version: str | None = None
    ) -> Any: ...

    async def has(self, service: str, path: str, *, version: str | None = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where things of a kind are: ``{path}/{id}`` is one, ``{path}?{by}=name`` lists those of a name."""

    service: str
    path: str
    one: str
    many: str
    by: str = "name"
    version: str | None = None
    word: str = ""


def _neutron(plural: str, one: str) -> Place:
    return Place("network", f"/v2.0/{plural}", one, plural.replace("-", "_"))


def _keystone(plural: str, one: str) -> Place:
    return Place("identity", f"/{plural}", one, plural)


PLACES: Mapping[str, Place] = {
    "network": _neutron("networks", "network"),
    "subnet": _neutron("subnets", "subnet"),
    "subnetpool": _neutron("subnetpools", "subnetpool"),
    "port": _neutron("ports", "port"),
    "router": _neutron("routers", "router"),
    "security_group": _neutron("security-groups", "security_group"),
    "address_scope": _neutron("address-scopes", "address_scope"),
    "floatingip": Place("network", "/v2.0/floatingips", "floatingip", "floatingips", "floating_ip_address"),
    "volume": Place("block-storage", "/volumes", "volume", "volumes"),
    "volume_snapshot": Place("block-storage", "/snapshots", "snapshot", "snapshots"),
    "volume_backup": Place("block-storage", "/backups", "backup", "backups"),
    "volume_type": Place("block-storage", "/types", "volume_type", "volume_types"),
    "share_type": Place("shared-file-system", "/types", "share_type", "share_types", version="2.7"),
    "share_snapshot": Place("shared-file-system", "/snapshots", "snapshot", "snapshots", version="2.7"),
    "image": Place("image", "/v2/images", "", "images"),
    "project": _keystone("projects", "project"),
    "domain": _keystone("domains", "domain"),
    "user": _keystone("users", "user"),
    "group": _keystone("groups", "group"),
    "role": _keystone("roles", "role"),
    "service": _keystone("services", "service"),
    "region": _keystone("regions", "region"),
}


async def find(it: Asks, kind: str, given: str) -> str:
    """The id of the thing that is called or named so. StackValidationFailed: there is none, or several."""
    place = PLACES[kind]
    word = kind.replace("_", " ")
    found = await it.has(place.service, f"{place.path}/{quote(given, safe='')}", version=place.version)
    if found is not None:
        row = found[place.one] if place.one else found
        return str(row["id"])
    path = f"{place.path}?{place.by}={quote(given, safe='')}"
    try:
        rows = (await it.ask(place.service, "GET", path, version=place.version))[place.many]
    except errors.BadRequest as error:
        raise StackValidationFailed(f"The {word} ({given[:100]}) could not be found.") from error
    rows = [row for row in rows if row.get(place.by) == given]
    if not rows:
        raise StackValidationFailed(f"The {word} ({given[:100]}) could not be found.")
    if len(rows) > 1:
        raise StackValidationFailed(f"There are {len(rows)} {word}s called {given[:100]}; give the id of one.")
    return str(rows[0]["id"])


Find = Callable[[str, str], Awaitable[str]]


async def looked_up(it: Asks, schema: Mapping[str, Property], values: dict[str, Any], place: str) -> dict[str, Any]:
    """The properties with every name of a thing replaced by its id. StackValidationFailed names the property."""
    find_one = functools.partial(find, it)
    return {name: await _looked_up(find_one, schema[name], value, f"{place}.{name}") for name, value in values.items()}


async def _looked_up(find_one: Find, schema: Property, value: Any, place: str) -> Any:
    if value is None or value is UNRESOLVED:
        return value
    if schema.finds and isinstance(value, str) and value:
        try:
            return await find_one(schema.finds, value)
        except StackValidationFailed as error:
            raise StackValidationFailed(f"Property error: {error.sentence}", field=place) from error
    if isinstance(value, dict) and schema.fields is not None:
        fields = schema.fields
        return {name: await _looked_up(find_one, fields[name], each, f"{place}.{name}") for name, each in value.items()}
    if isinstance(value, list) and schema.items is not None:
        items = schema.items
        return [await _looked_up(find_one, items, each, f"{place}[{at}]") for at, each in enumerate(value)]
    return value
