"""Groups and their members: what a group may do, each of its members may."""

from __future__ import annotations

import uuid

from msgspec import structs

from boxship.core import errors
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, operations, schemas, store
from boxship.services.identity.operations import projects, users


async def find(transaction: Transaction, id: str) -> model.Group:
    """ResourceNotFound: no group with this id."""
    found = await store.group(transaction, id)
    if found is None:
        raise identity_errors.ResourceNotFound("group", id)
    return found


async def show_all(transaction: Transaction, query: Query, *, of_user: str | None = None) -> list[model.Group]:
    """A page of groups, or of those of a user. ResourceNotFound: the user."""
    if of_user is not None:
        await users.find(transaction, of_user)
    page = listing.page(query, store.GROUP_COLUMNS, default_sort="name", most=operations.MOST)
    conditions = listing.filters(query, store.GROUP_COLUMNS)
    return await store.groups(transaction, page, conditions, of_user=of_user)


async def create(transaction: Transaction, fields: schemas.GroupFields) -> model.Group:
    """Duplicate: the name is taken in the domain. ResourceNotFound: the domain."""
    values = schemas.given(fields)
    if not isinstance(fields.name, str):
        raise errors.BadRequest("this field is required", field="group.name")
    domain_id = values.get("domain_id") or model.DEFAULT_DOMAIN
    await projects.find(transaction, domain_id, is_domain=True)
    await _check_free(transaction, fields.name, domain_id)
    row = model.Group(
        id=uuid.uuid4().hex, name=fields.name, domain_id=domain_id, description=values.get("description", "")
    )
    await store.insert_group(transaction, row)
    return row


async def update(transaction: Transaction, row: model.Group, fields: schemas.GroupFields) -> model.Group:
    """BadRequest: the domain would change. Duplicate: the new name is taken."""
    values = schemas.given(fields)
    if values.pop("domain_id", row.domain_id) != row.domain_id:
        raise errors.BadRequest("it cannot be changed", field="group.domain_id")
    if values.get("name", row.name) != row.name:
        await _check_free(transaction, values["name"], row.domain_id)
    if values:
        await store.update_group(transaction, row.id, **values)
    return structs.replace(row, **values)


async def delete(transaction: Transaction, id: str) -> None:
    """The group and every role it has; its members stay users."""
    await find(transaction, id)
    await store.delete_group(transaction, id)


async def _check_free(transaction: Transaction, name: str, domain_id: str) -> None:
    if await store.group_named(transaction, name, domain_id):
        raise identity_errors.Duplicate("group", name)


async def members(transaction: Transaction, id: str, query: Query) -> list[model.User]:
    """A page of the members. ResourceNotFound: the group."""
    await find(transaction, id)
    return await users.show_all(transaction, query, in_group=id)


async def add(transaction: Transaction, id: str, user_id: str) -> None:
    """Make the user a member; nothing happens where it is one. ResourceNotFound: group or user."""
    await _check_exist(transaction, id, user_id)
    await store.add_member(transaction, id, user_id)


async def check(transaction: Transaction, id: str, user_id: str) -> None:
    """NotInGroup: the user is no member. ResourceNotFound: group or user."""
    await _check_exist(transaction, id, user_id)
    if not await store.memberships(transaction, group_id=id, user_id=user_id):
        raise identity_errors.NotInGroup(user_id, id)


async def remove(transaction: Transaction, id: str, user_id: str) -> None:
    """NotInGroup: the user is no member. ResourceNotFound: group or user."""
    await _check_exist(transaction, id, user_id)
    if not await store.remove_member(transaction, id, user_id):
        raise identity_errors.NotInGroup(user_id, id)


async def _check_exist(transaction: Transaction, id: str, user_id: str) -> None:
    await find(transaction, id)
    await users.find(transaction, user_id)
