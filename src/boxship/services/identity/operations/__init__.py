"""What callers can ask of identities; each one transaction. Here: looking things up in the catalog, which has no rows."""

from __future__ import annotations

from boxship.core.http.call import Query
from boxship.services.identity import errors, schemas


def matching(rows: list[schemas.Shown], query: Query) -> list[schemas.Shown]:
    """The rows whose fields have the values of the query; fields that they lack do not count."""
    return [row for row in rows if all(str(row.get(name, value)) == value for name, value in query.pairs)]


def one(kind: str, rows: list[schemas.Shown], id: str) -> schemas.Shown:
    """The row with this id. ResourceNotFound: there is none."""
    for row in rows:
        if row["id"] == id:
            return row
    raise errors.ResourceNotFound(kind, id)
