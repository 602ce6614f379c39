"""The door of the identity service: who the bearer of a token is, and what a new installation starts with."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.auth.rules import Rules
from boxship.core.db.database import Database, Transaction
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import live, model, store
from boxship.services.identity.live import bearers, passwords
from boxship.services.identity.operations import scopes


class TokenAuthenticator:
    """Validates the tokens of all requests (``core.auth.caller.Authenticator``)."""

    def __init__(self, database: Database, rules: Rules, identity: live.IdentityLive) -> None:
        self._database = database
        self._identity = identity
        self.rules = rules

    async def caller(self, token: str) -> Caller:
        """Unauthorized: not a valid token (any more)."""
        async with self._database.read() as transaction:
            bearer = await self._identity.bearer(transaction, token)
        return _caller(bearer.user, bearer.scope, self.rules, expires_at=bearer.payload.expires_at)


class Deputies:
    """Acts for users who are not there: with roles that they gave away once, as far as they still hold them."""

    def __init__(self) -> None:
        self._rules: Rules | None = None

    def open(self, rules: Rules) -> None:
        """Make the rules known, before the first use."""
        self._rules = rules

    async def caller(self, transaction: Transaction, user_id: str, project_id: str, roles: Collection[str]) -> Caller:
        """The user, acting in the project with those of ``roles`` (names in lower case) that the user holds there now.

        Unauthorized: user or project are gone or disabled, or the user holds none of the roles any more.
        """
        assert self._rules is not None, "open comes first"
        user = await store.user(transaction, user_id)
        if user is None:
            raise identity_errors.WrongCredentials
        await bearers.resident(transaction, user)
        scope = await scopes.checked(transaction, user, scopes.Scope("project", project_id))
        held = tuple(role for role in scope.roles if role.name.lower() in roles)
        if not held:
            raise identity_errors.WrongCredentials
        return _caller(user, replace(scope, roles=held), self._rules, expires_at=None)


def _caller(user: model.User, scope: scopes.Scope, rules: Rules, *, expires_at: datetime | None) -> Caller:
    return Caller(
        user_id=user.id,
        user_name=user.name,
        user_domain_id=user.domain_id,
        roles=frozenset(role.name.lower() for role in scope.roles),
        rules=rules,
        project_id=scope.target_id if scope.kind == "project" else None,
        project_name=scope.target.name if scope.target and scope.kind == "project" else None,
        project_domain_id=scope.domain.id if scope.domain else None,
        domain_id=scope.target_id if scope.kind == "domain" else None,
        system=scope.kind == "system",
        token_expires_at=expires_at,
    )


_ROLES = ("admin", "manager", "member", "reader", "service")
_IMPLIED = (("admin", "manager"), ("manager", "member"), ("member", "reader"))


async def bootstrap(transaction: Transaction, given: Mapping[str, str]) -> str:
    """Fill an empty database; the id of the project admin, or of the domain where an operator has done away with it.

    The domain Default; projects admin, service and demo; roles; the user admin with the role admin on the project admin and
    on the system, and the user demo with the role member on the project demo. ``given`` are their passwords by name.
    """
    await transaction.serialise("bootstrap")  # programs on several hosts may start at once on one database
    if await store.project(transaction, model.DEFAULT_DOMAIN, is_domain=True):
        found = await store.project_named(transaction, "admin", model.DEFAULT_DOMAIN)
        return found.id if found else model.DEFAULT_DOMAIN
    await store.insert_project(transaction, _project("Default", model.DEFAULT_DOMAIN, domain_id="", is_domain=True))
    projects = {name: uuid.uuid4().hex for name in ("admin", "service", "demo")}
    for name, id in projects.items():
        await store.insert_project(transaction, _project(name, id, domain_id=model.DEFAULT_DOMAIN, is_domain=False))
    roles = {name: uuid.uuid4().hex for name in _ROLES}
    for name, id in roles.items():
        await store.insert_role(transaction, model.Role(id=id, name=name, description=""))
    for prior, implied in _IMPLIED:
        await store.imply(transaction, roles[prior], roles[implied])
    for name, role in (("admin", "admin"), ("demo", "member")):
        user = _user(name, projects[name], passwords.hashed_now(given[name]))
        await store.insert_user(transaction, user)
        targets = [("project", projects[name])] + ([("system", "all")] if name == "admin" else [])
        for kind, target in targets:
            held = model.Assignment(user_id=user.id, kind=kind, target_id=target, role_id=roles[role])
            await store.assign(transaction, held)
    return projects["admin"]


def _project(name: str, id: str, *, domain_id: str, is_domain: bool) -> model.Project:
    return model.Project(
        id=id,
        name=name,
        domain_id=domain_id,
        parent_id=domain_id,
        is_domain=is_domain,
        enabled=True,
        description="",
        tags=[],
    )


def _user(name: str, project_id: str, password: str) -> model.User:
    return model.User(
        id=uuid.uuid4().hex,
        name=name,
        domain_id=model.DEFAULT_DOMAIN,
        enabled=True,
        description="",
        email=None,
        default_project_id=project_id,
        password=password,
        valid_after=clock.now(),
    )
