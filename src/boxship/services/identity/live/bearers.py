"""Who bears a token and where it is good: read from the database once, and remembered until anything in the identity
service changes. Every change advances an epoch there, so the common case is one small query, also with several programs
on one database. Nothing is remembered of a token that is not good."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.services.identity import errors, model, store
from boxship.services.identity.live import tokens
from boxship.services.identity.operations import scopes
from boxship.services.identity.store import epochs

_MOST = 10_000
"""Tokens remembered: about 20 MB; those least used are forgotten first."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A good token's facts, its user, the user's domain, and where the token is good with which roles; as of ``epoch``."""

    epoch: int
    payload: tokens.Payload
    user: model.User
    home: model.Project
    scope: scopes.Scope


class Bearers:
    """Reads tokens."""

    def __init__(self, keys: tokens.Keys) -> None:
        self._keys = keys
        self._known: OrderedDict[str, Bearer] = OrderedDict()

    async def of(self, transaction: Transaction, token: str) -> Bearer:
        """Who bears the token. WrongCredentials: it is not good (any more)."""
        epoch = await epochs.epoch(transaction)
        known = self._known.get(token)
        if known is None or known.epoch != epoch or known.payload.expires <= clock.now().timestamp():
            self._known.pop(token, None)
            known = await self._read(transaction, token, epoch)
            self._remember(token, known)
        else:
            self._known.move_to_end(token)
        return known

    def _remember(self, token: str, known: Bearer) -> None:
        self._known[token] = known
        if len(self._known) > _MOST:
            self._known.popitem(last=False)

    async def _read(self, transaction: Transaction, token: str, epoch: int) -> Bearer:
        payload = self._keys.open(token)
        if payload.expires <= clock.now().timestamp() or await store.is_revoked(transaction, payload.audit_id):
            raise errors.WrongCredentials
        user = await store.user(transaction, payload.user_id)
        if user is None or payload.since != user.valid_after.timestamp():
            raise errors.WrongCredentials
        home = await resident(transaction, user)
        scope = await scopes.checked(transaction, user, scopes.Scope(payload.scope, payload.target_id))
        return Bearer(epoch, payload, user, home, scope)


async def resident(transaction: Transaction, user: model.User) -> model.Project:
    """The domain of the user. WrongCredentials: the user or the domain is disabled."""
    home = await store.project(transaction, user.domain_id, is_domain=True)
    if not user.enabled or home is None or not home.enabled:
        raise errors.WrongCredentials
    return home
