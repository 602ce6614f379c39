"""Roles, and which role implies which."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from boxship.core import errors
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, operations, schemas, store

_PROTECTED = "admin"
"""The role without which nobody could mend anything any more."""


async def find(transaction: Transaction, id: str) -> model.Role:
    """ResourceNotFound: no role with this id."""
    found = await store.role(transaction, id)
    if found is None:
        raise identity_errors.ResourceNotFound("role", id)
    return found


async def show_all(transaction: Transaction, query: Query) -> list[model.Role]:
    """A page of roles."""
    if query.one("domain_id"):
        return []
    page = listing.page(query, store.ROLE_COLUMNS, default_sort="name", most=operations.MOST)
    return await store.roles(transaction, page, listing.filters(query, store.ROLE_COLUMNS))


async def create(transaction: Transaction, fields: schemas.RoleFields) -> model.Role:
    """Duplicate: the name is taken."""
    if not isinstance(fields.name, str):
        raise errors.BadRequest("this field is required", field="role.name")
    values = schemas.given(fields)
    row = model.Role(id=uuid.uuid4().hex, name=fields.name, description=values.get("description", ""))
    await _check_free(transaction, row.name)
    await store.insert_role(transaction, row)
    return row


async def update(transaction: Transaction, row: model.Role, fields: schemas.RoleFields) -> model.Role:
    """Forbidden: the name of the role admin."""
    values = schemas.given(fields)
    values.pop("domain_id", None)
    if values.get("name", row.name) != row.name:
        _check_protected(row)
        await _check_free(transaction, values["name"])
    if values:
        await store.update_role(transaction, row.id, **values)
    return await find(transaction, row.id)


async def delete(transaction: Transaction, row: model.Role) -> None:
    """Forbidden: the role admin."""
    _check_protected(row)
    await store.delete_role(transaction, row.id)


def _check_protected(row: model.Role) -> None:
    if row.name == _PROTECTED:
        raise errors.Forbidden("The role admin can be neither renamed nor deleted.")


async def _check_free(transaction: Transaction, name: str) -> None:
    if any(role.name == name for role in (await store.all_roles(transaction)).values()):
        raise identity_errors.Duplicate("role", name)


async def effective(transaction: Transaction, ids: Iterable[str]) -> list[model.Role]:
    """These roles and all that they imply, by name."""
    known, implied = await implied_by(transaction)
    reached = {reached for id in ids for reached in implied(id)}
    return sorted((known[id] for id in reached if id in known), key=lambda role: role.name)


async def implied_by(transaction: Transaction) -> tuple[dict[str, model.Role], Callable[[str], set[str]]]:
    """All roles by id, and what tells the ids that one of them stands for: its own, and all that it implies."""
    pairs = await store.implications(transaction)

    def reached(id: str) -> set[str]:
        found, fresh = {id}, {id}
        while fresh:
            fresh = {implied for prior, implied in pairs if prior in fresh} - found
            found |= fresh
        return found

    return await store.all_roles(transaction), reached


async def inferences(transaction: Transaction) -> list[schemas.Shown]:
    """Which role implies which, as Keystone lists it."""
    known = await store.all_roles(transaction)
    implied: dict[str, list[schemas.Shown]] = {}
    for prior, follows in await store.implications(transaction):
        implied.setdefault(prior, []).append({"id": follows, "name": known[follows].name})
    return [
        {"prior_role": {"id": prior, "name": known[prior].name}, "implies": rows} for prior, rows in implied.items()
    ]
