"""What callers can ask of identities; each one transaction. Here: what lists have in common."""

from __future__ import annotations

from boxship.core.http.call import Query
from boxship.services.identity import schemas

MOST = 10_000
"""Rows of a list where the caller names no limit: Keystone has none, and its clients do not follow pages."""


def matching(rows: list[schemas.Shown], query: Query) -> list[schemas.Shown]:
    """The rows whose fields have the values of the query; fields that they lack do not count."""
    wanted = [(name, query.flag(name) if name == "enabled" else value) for name, value in query.pairs]
    return [row for row in rows if all(row.get(name, value) == value for name, value in wanted)]
