"""Who has which role where: a user or a group, on a project, a domain or the system."""

from __future__ import annotations

import msgspec
from msgspec import structs

from boxship.core import errors
from boxship.core.db.database import Transaction
from boxship.core.http.call import Query
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, schemas, store
from boxship.services.identity.operations import groups, projects, roles, users


async def grant(transaction: Transaction, wanted: model.Grant) -> None:
    """Give the role. ResourceNotFound: user, group, target or role."""
    await _check_exists(transaction, wanted)
    await store.assign(transaction, wanted)


async def check(transaction: Transaction, wanted: model.Grant) -> None:
    """AssignmentNotFound: the user, or group, does not have the role there; what a user has through groups does not count."""
    await _check_exists(transaction, wanted)
    if not await store.is_assigned(transaction, wanted):
        raise identity_errors.AssignmentNotFound


async def revoke(transaction: Transaction, wanted: model.Grant) -> None:
    """AssignmentNotFound: the user, or group, does not have the role there."""
    await _check_exists(transaction, wanted)
    if not await store.unassign(transaction, wanted):
        raise identity_errors.AssignmentNotFound


async def granted_to_user(transaction: Transaction, user_id: str, kind: str, target_id: str) -> list[model.Role]:
    """The roles of a user on a target, without implied ones and those through groups."""
    known = await store.all_roles(transaction)
    found = await store.assignments(transaction, user_id=user_id, kind=kind, target_id=target_id)
    return [known[assignment.role_id] for assignment in found]


async def granted_to_group(transaction: Transaction, group_id: str, kind: str, target_id: str) -> list[model.Role]:
    """The roles of a group on a target, without implied ones. ResourceNotFound: the group."""
    await groups.find(transaction, group_id)
    known = await store.all_roles(transaction)
    found = await store.group_assignments(transaction, group_id=group_id, kind=kind, target_id=target_id)
    return [known[assignment.role_id] for assignment in found]


async def _check_exists(transaction: Transaction, wanted: model.Grant) -> None:
    if isinstance(wanted, model.Assignment):
        await users.find(transaction, wanted.user_id)
    else:
        await groups.find(transaction, wanted.group_id)
    await roles.find(transaction, wanted.role_id)
    if wanted.kind != "system":
        await projects.find(transaction, wanted.target_id, is_domain=wanted.kind == "domain")


async def on_system(transaction: Transaction, user_id: str) -> bool:
    """Whether the user, or a group of the user, has a role on the system."""
    return bool(await store.roles_held(transaction, user_id, "system", "all"))


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the list: of a user, of a group, or (both) of a user as a member of a group."""

    user_id: str | None = None
    group_id: str | None = None
    kind: str
    target_id: str
    role_id: str


async def show_all(transaction: Transaction, query: Query, base_url: str) -> list[schemas.Shown]:
    """All assignments that match the query; with ``effective`` also the implied ones, and those of groups as their members';
    with ``include_names`` names. Nothing is inherited.

    BadRequest: it asks for a user and a group, or for the effective ones of a group, which has none.
    """
    if query.one("group.id") and query.one("user.id"):
        raise errors.BadRequest("Specify a user or group, not both", field="group.id")
    if query.one("group.id") and query.flag("effective"):
        sentence = "Combining effective and group filter will always result in an empty list."
        raise errors.BadRequest(sentence, field="group.id")
    if query.one("scope.OS-INHERIT:inherited_to"):
        return []
    rows = await _found(transaction, query)
    if query.flag("effective"):
        rows = await _widened(transaction, rows)
    wanted = query.one("role.id")
    chosen = [row for row in rows if wanted in {None, row.role_id}]
    names = await _names(transaction, chosen) if query.flag("include_names") else {}
    return [_shown(row, names, base_url) for row in chosen]


async def _found(transaction: Transaction, query: Query) -> list[_Row]:
    """Those of users, then those of groups."""
    kind = "system" if query.one("scope.system") else None
    target = query.one("scope.project.id") or query.one("scope.domain.id")
    if target:
        kind = "project" if query.one("scope.project.id") else "domain"
    user_id, group_id = query.one("user.id"), query.one("group.id")
    rows: list[_Row] = []
    if not group_id:
        held = await store.assignments(transaction, user_id=user_id, kind=kind, target_id=target)
        rows += [_Row(**structs.asdict(one)) for one in held]
    if user_id and not query.flag("effective"):
        return rows
    of_groups = await store.group_assignments(transaction, group_id=group_id, kind=kind, target_id=target)
    groups_rows = [_Row(**structs.asdict(one)) for one in of_groups]
    if not groups_rows or not query.flag("effective"):
        return rows + groups_rows
    members: dict[str, list[str]] = {}
    for group, member in await store.memberships(transaction, user_id=user_id):
        members.setdefault(group, []).append(member)
    return rows + [
        structs.replace(row, user_id=member) for row in groups_rows for member in members.get(row.group_id or "", ())
    ]


async def _widened(transaction: Transaction, rows: list[_Row]) -> list[_Row]:
    """The rows, and those that they imply."""
    _, implied = await roles.implied_by(transaction)
    wide = {structs.replace(row, role_id=id): None for row in rows for id in sorted(implied(row.role_id))}
    return list(wide)


async def _names(transaction: Transaction, rows: list[_Row]) -> dict[str, schemas.Shown]:
    """Name and domain by id, of all users, groups, targets and roles in the rows."""
    users_there = await store.users_by_id(transaction, {row.user_id for row in rows if row.user_id})
    groups_there = await store.groups_by_id(transaction, {row.group_id for row in rows if row.group_id})
    targets = await store.projects_by_id(transaction, {row.target_id for row in rows})
    residents: list[model.User | model.Group | model.Project] = [
        *users_there.values(),
        *groups_there.values(),
        *targets.values(),
    ]
    domains = await store.projects_by_id(transaction, {resident.domain_id for resident in residents})
    names: dict[str, schemas.Shown] = {
        id: {"name": role.name} for id, role in (await store.all_roles(transaction)).items()
    }
    for resident in residents:
        home = domains.get(resident.domain_id)
        domain = {"domain": {"id": home.id, "name": home.name}} if home else {}
        names[resident.id] = {"name": resident.name} | domain
    return names


def _shown(row: _Row, names: dict[str, schemas.Shown], base_url: str) -> schemas.Shown:
    scope: schemas.Shown = (
        {"all": True} if row.kind == "system" else {"id": row.target_id} | names.get(row.target_id, {})
    )
    where = "system" if row.kind == "system" else f"{row.kind}s/{row.target_id}"
    source = f"groups/{row.group_id}" if row.group_id else f"users/{row.user_id}"
    links = {"assignment": f"{base_url}/v3/{where}/{source}/roles/{row.role_id}"}
    if row.user_id and row.group_id:
        links["membership"] = f"{base_url}/v3/groups/{row.group_id}/users/{row.user_id}"
    kind, id = ("user", row.user_id) if row.user_id else ("group", str(row.group_id))
    return {
        "role": {"id": row.role_id} | names.get(row.role_id, {}),
        kind: {"id": id} | names.get(id, {}),
        "scope": {row.kind: scope},
        "links": links,
    }
