"""All SQL of the identity service. Every change advances the epoch, by which cached tokens know that they are stale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core import clock
from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.identity import model

_projects = sa.Table(
    "projects",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(64), nullable=False, index=True),
    sa.Column("domain_id", sa.String(64), nullable=False),
    sa.Column("parent_id", sa.String(64), nullable=False, index=True),
    sa.Column("is_domain", sa.Boolean, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("tags", types.Json(list[str]), nullable=False),
    sa.UniqueConstraint("domain_id", "name", "is_domain"),
)
_users = sa.Table(
    "users",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(255), nullable=False, index=True),
    sa.Column("domain_id", sa.String(64), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("email", sa.String(255)),
    sa.Column("default_project_id", sa.String(64)),
    sa.Column("password", sa.String(255)),
    sa.Column("valid_after", types.Moment, nullable=False),
    sa.UniqueConstraint("domain_id", "name"),
)
_roles = sa.Table(
    "roles",
    types.metadata,
    types.identifier(),
    sa.Column("name", sa.String(255), nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False),
)
_implied = sa.Table(
    "implied_roles",
    types.metadata,
    sa.Column("prior_id", sa.String(64), sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("implied_id", sa.String(64), sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)
_assignments = sa.Table(
    "role_assignments",
    types.metadata,
    sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("target_id", sa.String(64), primary_key=True, index=True),
    sa.Column("role_id", sa.String(64), sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)
_revoked = sa.Table(
    "revoked_tokens",
    types.metadata,
    sa.Column("audit_id", sa.String(32), primary_key=True),
    sa.Column("expires_at", types.Moment, nullable=False, index=True),
)
_epoch = sa.Table(
    "identity_epoch",
    types.metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Integer, nullable=False),
)

_read_epoch = sa.select(_epoch.c.value).where(_epoch.c.id == 1)

PROJECT_COLUMNS: listing.Columns = {
    name: _projects.c[name] for name in ("id", "name", "domain_id", "parent_id", "enabled", "is_domain")
}
USER_COLUMNS: listing.Columns = {name: _users.c[name] for name in ("id", "name", "domain_id", "enabled")}
ROLE_COLUMNS: listing.Columns = {name: _roles.c[name] for name in ("id", "name")}


async def epoch(transaction: Transaction) -> int:
    """The number of changes so far."""
    return int(await transaction.scalar(_read_epoch) or 0)


async def _changed(transaction: Transaction) -> None:
    if not await transaction.execute(_epoch.update().values(value=_epoch.c.value + 1)):
        await transaction.execute(_epoch.insert().values(id=1, value=1))


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
    await _changed(transaction)


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
    """The projects (or domains) that the user has a role on."""
    has_role = sa.select(_assignments.c.target_id).where(_assignments.c.user_id == user_id, _assignments.c.kind == kind)
    query = sa.select(_projects).where(_projects.c.id.in_(has_role), _projects.c.enabled.is_(True))
    return [model.Project(**row._mapping) for row in await transaction.rows(query.order_by(_projects.c.name))]


async def update_project(transaction: Transaction, id: str, **values: Any) -> None:
    """Write these columns of a project or domain."""
    await transaction.execute(_projects.update().where(_projects.c.id == id).values(**values))
    await _changed(transaction)


async def delete_project(transaction: Transaction, id: str) -> None:
    """The project or domain, with all assignments on it; of a domain also its users and projects."""
    inside = sa.select(_projects.c.id).where(_projects.c.domain_id == id)
    await transaction.execute(_assignments.delete().where(_assignments.c.target_id.in_(inside)))
    await transaction.execute(_assignments.delete().where(_assignments.c.target_id == id))
    residents = sa.select(_users.c.id).where(_users.c.domain_id == id)
    await transaction.execute(_assignments.delete().where(_assignments.c.user_id.in_(residents)))
    await transaction.execute(_users.delete().where(_users.c.domain_id == id))
    here = sa.or_(_projects.c.id == id, _projects.c.domain_id == id)
    gone = sa.select(_projects.c.id).where(here)
    await transaction.execute(
        _users.update().where(_users.c.default_project_id.in_(gone)).values(default_project_id=None)
    )
    await transaction.execute(_projects.delete().where(here))
    await _changed(transaction)


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
    await _changed(transaction)


async def user(transaction: Transaction, id: str) -> model.User | None:
    """The user with this id."""
    row = await transaction.row(sa.select(_users).where(_users.c.id == id))
    return model.User(**row._mapping) if row else None


async def user_named(transaction: Transaction, name: str, domain_id: str) -> model.User | None:
    """The user with this name in the domain."""
    row = await transaction.row(sa.select(_users).where(_users.c.name == name, _users.c.domain_id == domain_id))
    return model.User(**row._mapping) if row else None


async def users(
    transaction: Transaction, page: listing.Page, conditions: Sequence[sa.ColumnElement[bool]]
) -> list[model.User]:
    """A page of users."""
    rows = await listing.fetch(transaction, sa.select(_users).where(*conditions), page, USER_COLUMNS, key=_users.c.id)
    return [model.User(**row._mapping) for row in rows]


async def users_by_id(transaction: Transaction, ids: Iterable[str]) -> dict[str, model.User]:
    """Those users that there are."""
    return {row.id: model.User(**row._mapping) for row in await _by_id(transaction, _users, ids)}


async def update_user(transaction: Transaction, id: str, **values: Any) -> None:
    """Write these columns of a user."""
    await transaction.execute(_users.update().where(_users.c.id == id).values(**values))
    await _changed(transaction)


async def delete_user(transaction: Transaction, id: str) -> None:
    """The user with all assignments."""
    await transaction.execute(_assignments.delete().where(_assignments.c.user_id == id))
    await transaction.execute(_users.delete().where(_users.c.id == id))
    await _changed(transaction)


# Roles.


async def insert_role(transaction: Transaction, role: model.Role) -> None:
    """A new role."""
    await transaction.execute(_roles.insert().values(_values(role)))
    await _changed(transaction)


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
    await _changed(transaction)


async def delete_role(transaction: Transaction, id: str) -> None:
    """The role with its assignments and implications."""
    await transaction.execute(_assignments.delete().where(_assignments.c.role_id == id))
    await transaction.execute(_implied.delete().where(sa.or_(_implied.c.prior_id == id, _implied.c.implied_id == id)))
    await transaction.execute(_roles.delete().where(_roles.c.id == id))
    await _changed(transaction)


async def imply(transaction: Transaction, prior_id: str, implied_id: str) -> None:
    """Who has the prior role has the implied one too."""
    await transaction.execute(_implied.insert().values(prior_id=prior_id, implied_id=implied_id))
    await _changed(transaction)


async def implications(transaction: Transaction) -> list[tuple[str, str]]:
    """All pairs of prior and implied role."""
    return [(row.prior_id, row.implied_id) for row in await transaction.rows(sa.select(_implied))]


# Assignments.


async def assignments(transaction: Transaction, **equal: str | None) -> list[model.Assignment]:
    """Those whose columns have the given values, by user, target and role; None does not count."""
    query = sa.select(_assignments).where(*[_assignments.c[name] == value for name, value in equal.items() if value])
    rows = await transaction.rows(query.order_by(*_assignments.primary_key.columns))
    return [model.Assignment(**row._mapping) for row in rows]


async def assign(transaction: Transaction, assignment: model.Assignment) -> None:
    """Repeatable, also at the same time."""
    await transaction.serialise(f"assignments:{assignment.user_id}")
    if assignment not in await assignments(transaction, **_values(assignment)):
        await transaction.execute(_assignments.insert().values(_values(assignment)))
        await _changed(transaction)


async def unassign(transaction: Transaction, assignment: model.Assignment) -> bool:
    """Whether there was such an assignment."""
    equal = [_assignments.c[name] == value for name, value in _values(assignment).items()]
    gone = await transaction.execute(_assignments.delete().where(*equal))
    await _changed(transaction)
    return bool(gone)


# Tokens.


async def revoke(transaction: Transaction, audit_id: str, expires_at: datetime) -> None:
    """Remember until it would have expired; what has expired is forgotten. Repeatable, also at the same time."""
    await transaction.serialise(f"token:{audit_id}")
    await transaction.execute(_revoked.delete().where(_revoked.c.expires_at < clock.now()))
    if not await is_revoked(transaction, audit_id):
        await transaction.execute(_revoked.insert().values(audit_id=audit_id, expires_at=expires_at))
    await _changed(transaction)


async def is_revoked(transaction: Transaction, audit_id: str) -> bool:
    """Whether the token with this audit id was revoked."""
    return await transaction.row(sa.select(_revoked.c.audit_id).where(_revoked.c.audit_id == audit_id)) is not None
