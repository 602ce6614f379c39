"""All SQL of the identity service; here that of people. Every change advances the epoch, by which cached tokens know that
they are stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.identity import model
from boxship.services.identity.store import epochs, tables

_projects, _users, _roles, _implied = tables.projects, tables.users, tables.roles, tables.implied
_assignments, _revoked = tables.assignments, tables.revoked
_groups, _members, _group_assignments = tables.groups, tables.members, tables.group_assignments

PROJECT_COLUMNS: listing.Columns = {
    name: _projects.c[name] for name in ("id", "name", "domain_id", "parent_id", "enabled", "is_domain")
}
USER_COLUMNS: listing.Columns = {name: _users.c[name] for name in ("id", "name", "domain_id", "enabled")}
ROLE_COLUMNS: listing.Columns = {name: _roles.c[name] for name in ("id", "name")}
GROUP_COLUMNS: listing.Columns = {name: _groups.c[name] for name in ("id", "name", "domain_id")}


_values = msgspec.structs.asdict


async def _by_id(transaction: Transaction, table: sa.Table, ids: Iterable[str]) -> list[sa.Row[Any]]:
    """The rows with these ids, a thousand at a time, because databases bound the parameters of a query."""
    wanted, found = list(ids), list[sa.Row[Any]]()
    for at in range(0, len(wanted), 1000):
        found += await transaction.rows(sa.select(table).where(table.c.id.in_(wanted[at : at + 1000])))
    return found


# Projects and domains.


async def insert_project(transaction: Transaction, project: model.Project) -> None:
    """A new project or domain."""
    await transaction.execute(_projects.insert().values(_values(project)))
    await epochs.changed(transaction)


async def project(transaction: Transaction, id: str, *, is_domain: bool = False) -> model.Project | None:
    """The project (or domain) with this id."""
    row = await transaction.row(sa.select(_projects).where(_projects.c.id == id, _projects.c.is_domain == is_domain))
    return model.Project(**row._mapping) if row else None


async def project_named(
    transaction: Transaction, name: str, domain_id: str, *, is_domain: bool = False
) -> model.Project | None:
    """The project with this name in the domain; for a domain the domain's id is empty."""
    query = sa.select(_projects).where(
        _projects.c.name == name, _projects.c.domain_id == domain_id, _projects.c.is_domain == is_domain
    )
    row = await transaction.row(query)
    return model.Project(**row._mapping) if row else None


async def projects(
    transaction: Transaction, page: listing.Page, conditions: Sequence[sa.ColumnElement[bool]], *, is_domain: bool
) -> list[model.Project]:
    """A page of projects or of domains."""
    query = sa.select(_projects).where(_projects.c.is_domain == is_domain, *conditions)
    rows = await listing.fetch(transaction, query, page, PROJECT_COLUMNS, key=_projects.c.id)
    return [model.Project(**row._mapping) for row in rows]


async def projects_of(transaction: Transaction, user_id: str, kind: str) -> list[model.Project]:
    """The projects (or domains) that the user, or a group of the user, has a role on."""
    own = sa.select(_assignments.c.target_id).where(_assignments.c.user_id == user_id, _assignments.c.kind == kind)
    of_groups = sa.select(_group_assignments.c.target_id).where(
        _group_assignments.c.group_id.in_(_groups_of(user_id)), _group_assignments.c.kind == kind
    )
    reached = sa.or_(_projects.c.id.in_(own), _projects.c.id.in_(of_groups))
    query = sa.select(_projects).where(reached, _projects.c.enabled.is_(True))
    return [model.Project(**row._mapping) for row in await transaction.rows(query.order_by(_projects.c.name))]


async def update_project(transaction: Transaction, id: str, **values: Any) -> None:
    """Write these columns of a project or domain."""
    await transaction.execute(_projects.update().where(_projects.c.id == id).values(**values))
    await epochs.changed(transaction)


