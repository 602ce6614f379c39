"""Connections to PostgreSQL: made from the URL as it is, and so that who fell silent holds nobody up. Runs no statement."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

SILENCE = 15.0
"""Seconds that a program may be silent in the middle of a transaction, and a connection before it is asked whether it lives.
A host that lost its power tells nobody: without this its locks would hold up all others for hours."""
_CONNECT = 10.0
"""Seconds to connect."""
_STATEMENTS = 1000
"""Statements that a connection keeps prepared: more than there are, as each is prepared again when it falls out."""


def engine(url: str, *, patience: float | None = None, **options: Any) -> AsyncEngine:
    """An engine whose connections are made from the URL itself, so that all that URLs of libpq can say holds (PostgreSQL
    documentation, 34.1.1.2): ``sslmode``, ``sslrootcert``, several hosts. ``patience``: seconds that a statement may take,
    None: any. ``options`` are those of the pool."""
    from sqlalchemy.ext import asyncio as sa_async

    def connect(**given: Any) -> Coroutine[Any, Any, Any]:
        import asyncpg

        settings = session(patience)
        return asyncpg.connect(  # type: ignore[no-any-return]  # asyncpg has no types
            libpq(url), server_settings=settings, command_timeout=patience, timeout=_CONNECT, **given
        )

    how = {"async_creator_fn": connect, "prepared_statement_cache_size": _STATEMENTS}
    # Errors are logged, and passwords' hashes are parameters.
    return sa_async.create_async_engine("postgresql+asyncpg://", connect_args=how, hide_parameters=True, **options)


def libpq(url: str) -> str:
    """The URL without the name of a driver in its scheme."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def session(patience: float | None = None) -> dict[str, str]:
    """What PostgreSQL is told at the start of each session (its documentation, 20.3.2 and 20.11.1)."""
    asked = {"tcp_keepalives_idle": str(int(SILENCE) or 1), "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
    timeouts = {"idle_in_transaction_session_timeout": SILENCE, "tcp_user_timeout": SILENCE}
    if patience:
        timeouts["lock_timeout"] = patience * 0.8
    return asked | {name: f"{seconds * 1000:.0f}" for name, seconds in timeouts.items()}
