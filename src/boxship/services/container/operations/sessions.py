"""Who may open a session with a container: a token for one session, that is good once and for a while."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.container import errors as container_errors
from boxship.services.container import model, states
from boxship.services.container.store import containers as store
from boxship.services.container.store import sessions as sessions_store

_WAITING = 100
"""Sessions of a container that may wait to be opened: each costs a row here, and a prepared command memory of the engine."""


async def grant(
    transaction: Transaction, settings: Settings, caller: Caller, row: model.Container, exec_id: str | None = None
) -> str:
    """A token for process 1, or for a command that was prepared. TooManySessions: nobody opens those that were given."""
    if await sessions_store.waiting(transaction, row.id) >= _WAITING:
        raise container_errors.TooManySessions(row.id, _WAITING)
    token = secrets.token_urlsafe(32)
    session = model.Session(
        id=_fingerprint(token),
        container_id=row.id,
        exec_id=exec_id,
        user_id=caller.user_id,
        expires_at=clock.now() + timedelta(seconds=settings.session_lifetime),
    )
    await sessions_store.insert(transaction, session)
    return token


def url(settings: Settings, token: str, row: model.Container, exec_id: str | None = None) -> str:
    """Where the session is opened, in the form that python-zunclient takes."""
    query = {"token": token, "uuid": row.id} | ({"exec_id": exec_id} if exec_id else {})
    return f"{settings.sessions_url}?{urlencode(query)}"


async def redeem(transaction: Transaction, token: str, container_id: str, exec_id: str) -> model.Session | None:
    """The session of a token, which is used up by that, whatever it is shown for.

    None: there is no such token (any more), it is for something else, or the container does not run. It raises nothing, as
    that would undo the using up.
    """
    session = await sessions_store.take(transaction, _fingerprint(token))
    if session is None or (session.container_id, session.exec_id or "") != (container_id, exec_id):
        return None
    row = await store.get(transaction, container_id)
    return session if row is not None and row.shown_status is states.Status.RUNNING else None


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
