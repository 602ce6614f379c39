"""Who has which role where: on a project, a domain or the system."""

from __future__ import annotations

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
    """All assignments that match the query; with ``effective`` also the implied ones, with ``include_names`` names."""
    kind = "system" if query.one("scope.system") else None
    target = query.one("scope.project.id") or query.one("scope.domain.id")
    if target:
        kind = "project" if query.one("scope.project.id") else "domain"
    if query.one("group.id"):
        return []
    found = await store.assignments(transaction, user_id=query.one("user.id"), kind=kind, target_id=target)
    wide = query.flag("effective")
    rows = found if not wide else await _widened(transaction, found)
    wanted = query.one("role.id")
    chosen = [row for row in rows if wanted in {None, row.role_id}]
    names = await _names(transaction, chosen) if query.flag("include_names") else {}
    return [_shown(row, names, base_url) for row in chosen]


async def _widened(transaction: Transaction, rows: list[model.Assignment]) -> list[model.Assignment]:
    wide: dict[model.Assignment, None] = {}
    for row in rows:
        for role in await roles.effective(transaction, [row.role_id]):
            implied = model.Assignment(user_id=row.user_id, kind=row.kind, target_id=row.target_id, role_id=role.id)
            wide[implied] = None
    return list(wide)


async def _names(transaction: Transaction, rows: list[model.Assignment]) -> dict[str, schemas.Shown]:
    """Name and domain by id, of all users, targets and roles in the rows."""
    names: dict[str, schemas.Shown] = {
        id: {"name": role.name} for id, role in (await store.all_roles(transaction)).items()
    }
    domains: dict[str, str] = {}
    for row in rows:
        for id in {row.user_id, row.target_id} - names.keys():
            names[id] = await _name(transaction, id, domains)
    return names


async def _name(transaction: Transaction, id: str, domains: dict[str, str]) -> schemas.Shown:
    found = await store.user(transaction, id) or await store.project(transaction, id)
    if found is None:
        domain = await store.project(transaction, id, is_domain=True)
        return {"name": domain.name} if domain else {}
    if found.domain_id not in domains:
        home = await store.project(transaction, found.domain_id, is_domain=True)
        domains[found.domain_id] = home.name if home else found.domain_id
    return {"name": found.name, "domain": {"id": found.domain_id, "name": domains[found.domain_id]}}


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
