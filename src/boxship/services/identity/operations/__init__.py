"""What callers can ask of identities; each one transaction. Here: looking things up in the catalog, which has no rows."""

from __future__ import annotations

from boxship.core.http.call import Query
from boxship.services.identity import errors, schemas

MOST = 10_000
"""Rows of a list where the caller names no limit: Keystone has none, and its clients do not follow pages."""


def matching(rows: list[schemas.Shown], query: Query) -> list[schemas.Shown]:
    """The rows whose fields have the values of the query; fields that they lack do not count."""
    wanted = [(name, query.flag(name) if name == "enabled" else value) for name, value in query.pairs]
    return [row for row in rows if all(row.get(name, value) == value for name, value in wanted)]


def one(kind: str, rows: list[schemas.Shown], id: str) -> schemas.Shown:
    """The row with this id. ResourceNotFound: there is none."""
    for row in rows:
        if row["id"] == id:
            return row
    raise errors.ResourceNotFound(kind, id)
