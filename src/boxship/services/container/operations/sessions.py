"""Who may open a session with a container: a token for one session, that is good once and for a while."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from boxship.config import Settings
from boxship.core import clock, errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.container import model, states
from boxship.services.container.store import containers as store
from boxship.services.container.store import sessions as sessions_store


async def grant(
    transaction: Transaction, settings: Settings, caller: Caller, row: model.Container, exec_id: str | None = None
) -> str:
    """A token for process 1, or for a command that was prepared."""
    token = secrets.token_urlsafe(32)
    session = model.Session(
        id=_fingerprint(token),
        container_id=row.id,
        exec_id=exec_id,
        terminal=row.tty,
        user_id=caller.user_id,
        expires_at=clock.now() + timedelta(seconds=settings.session_lifetime),
    )
    await sessions_store.insert(transaction, session)
    return token


def url(settings: Settings, token: str, row: model.Container, exec_id: str | None = None) -> str:
    """Where the session is opened, in the form that python-zunclient takes."""
    query = {"token": token, "uuid": row.id} | ({"exec_id": exec_id} if exec_id else {})
    return f"{settings.sessions_url}?{urlencode(query)}"


async def redeem(transaction: Transaction, token: str, container_id: str, exec_id: str | None) -> model.Session:
    """The session of a token, which is used up by that, also where it is shown for something else.

    Forbidden: there is no such token (any more), it is for something else, or the container does not run.
    """
    session = await sessions_store.take(transaction, _fingerprint(token))
    if session is None or (session.container_id, session.exec_id) != (container_id, exec_id or None):
        raise errors.Forbidden("The token opens no session (any more).")
    row = await store.get(transaction, container_id)
    if row is None or row.shown_status is not states.Status.RUNNING:
        raise errors.Forbidden("The container does not run.")
    return session


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
