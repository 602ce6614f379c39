"""Where a user may act: a project, a domain, the system or nowhere yet; with which roles. Reads, never writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boxship.core import errors
from boxship.core.db.database import Transaction
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, schemas, store
from boxship.services.identity.operations import roles


@dataclass(frozen=True, slots=True)
class Scope:
    """``kind`` is project, domain, system or empty (unscoped); the rest is filled in by ``checked``."""

    kind: str
    target_id: str
    roles: tuple[model.Role, ...] = ()
    target: model.Project | None = None
    domain: model.Project | None = None


UNSCOPED = Scope("", "")


async def requested(
    transaction: Transaction, user: model.User, asked: schemas.ScopeRequest | Literal["unscoped"] | None
) -> Scope:
    """The scope that a request for a token names; without one the user's default project, if the user may act there.

    BadRequest: it names not exactly one. WrongCredentials: the user may not act there.
    """
    if asked == "unscoped":
        return UNSCOPED
    if asked is None:
        return await _default(transaction, user)
    named = [name for name in ("project", "domain", "system") if getattr(asked, name) is not None]
    if len(named) != 1:
        raise errors.BadRequest("name exactly one of project, domain and system", field="auth.scope")
    if asked.system is not None:
        if not asked.system.all:
            raise errors.BadRequest("it can only be true", field="auth.scope.system.all")
        return await checked(transaction, user, Scope("system", "all"))
    if asked.domain is not None:
        id = await domain_id(transaction, asked.domain, "auth.scope.domain")
        return await checked(transaction, user, Scope("domain", id or ""))
    assert asked.project is not None
    return await checked(transaction, user, Scope("project", await _project_id(transaction, asked.project)))


async def _default(transaction: Transaction, user: model.User) -> Scope:
    if user.default_project_id is None:
        return UNSCOPED
    try:
        return await checked(transaction, user, Scope("project", user.default_project_id))
    except identity_errors.WrongCredentials:
        return UNSCOPED


async def _project_id(transaction: Transaction, given: schemas.ProjectReference) -> str:
    if given.id:
        return given.id
    if not given.name:
        raise errors.BadRequest("either id or name is required", field="auth.scope.project")
    domain = await domain_id(transaction, given.domain, "auth.scope.project.domain")
    found = await store.project_named(transaction, given.name, domain) if domain else None
    return found.id if found else ""


async def domain_id(transaction: Transaction, given: schemas.DomainReference | None, field: str) -> str | None:
    """The id of a domain named by id or name; None where there is none. BadRequest: it is named by neither."""
    if given is None or not (given.id or given.name):
        raise errors.BadRequest("a domain is required, by id or name", field=field)
    if given.id:
        return given.id
    found = await store.project_named(transaction, given.name or "", "", is_domain=True)
    return found.id if found else None


async def checked(transaction: Transaction, user: model.User, scope: Scope) -> Scope:
    """The scope with target and roles. WrongCredentials: the target is disabled or gone, or the user has no role there."""
    if not scope.kind:
        return UNSCOPED
    target, domain = None, None
    if scope.kind != "system":
        target = await store.project(transaction, scope.target_id, is_domain=scope.kind == "domain")
        if target is None or not target.enabled:
            raise identity_errors.WrongCredentials
        if scope.kind == "project":
            domain = await store.project(transaction, target.domain_id, is_domain=True)
            if domain is None or not domain.enabled:
                raise identity_errors.WrongCredentials
    held = await store.roles_held(transaction, user.id, scope.kind, scope.target_id)
    if not held:
        raise identity_errors.WrongCredentials
    effective = await roles.effective(transaction, held)
    return Scope(scope.kind, scope.target_id, tuple(effective), target, domain)


def token_body(user: model.User, home: model.Project, scope: Scope) -> schemas.Shown:
    """User (of the domain ``home``), target and roles as a token shows them."""
    shown: schemas.Shown = {
        "user": {
            "id": user.id,
            "name": user.name,
            "domain": {"id": home.id, "name": home.name},
            "password_expires_at": None,
        }
    }
    if not scope.kind:
        return shown
    shown["roles"] = [{"id": role.id, "name": role.name} for role in scope.roles]
    if scope.kind == "system":
        return shown | {"system": {"all": True}}
    assert scope.target is not None
    target = {"id": scope.target.id, "name": scope.target.name}
    if scope.domain is None:
        return shown | {"domain": target}
    target_domain = {"id": scope.domain.id, "name": scope.domain.name}
    return shown | {"project": target | {"domain": target_domain}, "is_domain": False}
