"""What lists of this service may be filtered by, and in which way, as Cinder's ``resource_filters`` are by default.

Names that a list does not know are left alone, as clients send words of their own; since 3.31 Cinder refuses them, and so
is done here for lists of volumes.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa

from boxship.core import errors as core_errors
from boxship.core.http import listing
from boxship.core.http.call import Query

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "volume": (
        "name",
        "status",
        "metadata",
        "bootable",
        "migration_status",
        "availability_zone",
        "group_id",
        "size",
        "created_at",
        "updated_at",
        "consumes_quota",
    ),
    "backup": ("name", "status", "volume_id"),
    "snapshot": ("name", "status", "volume_id", "metadata"),
    "attachment": ("volume_id", "status", "instance_id", "attach_status"),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "pool": ("name", "volume_type"),
    "volume_type": ("is_public", "extra_specs"),
}
"""What GET /resource_filters tells."""

_WORDS = frozenset(
    {"limit", "offset", "marker", "sort", "sort_key", "sort_dir", "all_tenants", "with_count", "page_reverse"}
)
"""What belongs to every list."""
_COMPARED = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "neq": "!="}
_LONGEST = 8192


def page(query: Query, columns: listing.Columns, *, default_sort: str, descending: bool = False) -> listing.Page:
    """Which part of a list, with Cinder's ``offset``; a limit of 0 is an empty page. BadRequest: as ``listing.page``."""
    plain = listing.page(query, columns, default_sort=default_sort, descending=descending)
    limit = 0 if query.number("limit") == 0 else plain.limit
    return dataclasses.replace(plain, limit=limit, offset=query.number("offset") or 0)


@contextmanager
def marked(page: listing.Page, absent: Callable[[str], core_errors.NotFound]) -> Iterator[None]:
    """A marker that is in no list is not found, as Cinder has it, and not a bad request."""
    try:
        yield
    except core_errors.BadRequest as error:
        if error.field != "marker" or page.marker is None:
            raise
        raise absent(page.marker[:64]) from error


def require_known(query: Query, known: Iterable[str]) -> None:
    """BadRequest: the query filters by something that the list does not know."""
    wanted = {name.removesuffix("~") for name, _ in query.pairs} - _WORDS - set(known)
    if wanted:
        raise core_errors.BadRequest(f"the list is not filtered by {', '.join(sorted(wanted))[:200]}", field="query")


def like(query: Query, columns: listing.Columns) -> list[sa.ColumnElement[bool]]:
    """Filters ``name~=part`` (3.34): the field holds the words."""
    return [
        columns[name.removesuffix("~")].contains(value, autoescape=True)
        for name, value in query.pairs
        if name.endswith("~") and name.removesuffix("~") in columns
    ]


def moments(query: Query, columns: listing.Columns) -> tuple[list[sa.ColumnElement[bool]], Query]:
    """Filters like ``created_at=gt:2026-01-01T00:00:00,lt:...`` (3.60), and the query without them. BadRequest: no such
    comparison, no moment."""
    conditions: list[sa.ColumnElement[bool]] = []
    rest: list[tuple[str, str]] = []
    for name, value in query.pairs:
        if name in {"created_at", "updated_at"} and re.match(r"(gte?|lte?|n?eq):", value):
            conditions.extend(_compared(name, part, columns) for part in value.split(","))
        else:
            rest.append((name, value))
    return conditions, Query(tuple(rest))


def _compared(name: str, part: str, columns: listing.Columns) -> sa.ColumnElement[bool]:
    operator, _, moment = part.partition(":")
    if operator not in _COMPARED:
        raise core_errors.BadRequest(f"{operator[:16]!r} is none of {', '.join(_COMPARED)}", field=name)
    value = listing.moment(name, moment.replace(" ", "+"))
    compared: sa.ColumnElement[bool] = columns[name].op(_COMPARED[operator], is_comparison=True)(
        sa.literal(value, columns[name].type)
    )
    return compared


def pairs(query: Query, field: str) -> dict[str, str]:
    """A filter by pairs as clients write it: a Python or JSON dictionary of strings. BadRequest: not one."""
    text = query.one(field)
    if not text:
        return {}
    wrong = core_errors.BadRequest("not a dictionary of strings", field=field)
    if len(text) > _LONGEST:
        raise wrong
    try:
        return msgspec.convert(ast.literal_eval(text), dict[str, str])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise wrong from error
