"""Users. Passwords arrive here as hashes; making them takes time and is done before (``live``)."""

from __future__ import annotations

import uuid

from boxship.core import clock, errors
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, operations, schemas, store
from boxship.services.identity.operations import projects


async def find(transaction: Transaction, id: str) -> model.User:
    """ResourceNotFound: no user with this id."""
    found = await store.user(transaction, id)
    if found is None:
        raise identity_errors.ResourceNotFound("user", id)
    return found


async def show_all(transaction: Transaction, query: Query, *, in_group: str | None = None) -> list[model.User]:
    """A page of users, or of the members of a group."""
    page = listing.page(query, store.USER_COLUMNS, default_sort="name", most=operations.MOST)
    conditions = listing.filters(query, store.USER_COLUMNS)
    return await store.users(transaction, page, conditions, in_group=in_group)


async def create(transaction: Transaction, fields: schemas.UserFields, password: str | None) -> model.User:
    """``password`` is the hash. Duplicate: the name is taken. ResourceNotFound: domain or default project."""
    values = schemas.given(fields)
    if not isinstance(fields.name, str):
        raise errors.BadRequest("this field is required", field="user.name")
    domain_id = values.get("domain_id") or model.DEFAULT_DOMAIN
    await projects.find(transaction, domain_id, is_domain=True)
    if values.get("default_project_id"):
        await projects.find(transaction, values["default_project_id"])
    await _check_free(transaction, fields.name, domain_id)
    row = model.User(
        id=uuid.uuid4().hex,
        name=fields.name,
        domain_id=domain_id,
        enabled=values.get("enabled", True),
        description=values.get("description", ""),
        email=values.get("email"),
        default_project_id=values.get("default_project_id"),
        password=password,
        valid_after=clock.now(),
    )
    await store.insert_user(transaction, row)
    return row


async def update(
    transaction: Transaction, row: model.User, fields: schemas.UserFields, password: str | None
) -> model.User:
    """Change what is named. A new password (hash), and disabling, end all tokens of the user for good."""
    values = schemas.given(fields)
    if values.pop("domain_id", row.domain_id) != row.domain_id:
        raise errors.BadRequest("it cannot be changed", field="user.domain_id")
    if values.get("name", row.name) != row.name:
        await _check_free(transaction, values["name"], row.domain_id)
    if values.get("default_project_id"):
        await projects.find(transaction, values["default_project_id"])
    if "password" in values:
        values["password"] = password
    if "password" in values or (row.enabled and not values.get("enabled", True)):
        values["valid_after"] = clock.now()
    if values:
        await store.update_user(transaction, row.id, **values)
    return await find(transaction, row.id)


async def change_password(transaction: Transaction, seen: model.User, password: str) -> None:
    """A new hash, which ends all tokens. WrongCredentials: the password is not that of the user as ``seen`` any more."""
    row = await find(transaction, seen.id)
    if row.password != seen.password:
        raise identity_errors.WrongCredentials
    await store.update_user(transaction, row.id, password=password, valid_after=clock.now())


async def delete(transaction: Transaction, id: str) -> None:
    """The user, with every role and membership it has."""
    await find(transaction, id)
    await store.delete_user(transaction, id)


async def _check_free(transaction: Transaction, name: str, domain_id: str) -> None:
    if await store.user_named(transaction, name, domain_id):
        raise identity_errors.Duplicate("user", name)
