"""Projects and domains: both are rows of one table, as in Keystone."""

from __future__ import annotations

import uuid

from msgspec import structs

from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, operations, schemas, store


async def find(transaction: Transaction, id: str, *, is_domain: bool = False) -> model.Project:
    """ResourceNotFound: no project (or domain) with this id."""
    found = await store.project(transaction, id, is_domain=is_domain)
    if found is None:
        raise identity_errors.ResourceNotFound("domain" if is_domain else "project", id)
    return found


async def show_domain(transaction: Transaction, caller: Caller, id: str) -> model.Project:
    """A domain: one's own, or any for those whom policy lets."""
    own = {caller.user_domain_id, caller.project_domain_id, caller.domain_id}
    if id not in own:
        caller.require("identity:get_any_domain")
    return await find(transaction, id, is_domain=True)


async def show_all(transaction: Transaction, query: Query, *, is_domain: bool = False) -> list[model.Project]:
    """A page of projects or of domains."""
    page = listing.page(query, store.PROJECT_COLUMNS, default_sort="name", most=operations.MOST)
    conditions = listing.filters(query, {k: v for k, v in store.PROJECT_COLUMNS.items() if k != "is_domain"})
    return await store.projects(transaction, page, conditions, is_domain=is_domain)


async def reachable(transaction: Transaction, user_id: str, kind: str) -> list[model.Project]:
    """The enabled projects (or domains) that the user, or a group of the user, has a role on."""
    return await store.projects_of(transaction, user_id, kind)


async def create(transaction: Transaction, fields: schemas.ProjectFields | schemas.DomainFields) -> model.Project:
    """Duplicate: the name is taken. ResourceNotFound: the domain or parent is not there."""
    values = schemas.given(fields)
    if not isinstance(fields.name, str):
        raise errors.BadRequest("this field is required", field=f"{fields.kind}.name")
    is_domain = isinstance(fields, schemas.DomainFields)
    domain_id, parent_id = ("", "") if is_domain else await _place(transaction, values)
    row = model.Project(
        id=uuid.uuid4().hex,
        name=fields.name,
        domain_id=domain_id,
        parent_id=parent_id,
        is_domain=is_domain,
        enabled=values.get("enabled", True),
        description=values.get("description", ""),
        tags=values.get("tags", []),
    )
    await _check_free(transaction, row)
    await store.insert_project(transaction, row)
    return row


async def _place(transaction: Transaction, values: schemas.Shown) -> tuple[str, str]:
    """Domain and parent of a new project: the default domain, and the domain itself, where they are not named."""
    parent_id = values.get("parent_id") or ""
    parent = await store.project(transaction, parent_id)
    domain_id = values.get("domain_id") or (parent.domain_id if parent else parent_id) or model.DEFAULT_DOMAIN
    await find(transaction, domain_id, is_domain=True)
    if parent_id in {"", domain_id}:
        return domain_id, domain_id
    if (await find(transaction, parent_id)).domain_id != domain_id:
        raise errors.BadRequest("it is a project of another domain", field="project.parent_id")
    return domain_id, parent_id


async def update(
    transaction: Transaction, row: model.Project, fields: schemas.ProjectFields | schemas.DomainFields
) -> model.Project:
    """BadRequest: the domain or parent would change. Duplicate: the new name is taken. Forbidden: nobody could log in."""
    values = schemas.given(fields)
    for name in ("domain_id", "parent_id"):
        if name in values and values.pop(name) != getattr(row, name):
            raise errors.BadRequest("it cannot be changed", field=f"{fields.kind}.{name}")
    if row.id == model.DEFAULT_DOMAIN and not values.get("enabled", True):
        raise errors.Forbidden("The default domain cannot be disabled: nobody could log in to enable it again.")
    changed = model.Project(**(structs.asdict(row) | values))
    if changed.name != row.name:
        await _check_free(transaction, changed)
    if values:
        await store.update_project(transaction, row.id, **values)
    return changed


async def delete(transaction: Transaction, row: model.Project) -> None:
    """StillEnabled: a domain must be disabled first. Forbidden: the default domain; a project with others below it."""
    if row.id == model.DEFAULT_DOMAIN:
        raise errors.Forbidden("The default domain cannot be deleted.")
    if row.is_domain and row.enabled:
        raise identity_errors.StillEnabled
    if not row.is_domain and await store.has_children(transaction, row.id):
        raise errors.Forbidden(f"Cannot delete project {row.id}: it is not a leaf in the hierarchy.")
    await store.delete_project(transaction, row.id)


async def _check_free(transaction: Transaction, row: model.Project) -> None:
    if await store.project_named(transaction, row.name, row.domain_id, is_domain=row.is_domain):
        raise identity_errors.Duplicate("domain" if row.is_domain else "project", row.name)
