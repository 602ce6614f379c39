"""Regions, services and endpoints: the program's own (``builtin`` everywhere here), which are no rows and stay as they are,
and those that admins add."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol, TypeVar

from msgspec import structs

from boxship.core import errors
from boxship.core.db.database import Transaction
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, schemas
from boxship.services.identity.store import catalog as store

_LOCK = "catalog"
"""What changes wait for each other on: what refers to what is no affair of the database here."""
_LONGEST = 255
"""Characters of the id of a region."""


class _Part(Protocol):
    @property
    def id(self) -> str: ...


Part = TypeVar("Part", bound=_Part)


async def added(transaction: Transaction) -> model.Parts:
    """All that admins added."""
    return model.Parts(
        regions=tuple(await store.regions(transaction)),
        services=tuple(await store.services(transaction)),
        endpoints=tuple(await store.endpoints(transaction)),
    )


def one(kind: str, rows: Iterable[Part], id: str) -> Part:
    """The row with this id. ResourceNotFound: there is none."""
    for row in rows:
        if row.id == id:
            return row
    raise identity_errors.ResourceNotFound(kind, id)


def _own(kind: str, builtin: Collection[Part], rows: Iterable[Part], id: str) -> Part:
    """The row that admins made. BuiltIn: it is the program's. ResourceNotFound: there is none."""
    if any(row.id == id for row in builtin):
        raise identity_errors.BuiltIn(kind, id)
    return one(kind, rows, id)


# Regions.


async def regions(transaction: Transaction, builtin: model.Parts) -> list[model.Region]:
    """All of them, the program's first."""
    return [*builtin.regions, *await store.regions(transaction)]


async def create_region(
    transaction: Transaction, builtin: model.Parts, fields: schemas.RegionFields, *, id: str | None = None
) -> model.Region:
    """``id`` is that of the path, where the request names one. DuplicateRegion: the id is taken. ResourceNotFound: the parent.

    BadRequest: the body names another id, or it is none that could be shown.
    """
    await transaction.serialise(_LOCK)
    values = schemas.given(fields)
    wanted = values.pop("id", None) or id or uuid.uuid4().hex
    if id is not None and wanted != id:
        raise errors.BadRequest("it is another one than that of the path", field="region.id")
    if len(wanted) > _LONGEST or not wanted.isprintable():
        raise errors.BadRequest(f"it is longer than {_LONGEST} characters, or cannot be shown", field="region.id")
    known = await regions(transaction, builtin)
    if any(row.id == wanted for row in known):
        raise identity_errors.DuplicateRegion(wanted)
    row = structs.replace(model.Region(id=wanted, description="", parent_region_id=None), **values)
    if row.parent_region_id is not None:
        one("region", known, row.parent_region_id)
    await store.insert(transaction, row)
    return row


async def update_region(
    transaction: Transaction, builtin: model.Parts, id: str, fields: schemas.RegionFields
) -> model.Region:
    """BuiltIn. ResourceNotFound: region or parent. CircularRegions: it would be below itself. BadRequest: another id."""
    await transaction.serialise(_LOCK)
    known = await regions(transaction, builtin)
    row = _own("region", builtin.regions, known, id)
    values = schemas.given(fields)
    if values.pop("id", id) != id:
        raise errors.BadRequest("it cannot be changed", field="region.id")
    changed = structs.replace(row, **values)
    parent = changed.parent_region_id
    if parent is not None:
        one("region", known, parent)
        if parent in _below(known, id):
            raise identity_errors.CircularRegions(parent)
    await store.replace(transaction, changed)
    return changed


async def delete_region(transaction: Transaction, builtin: model.Parts, id: str) -> None:
    """The region and those below it. BuiltIn. ResourceNotFound. RegionInUse: they have endpoints."""
    await transaction.serialise(_LOCK)
    known = await store.regions(transaction)
    _own("region", builtin.regions, known, id)
    gone = _below(known, id)
    if any(endpoint.region_id in gone for endpoint in await store.endpoints(transaction)):
        raise identity_errors.RegionInUse(id)
    await store.delete_regions(transaction, gone)


def _below(known: Iterable[model.Region], id: str) -> set[str]:
    """The ids of a region and of all below it."""
    children = [(row.parent_region_id, row.id) for row in known]
    found, fresh = {id}, {id}
    while fresh:
        fresh = {child for parent, child in children if parent in fresh} - found
        found |= fresh
    return found


# Services.


async def services(transaction: Transaction, builtin: model.Parts) -> list[model.Service]:
    """All of them, the program's first."""
    return [*builtin.services, *await store.services(transaction)]