async def delete_project(transaction: Transaction, id: str) -> None:
    """The project or domain, with all assignments on it; of a domain also its users, groups and projects."""
    here = sa.or_(_projects.c.id == id, _projects.c.domain_id == id)
    gone = sa.select(_projects.c.id).where(here)
    for table in (_assignments, _group_assignments):
        await transaction.execute(table.delete().where(table.c.target_id.in_(gone)))
    await _delete_users(transaction, _users.c.domain_id == id)
    await _delete_groups(transaction, _groups.c.domain_id == id)
    await transaction.execute(
        _users.update().where(_users.c.default_project_id.in_(gone)).values(default_project_id=None)
    )
    await transaction.execute(_projects.delete().where(here))
    await epochs.changed(transaction)


async def has_children(transaction: Transaction, id: str) -> bool:
    """Whether the project has projects below it."""
    return await transaction.row(sa.select(_projects.c.id).where(_projects.c.parent_id == id).limit(1)) is not None


async def projects_by_id(transaction: Transaction, ids: Iterable[str]) -> dict[str, model.Project]:
    """Those projects and domains that there are."""
    rows = await _by_id(transaction, _projects, ids)
    return {row.id: model.Project(**row._mapping) for row in rows}


# Users.


async def insert_user(transaction: Transaction, user: model.User) -> None:
    """A new user."""
    await transaction.execute(_users.insert().values(_values(user)))
    await epochs.changed(transaction)


async def user(transaction: Transaction, id: str) -> model.User | None:
    """The user with this id."""
    row = await transaction.row(sa.select(_users).where(_users.c.id == id))
    return model.User(**row._mapping) if row else None


async def user_named(transaction: Transaction, name: str, domain_id: str) -> model.User | None:
    """The user with this name in the domain."""
    row = await transaction.row(sa.select(_users).where(_users.c.name == name, _users.c.domain_id == domain_id))
    return model.User(**row._mapping) if row else None


async def users(
    transaction: Transaction,
    page: listing.Page,
    conditions: Sequence[sa.ColumnElement[bool]],
    *,
    in_group: str | None = None,
) -> list[model.User]:
    """A page of users, or of the members of a group."""
    query = sa.select(_users).where(*conditions)
    if in_group is not None:
        query = query.where(_users.c.id.in_(sa.select(_members.c.user_id).where(_members.c.group_id == in_group)))
    rows = await listing.fetch(transaction, query, page, USER_COLUMNS, key=_users.c.id)
    return [model.User(**row._mapping) for row in rows]


async def users_by_id(transaction: Transaction, ids: Iterable[str]) -> dict[str, model.User]:
    """Those users that there are."""
    return {row.id: model.User(**row._mapping) for row in await _by_id(transaction, _users, ids)}


async def update_user(transaction: Transaction, id: str, **values: Any) -> None:
    """Write these columns of a user."""
    await transaction.execute(_users.update().where(_users.c.id == id).values(**values))
    await epochs.changed(transaction)


async def delete_user(transaction: Transaction, id: str) -> None:
    """The user with all assignments and memberships."""
    await _delete_users(transaction, _users.c.id == id)
    await epochs.changed(transaction)


async def _delete_users(transaction: Transaction, which: sa.ColumnElement[bool]) -> None:
    gone = sa.select(_users.c.id).where(which)
    for table in (_assignments, _members):
        await transaction.execute(table.delete().where(table.c.user_id.in_(gone)))
    await transaction.execute(_users.delete().where(which))


# Groups.


async def insert_group(transaction: Transaction, group: model.Group) -> None:
    """A new group."""
    await transaction.execute(_groups.insert().values(_values(group)))
    await epochs.changed(transaction)


async def group(transaction: Transaction, id: str) -> model.Group | None:
    """The group with this id."""
    row = await transaction.row(sa.select(_groups).where(_groups.c.id == id))
    return model.Group(**row._mapping) if row else None


async def group_named(transaction: Transaction, name: str, domain_id: str) -> model.Group | None:
    """The group with this name in the domain."""
    row = await transaction.row(sa.select(_groups).where(_groups.c.name == name, _groups.c.domain_id == domain_id))
    return model.Group(**row._mapping) if row else None


