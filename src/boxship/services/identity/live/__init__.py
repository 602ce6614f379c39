"""Logging in and everything else that needs keys, or the time of a password's hash: outside of transactions, but for
short ones of its own. Nothing of it is stored but hashes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from boxship.config import Settings
from boxship.core import clock, errors
from boxship.core.db.database import Transaction
from boxship.core.http.call import Call
from boxship.services.identity import errors as identity_errors
from boxship.services.identity import model, schemas, store
from boxship.services.identity.live import bearers, tokens
from boxship.services.identity.live.catalog import Catalog
from boxship.services.identity.live.passwords import Passwords
from boxship.services.identity.operations import scopes, users
from boxship.services.identity.store import epochs


class IdentityLive:
    """Issues and reads tokens, changes passwords."""

    def __init__(self, settings: Settings, keys: tokens.Keys, catalog: Catalog) -> None:
        self._lifetime = timedelta(seconds=settings.token_lifetime)
        self._keys = keys
        self._bearers = bearers.Bearers(keys)
        self._passwords = Passwords()
        self.catalog = catalog

    async def bearer(self, transaction: Transaction, token: str) -> bearers.Bearer:
        """Who bears the token. WrongCredentials: it is not good (any more)."""
        return await self._bearers.of(transaction, token)

    # Tokens.

    async def issue(self, call: Call[Any]) -> tuple[str, schemas.Shown]:
        """A new token for what the body proves and asks for: its text and what it says.

        WrongCredentials: not proven, or no role where one wants to act.
        """
        request = call.read(schemas.AuthBody).auth
        by_password = await self._by_password(call, request.identity)
        async with call.database.read() as transaction:
            before = await self._by_token(transaction, request.identity)
            user = before.user if before else by_password
            if user is None or (by_password and user.id != by_password.id):
                raise identity_errors.WrongCredentials
            scope = await scopes.requested(transaction, user, request.scope)
            home = await bearers.resident(transaction, user)
            payload = self._payload(
                by_password or user, scope, request.identity.methods, before.payload if before else None
            )
            epoch = await epochs.epoch(transaction)
            shown = await self._shown(call, transaction, bearers.Bearer(epoch, payload, user, home, scope))
        return self._keys.seal(payload), shown

    def _payload(
        self, user: model.User, scope: scopes.Scope, methods: Iterable[str], before: tokens.Payload | None
    ) -> tokens.Payload:
        """``before`` is the token that the new one is made from, and which it never outlives."""
        now = clock.now()
        expires = (now + self._lifetime).timestamp()
        return tokens.Payload(
            version=tokens.VERSION,
            user_id=user.id,
            methods=sorted(set(methods) | set(before.methods if before else ())),
            scope=scope.kind,
            target_id=scope.target_id,
            issued=now.timestamp(),
            expires=min(expires, before.expires) if before else expires,
            audit_id=tokens.new_audit_id(),
            since=user.valid_after.timestamp(),
        )

    async def _by_password(self, call: Call[Any], identity: schemas.IdentityRequest) -> model.User | None:
        """The user whose password this is, where the request offers one."""
        if "password" not in identity.methods:
            return None
        if identity.password is None:
            raise errors.BadRequest("this field is required", field="auth.identity.password")
        given = identity.password.user
        async with call.database.read() as transaction:
            user = await _user(transaction, given)
        subject = user.id if user else f"{given.id}/{given.name}"
        await self._passwords.check(subject, user.password if user else None, given.password)
        return user

    async def _by_token(self, transaction: Transaction, identity: schemas.IdentityRequest) -> bearers.Bearer | None:
        """Whoever bears the token that the request offers, where it does."""
        if "token" not in identity.methods:
            return None
        if identity.token is None:
            raise errors.BadRequest("this field is required", field="auth.identity.token")
        return await self.bearer(transaction, identity.token.id)

    async def show(self, call: Call[Any]) -> schemas.Shown:
        """What the token in X-Subject-Token says. TokenNotFound: it is not good; of others only where policy allows."""
        async with call.database.read() as transaction:
            return await self._shown(call, transaction, await self._subject(call, transaction))

    async def revoke(self, call: Call[Any]) -> None:
        """End the token in X-Subject-Token."""
        async with call.database.write() as transaction:
            payload = (await self._subject(call, transaction)).payload
            await store.revoke(transaction, payload.audit_id, payload.expires_at)

    async def _subject(self, call: Call[Any], transaction: Transaction) -> bearers.Bearer:
        subject = call.headers.get("x-subject-token")
        if not subject:
            raise errors.BadRequest("this header is required", field="X-Subject-Token")
        try:
            bearer = await self.bearer(transaction, subject)
        except identity_errors.WrongCredentials as error:
            raise identity_errors.TokenNotFound from error
        if bearer.user.id != call.caller.user_id:
            call.caller.require("identity:validate_any_token")
        return bearer

    async def _shown(self, call: Call[Any], transaction: Transaction, bearer: bearers.Bearer) -> schemas.Shown:
        payload = bearer.payload
        shown = scopes.token_body(bearer.user, bearer.home, bearer.scope)
        shown |= {
            "methods": payload.methods,
            "audit_ids": [payload.audit_id],
            "issued_at": schemas.moment(payload.issued_at),
            "expires_at": schemas.moment(payload.expires_at),
        }
        if payload.scope and not call.query.flag("nocatalog"):
            project_id = payload.target_id if payload.scope == "project" else None
            shown["catalog"] = await self.catalog.of(transaction, project_id, bearer.user.id, epoch=bearer.epoch)
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
        """One's own, with the old one. WrongCredentials: that is not it, or not any more."""
        fields = call.read(schemas.PasswordBody).user
        async with call.database.read() as transaction:
            row = await users.find(transaction, call.parameters["user"])
        await self._passwords.check(row.id, row.password, fields.original_password)
        hashed = await self._passwords.hashed(fields.password)
        async with call.database.write() as transaction:
            await users.change_password(transaction, row, hashed)


async def _user(transaction: Transaction, given: schemas.UserReference) -> model.User | None:
    if given.id:
        return await store.user(transaction, given.id)
    if not given.name:
        raise errors.BadRequest("either id or name is required", field="auth.identity.password.user")
    domain_id = await scopes.domain_id(transaction, given.domain, "auth.identity.password.user.domain")
    return await store.user_named(transaction, given.name, domain_id) if domain_id else None
