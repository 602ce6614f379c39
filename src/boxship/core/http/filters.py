"""Filters and pages of lists beyond those of ``listing``: offsets, parts of names, moments, pairs, as Cinder and Manila take
them. Never knows a resource."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa

from boxship.core import errors
from boxship.core.http import listing
from boxship.core.http.call import Query

_COMPARED = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "neq": "!="}
_LONGEST = 8192


def page(query: Query, columns: listing.Columns, *, default_sort: str, descending: bool = False) -> listing.Page:
    """Which part of a list, with an ``offset``; a limit of 0 is an empty page. BadRequest: as ``listing.page``."""
    plain = listing.page(query, columns, default_sort=default_sort, descending=descending)
    limit = 0 if query.number("limit") == 0 else plain.limit
    return dataclasses.replace(plain, limit=limit, offset=query.number("offset") or 0)


@contextmanager
def marked(page: listing.Page, absent: Callable[[str], errors.NotFound]) -> Iterator[None]:
    """A marker that is in no list is not found, as they have it, and not a bad request."""
    try:
        yield
    except errors.BadRequest as error:
        if error.field != "marker" or page.marker is None:
            raise
        raise absent(page.marker[:64]) from error


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
        raise errors.BadRequest(f"{operator[:16]!r} is none of {', '.join(_COMPARED)}", field=name)
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
    wrong = errors.BadRequest("not a dictionary of strings", field=field)
    if len(text) > _LONGEST:
        raise wrong
    try:
        return msgspec.convert(ast.literal_eval(text), dict[str, str])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise wrong from error