async def groups(
    transaction: Transaction,
    page: listing.Page,
    conditions: Sequence[sa.ColumnElement[bool]],
    *,
    of_user: str | None = None,
) -> list[model.Group]:
    """A page of groups, or of those of a user."""
    query = sa.select(_groups).where(*conditions)
    if of_user is not None:
        query = query.where(_groups.c.id.in_(_groups_of(of_user)))
    rows = await listing.fetch(transaction, query, page, GROUP_COLUMNS, key=_groups.c.id)
    return [model.Group(**row._mapping) for row in rows]


async def groups_by_id(transaction: Transaction, ids: Iterable[str]) -> dict[str, model.Group]:
    """Those groups that there are."""
    return {row.id: model.Group(**row._mapping) for row in await _by_id(transaction, _groups, ids)}


async def update_group(transaction: Transaction, id: str, **values: Any) -> None:
    """Write these columns of a group."""
    await transaction.execute(_groups.update().where(_groups.c.id == id).values(**values))
    await epochs.changed(transaction)


async def delete_group(transaction: Transaction, id: str) -> None:
    """The group with all assignments; its members stay."""
    await _delete_groups(transaction, _groups.c.id == id)
    await epochs.changed(transaction)


async def _delete_groups(transaction: Transaction, which: sa.ColumnElement[bool]) -> None:
    gone = sa.select(_groups.c.id).where(which)
    for table in (_group_assignments, _members):
        await transaction.execute(table.delete().where(table.c.group_id.in_(gone)))
    await transaction.execute(_groups.delete().where(which))


def _groups_of(user_id: str) -> sa.Select[tuple[str]]:
    return sa.select(_members.c.group_id).where(_members.c.user_id == user_id)


async def memberships(transaction: Transaction, **equal: str | None) -> list[tuple[str, str]]:
    """Pairs of group and user, of this ``group_id`` or ``user_id``; None does not count."""
    query = sa.select(_members).where(*[_members.c[name] == value for name, value in equal.items() if value])
    rows = await transaction.rows(query.order_by(_members.c.group_id, _members.c.user_id))
    return [(row.group_id, row.user_id) for row in rows]


async def add_member(transaction: Transaction, group_id: str, user_id: str) -> None:
    """Repeatable, also at the same time."""
    await transaction.serialise(f"assignments:{user_id}")
    if not await memberships(transaction, group_id=group_id, user_id=user_id):
        await transaction.execute(_members.insert().values(group_id=group_id, user_id=user_id))
        await epochs.changed(transaction)


async def remove_member(transaction: Transaction, group_id: str, user_id: str) -> bool:
    """Whether the user was a member."""
    both = _members.c.group_id == group_id, _members.c.user_id == user_id
    gone = await transaction.execute(_members.delete().where(*both))
    await epochs.changed(transaction)
    return bool(gone)


# Roles.


async def insert_role(transaction: Transaction, role: model.Role) -> None:
    """A new role."""
    await transaction.execute(_roles.insert().values(_values(role)))
    await epochs.changed(transaction)


async def role(transaction: Transaction, id: str) -> model.Role | None:
    """The role with this id."""
    row = await transaction.row(sa.select(_roles).where(_roles.c.id == id))
    return model.Role(**row._mapping) if row else None


async def roles(
    transaction: Transaction, page: listing.Page, conditions: Sequence[sa.ColumnElement[bool]]
) -> list[model.Role]:
    """A page of roles."""
    rows = await listing.fetch(transaction, sa.select(_roles).where(*conditions), page, ROLE_COLUMNS, key=_roles.c.id)
    return [model.Role(**row._mapping) for row in rows]


async def all_roles(transaction: Transaction) -> dict[str, model.Role]:
    """Every role by id; there are few."""
    return {row.id: model.Role(**row._mapping) for row in await transaction.rows(sa.select(_roles))}


async def update_role(transaction: Transaction, id: str, **values: Any) -> None:
    """Write these columns of a role."""
    await transaction.execute(_roles.update().where(_roles.c.id == id).values(**values))
    await epochs.changed(transaction)


