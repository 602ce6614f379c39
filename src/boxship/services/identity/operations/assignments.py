"""Who has which role where: on a project, a domain or the system."""

from __future__ import annotations

from msgspec import structs

from boxship.core.db.database import Transaction
from boxship.core.http.call import Query
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, schemas, store
from boxship.services.identity.operations import projects, roles, users


async def grant(transaction: Transaction, assignment: model.Assignment) -> None:
    """Give the role. ResourceNotFound: user, target or role."""
    await _check_exists(transaction, assignment)
    await store.assign(transaction, assignment)


async def check(transaction: Transaction, assignment: model.Assignment) -> None:
    """AssignmentNotFound: the user does not have the role there."""
    await _check_exists(transaction, assignment)
    if assignment not in await store.assignments(transaction, user_id=assignment.user_id):
        raise identity_errors.AssignmentNotFound


async def revoke(transaction: Transaction, assignment: model.Assignment) -> None:
    """AssignmentNotFound: the user does not have the role there."""
    await _check_exists(transaction, assignment)
    if not await store.unassign(transaction, assignment):
        raise identity_errors.AssignmentNotFound


async def granted(transaction: Transaction, user_id: str, kind: str, target_id: str) -> list[model.Role]:
    """The roles of a user on a target, without implied ones."""
    known = await store.all_roles(transaction)
    found = await store.assignments(transaction, user_id=user_id, kind=kind, target_id=target_id)
    return [known[assignment.role_id] for assignment in found]


async def _check_exists(transaction: Transaction, assignment: model.Assignment) -> None:
    await users.find(transaction, assignment.user_id)
    await roles.find(transaction, assignment.role_id)
    if assignment.kind != "system":
        await projects.find(transaction, assignment.target_id, is_domain=assignment.kind == "domain")


async def held(transaction: Transaction, *, user_id: str, kind: str) -> list[model.Assignment]:
    """What a user holds on targets of a kind."""
    return await store.assignments(transaction, user_id=user_id, kind=kind)


async def show_all(transaction: Transaction, query: Query, base_url: str) -> list[schemas.Shown]:
    """All assignments that match the query; with ``effective`` also the implied ones, with ``include_names`` names.

    Nothing is assigned to groups, or inherited.
    """
    kind = "system" if query.one("scope.system") else None
    target = query.one("scope.project.id") or query.one("scope.domain.id")
    if target:
        kind = "project" if query.one("scope.project.id") else "domain"
    if query.one("group.id") or query.one("scope.OS-INHERIT:inherited_to"):
        return []
    found = await store.assignments(transaction, user_id=query.one("user.id"), kind=kind, target_id=target)
    rows = await _widened(transaction, found) if query.flag("effective") else found
    wanted = query.one("role.id")
    chosen = [row for row in rows if wanted in {None, row.role_id}]
    names = await _names(transaction, chosen) if query.flag("include_names") else {}
    return [_shown(row, names, base_url) for row in chosen]


async def _widened(transaction: Transaction, rows: list[model.Assignment]) -> list[model.Assignment]:
    """The rows, and those that they imply."""
    _, implied = await roles.implied_by(transaction)
    wide = {structs.replace(row, role_id=id): None for row in rows for id in sorted(implied(row.role_id))}
    return list(wide)


async def _names(transaction: Transaction, rows: list[model.Assignment]) -> dict[str, schemas.Shown]:
    """Name and domain by id, of all users, targets and roles in the rows."""
    users_there = await store.users_by_id(transaction, {row.user_id for row in rows})
    targets = await store.projects_by_id(transaction, {row.target_id for row in rows})
    residents: list[model.User | model.Project] = [*users_there.values(), *targets.values()]
    domains = await store.projects_by_id(transaction, {resident.domain_id for resident in residents})
    names: dict[str, schemas.Shown] = {
        id: {"name": role.name} for id, role in (await store.all_roles(transaction)).items()
    }
    for resident in residents:
        home = domains.get(resident.domain_id)
        domain = {"domain": {"id": home.id, "name": home.name}} if home else {}
        names[resident.id] = {"name": resident.name} | domain
    return names


def _shown(row: model.Assignment, names: dict[str, schemas.Shown], base_url: str) -> schemas.Shown:
    scope: schemas.Shown = (
        {"all": True} if row.kind == "system" else {"id": row.target_id} | names.get(row.target_id, {})
    )
    where = "system" if row.kind == "system" else f"{row.kind}s/{row.target_id}"
    return {
        "role": {"id": row.role_id} | names.get(row.role_id, {}),
        "user": {"id": row.user_id} | names.get(row.user_id, {}),
        "scope": {row.kind: scope},
        "links": {"assignment": f"{base_url}/v3/{where}/users/{row.user_id}/roles/{row.role_id}"},
    }