async def create_service(transaction: Transaction, fields: schemas.ServiceFields) -> model.Service:
    """BadRequest: it has no type."""
    if not isinstance(fields.type, str):
        raise errors.BadRequest("this field is required", field="service.type")
    row = structs.replace(model.Service(id=uuid.uuid4().hex, type="", name=""), **schemas.given(fields))
    await store.insert(transaction, row)
    return row


async def update_service(
    transaction: Transaction, builtin: model.Parts, id: str, fields: schemas.ServiceFields
) -> model.Service:
    """BuiltIn. ResourceNotFound."""
    await transaction.serialise(_LOCK)
    row = _own("service", builtin.services, await store.services(transaction), id)
    changed = structs.replace(row, **schemas.given(fields))
    await store.replace(transaction, changed)
    return changed


async def delete_service(transaction: Transaction, builtin: model.Parts, id: str) -> None:
    """The service with its endpoints. BuiltIn. ResourceNotFound."""
    await transaction.serialise(_LOCK)
    _own("service", builtin.services, await store.services(transaction), id)
    await store.delete_service(transaction, id)


# Endpoints.


async def endpoints(transaction: Transaction, builtin: model.Parts) -> list[model.Endpoint]:
    """All of them, the program's first."""
    return [*builtin.endpoints, *await store.endpoints(transaction)]


async def create_endpoint(
    transaction: Transaction, builtin: model.Parts, fields: schemas.EndpointFields
) -> model.Endpoint:
    """BadRequest: a field is missing, or there is no such service or region. InvalidUrl."""
    for name in ("service_id", "interface", "url"):
        if not isinstance(getattr(fields, name), str):
            raise errors.BadRequest("this field is required", field=f"endpoint.{name}")
    await transaction.serialise(_LOCK)
    values = await _endpoint_values(transaction, builtin, fields)
    blank = model.Endpoint(id=uuid.uuid4().hex, service_id="", interface="", region_id=None, url="")
    row = structs.replace(blank, **values)
    await store.insert(transaction, row)
    return row


async def update_endpoint(
    transaction: Transaction, builtin: model.Parts, id: str, fields: schemas.EndpointFields
) -> model.Endpoint:
    """BuiltIn. ResourceNotFound. BadRequest: there is no such service or region. InvalidUrl."""
    await transaction.serialise(_LOCK)
    row = _own("endpoint", builtin.endpoints, await store.endpoints(transaction), id)
    changed = structs.replace(row, **await _endpoint_values(transaction, builtin, fields))
    await store.replace(transaction, changed)
    return changed


async def delete_endpoint(transaction: Transaction, builtin: model.Parts, id: str) -> None:
    """BuiltIn. ResourceNotFound."""
    await transaction.serialise(_LOCK)
    _own("endpoint", builtin.endpoints, await store.endpoints(transaction), id)
    await store.delete_endpoint(transaction, id)


async def _endpoint_values(
    transaction: Transaction, builtin: model.Parts, fields: schemas.EndpointFields
) -> schemas.Shown:
    """The fields as columns, checked; a region that is named the old way is made where there is none."""
    values = schemas.given(fields)
    check_url(values.get("url", ""))
    service_id = values.get("service_id")
    if service_id is not None and all(row.id != service_id for row in await services(transaction, builtin)):
        raise errors.BadRequest("there is no such service", field="endpoint.service_id")
    old_way = values.pop("region", None)
    wanted = values.get("region_id") or old_way
    if wanted is None or any(row.id == wanted for row in await regions(transaction, builtin)):
        return values | ({"region_id": wanted} if wanted else {})
    if wanted != old_way:
        raise errors.BadRequest("there is no such region", field="endpoint.region_id")
    await store.insert(transaction, model.Region(id=wanted, description="", parent_region_id=None))
    return values | {"region_id": wanted}


# What urls are filled with.

_FILLED = frozenset({"tenant_id", "project_id", "user_id"})
_MARK = re.compile(r"[$%]\((\w*)\)s|%%|%|\$\(")
"""``$(project_id)s`` or ``%(project_id)s`` is filled in, and ``%%`` is a percent sign; other signs mean nothing."""


def check_url(url: str) -> None:
    """InvalidUrl: it is to be filled with what there is not."""
    for mark in _MARK.finditer(url):
        if mark.group() != "%%" and mark.group(1) not in _FILLED:
            raise identity_errors.InvalidUrl(url)


def filled(url: str, values: Mapping[str, str | None]) -> str | None:
    """The url for a bearer, by the names of what is filled in; None where it needs a value that there is not."""
    names = [mark.group(1) for mark in _MARK.finditer(url) if mark.group(1)]
    if any(values.get(name) is None for name in names):
        return None
    return _MARK.sub(lambda mark: str(values[mark.group(1)]) if mark.group(1) else mark.group()[0], url)