async def delete_role(transaction: Transaction, id: str) -> None:
    """The role with its assignments and implications."""
    for table in (_assignments, _group_assignments):
        await transaction.execute(table.delete().where(table.c.role_id == id))
    await transaction.execute(_implied.delete().where(sa.or_(_implied.c.prior_id == id, _implied.c.implied_id == id)))
    await transaction.execute(_roles.delete().where(_roles.c.id == id))
    await epochs.changed(transaction)


async def imply(transaction: Transaction, prior_id: str, implied_id: str) -> None:
    """Who has the prior role has the implied one too."""
    await transaction.execute(_implied.insert().values(prior_id=prior_id, implied_id=implied_id))
    await epochs.changed(transaction)


async def implications(transaction: Transaction) -> list[tuple[str, str]]:
    """All pairs of prior and implied role."""
    return [(row.prior_id, row.implied_id) for row in await transaction.rows(sa.select(_implied))]


# Assignments.


async def assignments(transaction: Transaction, **equal: str | None) -> list[model.Assignment]:
    """Those of users whose columns have the given values, by user, target and role; None does not count."""
    return [model.Assignment(**row._mapping) for row in await _assigned(transaction, _assignments, equal)]


async def group_assignments(transaction: Transaction, **equal: str | None) -> list[model.GroupAssignment]:
    """The same of groups."""
    return [model.GroupAssignment(**row._mapping) for row in await _assigned(transaction, _group_assignments, equal)]


async def _assigned(
    transaction: Transaction, table: sa.Table, equal: Mapping[str, str | None]
) -> Sequence[sa.Row[Any]]:
    query = sa.select(table).where(*[table.c[name] == value for name, value in equal.items() if value])
    return await transaction.rows(query.order_by(*table.primary_key.columns))


async def roles_held(transaction: Transaction, user_id: str, kind: str, target_id: str) -> list[str]:
    """The ids of the roles that the user has on the target, by itself or as a member of groups; without implied ones."""
    own, theirs = _assignments.c, _group_assignments.c
    held = sa.select(own.role_id).where(own.user_id == user_id, own.kind == kind, own.target_id == target_id)
    through = sa.select(theirs.role_id).where(
        theirs.group_id.in_(_groups_of(user_id)), theirs.kind == kind, theirs.target_id == target_id
    )
    return [row.role_id for row in await transaction.rows(held.union(through))]


async def is_assigned(transaction: Transaction, grant: model.Grant) -> bool:
    """Whether there is such an assignment."""
    return bool(await _assigned(transaction, _table(grant), _values(grant)))


async def assign(transaction: Transaction, grant: model.Grant) -> None:
    """Repeatable, also at the same time."""
    actor = grant.user_id if isinstance(grant, model.Assignment) else grant.group_id
    await transaction.serialise(f"assignments:{actor}")
    if not await is_assigned(transaction, grant):
        await transaction.execute(_table(grant).insert().values(_values(grant)))
        await epochs.changed(transaction)


async def unassign(transaction: Transaction, grant: model.Grant) -> bool:
    """Whether there was such an assignment."""
    table = _table(grant)
    equal = [table.c[name] == value for name, value in _values(grant).items()]
    gone = await transaction.execute(table.delete().where(*equal))
    await epochs.changed(transaction)
    return bool(gone)


def _table(grant: model.Grant) -> sa.Table:
    return _assignments if isinstance(grant, model.Assignment) else _group_assignments


# Tokens.


async def revoke(transaction: Transaction, audit_id: str, expires_at: datetime) -> None:
    """Remember until it would have expired; what has expired is forgotten. Repeatable, also at the same time."""
    await transaction.serialise(f"token:{audit_id}")
    await transaction.execute(_revoked.delete().where(_revoked.c.expires_at < clock.now()))
    if not await is_revoked(transaction, audit_id):
        await transaction.execute(_revoked.insert().values(audit_id=audit_id, expires_at=expires_at))
    await epochs.changed(transaction)


async def is_revoked(transaction: Transaction, audit_id: str) -> bool:
    """Whether the token with this audit id was revoked."""
    return await transaction.row(sa.select(_revoked.c.audit_id).where(_revoked.c.audit_id == audit_id)) is not None
