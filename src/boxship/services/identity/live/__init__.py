"""Logging in and everything else that needs keys, or the time of a password's hash: outside of transactions, but for
short ones of its own. Nothing of it is stored but hashes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from boxship.config import Settings
from boxship.core import clock, errors
from boxship.core.db.database import Transaction
from boxship.core.http.call import Call
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, schemas, store
from boxship.services.identity.live import tokens
from boxship.services.identity.live.catalog import Catalog
from boxship.services.identity.live.passwords import Passwords
from boxship.services.identity.operations import scopes, users


class IdentityLive:
    """Issues and reads tokens, changes passwords."""

    def __init__(self, settings: Settings, keys: tokens.Keys, catalog: Catalog) -> None:
        self._lifetime = timedelta(seconds=settings.token_lifetime)
        self._keys = keys
        self._passwords = Passwords()
        self.catalog = catalog

    async def issue(self, call: Call[Any]) -> tuple[str, schemas.Shown]:
        """A new token for what the body proves and asks for: its text and what it says.

        WrongCredentials: not proven, or no role where one wants to act.
        """
        request = call.read(schemas.AuthBody).auth
        user, before = await self._proven(call, request.identity)
        async with call.database.read() as transaction:
            within = scopes.Scope(before.scope, before.target_id) if before else None
            scope = await scopes.requested(transaction, user, request.scope, within)
            now = clock.now()
            expires = min(now + self._lifetime, before.expires_at) if before else now + self._lifetime
            payload = tokens.Payload(
                version=1,
                user_id=user.id,
                methods=sorted(set(request.identity.methods) | set(before.methods if before else ())),
                scope=scope.kind,
                target_id=scope.target_id,
                issued=now.timestamp(),
                expires=expires.timestamp(),
                audit_id=tokens.new_audit_id(),
            )
            shown = await self._shown(transaction, payload, with_catalog=not call.query.flag("nocatalog"))
        return self._keys.seal(payload), shown

    async def _proven(
        self, call: Call[Any], identity: schemas.IdentityRequest
    ) -> tuple[model.User, tokens.Payload | None]:
        """Whoever the request proves to be, and the token that proved it, if one did."""
        user, before = None, None
        if "password" in identity.methods:
            if identity.password is None:
                raise errors.BadRequest("this field is required", field="auth.identity.password")
            user = await self._by_password(call, identity.password.user)
        if "token" in identity.methods:
            if identity.token is None:
                raise errors.BadRequest("this field is required", field="auth.identity.token")
            async with call.database.read() as transaction:
                by_token, before, _ = await self.validated(transaction, identity.token.id)
            if user is not None and user.id != by_token.id:
                raise identity_errors.WrongCredentials
            user = by_token
        assert user is not None, "there is at least one method"
        return user, before

    async def _by_password(self, call: Call[Any], given: schemas.UserReference) -> model.User:
        async with call.database.read() as transaction:
            user = await _user(transaction, given)
            domain = await store.project(transaction, user.domain_id, is_domain=True) if user else None
        subject = user.id if user else f"{given.id}/{given.name}"
        await self._passwords.check(subject, user.password if user else None, given.password)
        if user is None or not user.enabled or domain is None or not domain.enabled:
            raise identity_errors.WrongCredentials
        return user

    async def validated(self, transaction: Transaction, token: str) -> tuple[model.User, tokens.Payload, scopes.Scope]:
        """Who the token is of and where it is good. WrongCredentials: it is not good (any more)."""
        try:
            payload = self._keys.open(token)
        except identity_errors.TokenNotFound as error:
            raise identity_errors.WrongCredentials from error
        user = await store.user(transaction, payload.user_id)
        now = clock.now()
        if user is None or not user.enabled or payload.expires_at <= now or payload.issued_at < user.valid_after:
            raise identity_errors.WrongCredentials
        if await store.is_revoked(transaction, payload.audit_id):
            raise identity_errors.WrongCredentials
        scope = await scopes.checked(transaction, user, scopes.Scope(payload.scope, payload.target_id))
        return user, payload, scope

    async def show(self, call: Call[Any]) -> schemas.Shown:
        """What the token in X-Subject-Token says. TokenNotFound: it is not good; of others only where policy allows."""
        async with call.database.read() as transaction:
            payload = await self._subject(call, transaction)
            return await self._shown(transaction, payload, with_catalog=not call.query.flag("nocatalog"))

    async def revoke(self, call: Call[Any]) -> None:
        """End the token in X-Subject-Token."""
        async with call.database.write() as transaction:
            payload = await self._subject(call, transaction)
            await store.revoke(transaction, payload.audit_id, payload.expires_at)

    async def _subject(self, call: Call[Any], transaction: Transaction) -> tokens.Payload:
        subject = call.headers.get("x-subject-token")
        if not subject:
            raise errors.BadRequest("this header is required", field="X-Subject-Token")
        try:
            user, payload, _ = await self.validated(transaction, subject)
        except identity_errors.WrongCredentials as error:
            raise identity_errors.TokenNotFound from error
        if user.id != call.caller.user_id:
            call.caller.require("identity:validate_any_token")
        return payload

    async def _shown(self, transaction: Transaction, payload: tokens.Payload, *, with_catalog: bool) -> schemas.Shown:
        user = await users.find(transaction, payload.user_id)
        scope = await scopes.checked(transaction, user, scopes.Scope(payload.scope, payload.target_id))
        shown = await scopes.token_body(transaction, user, scope)
        shown |= {
            "methods": payload.methods,
            "audit_ids": [payload.audit_id],
            "issued_at": schemas.moment(payload.issued_at),
            "expires_at": schemas.moment(payload.expires_at),
        }
        if with_catalog and scope.kind:
            shown["catalog"] = self.catalog.of(payload.target_id if payload.scope == "project" else None)
        return {"token": shown}

    # Passwords of users.

    async def create_user(self, call: Call[Any]) -> model.User:
        """A user with the hash of its password."""
        fields = call.read(schemas.UserBody).user
        hashed = await self._hashed(fields)
        async with call.database.write() as transaction:
            return await users.create(transaction, fields, hashed)

    async def update_user(self, call: Call[Any]) -> model.User:
        """Change a user; a new password ends its tokens."""
        fields = call.read(schemas.UserBody).user
        hashed = await self._hashed(fields)
        async with call.database.write() as transaction:
            row = await users.find(transaction, call.parameters["user"])
            return await users.update(transaction, row, fields, hashed)

    async def _hashed(self, fields: schemas.UserFields) -> str | None:
        return await self._passwords.hashed(fields.password) if isinstance(fields.password, str) else None

    async def change_password(self, call: Call[Any]) -> None:
        """One's own, with the old one. WrongCredentials: that is not it."""
        fields = call.read(schemas.PasswordBody).user
        async with call.database.read() as transaction:
            row = await users.find(transaction, call.parameters["user"])
        await self._passwords.check(row.id, row.password, fields.original_password)
        hashed = await self._passwords.hashed(fields.password)
        async with call.database.write() as transaction:
            await store.update_user(transaction, row.id, password=hashed, valid_after=clock.now())


async def _user(transaction: Transaction, given: schemas.UserReference) -> model.User | None:
    if given.id:
        return await store.user(transaction, given.id)
    if not given.name:
        raise errors.BadRequest("either id or name is required", field="auth.identity.password.user")
    domain_id = await scopes.domain_id(transaction, given.domain, "auth.identity.password.user.domain")
    return await store.user_named(transaction, given.name, domain_id) if domain_id else None
