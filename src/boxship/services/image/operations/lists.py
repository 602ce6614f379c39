"""Lists of images: who sees what by default, and the filters of the Image API. Reads only."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.image.model import Image, Visibility
from boxship.services.image.store import images as store

_MOMENTS = ("created_at", "updated_at")
_SPECIAL = {"visibility", "os_hidden", "member_status", "tag", "size_min", "size_max", *_MOMENTS}
_PAGING = {"limit", "marker", "sort", "sort_key", "sort_dir", "page_reverse"}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}

Condition = sa.ColumnElement[bool]


async def list_images(transaction: Transaction, caller: Caller, query: Query) -> tuple[list[Image], bool]:
    """One page of the images that the caller sees, and whether more may follow. Names that are no field filter by
    property.

    BadRequest: a filter, sort key or marker that is none.
    """
    page = listing.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    columns = {name: column for name, column in store.COLUMNS.items() if name not in _SPECIAL}
    conditions = [*_access(caller, query), *listing.filters(query, columns), *_ranges(query)]
    conditions.extend(store.has_tag(tag) for tag in query.all("tag"))
    known = {*columns, *_SPECIAL, *_PAGING}
    conditions.extend(store.has_property(name, value) for name, value in query.pairs if name not in known)
    images = await store.page(transaction, conditions, page)
    return images, listing.next_marker(images, page)


def _access(caller: Caller, query: Query) -> list[Condition]:
    """What the caller may list, narrowed by ``visibility``, ``member_status`` and ``os_hidden``."""
    column = store.COLUMNS["visibility"]
    project = caller.project_id or ""
    mine = store.COLUMNS["owner"] == project
    visibility = query.one("visibility")
    conditions: list[Condition] = [store.COLUMNS["os_hidden"].is_(query.flag("os_hidden"))]
    if visibility in {None, "all"}:
        community = column == Visibility.COMMUNITY
        seen = sa.true() if caller.is_admin else sa.or_(store.offered(project), _invited(project, query))
        everything = sa.or_(seen, community) if visibility else sa.or_(mine, sa.and_(seen, sa.not_(community)))
        return [*conditions, everything]
    if visibility not in set(Visibility):
        raise core_errors.BadRequest(f"{visibility!r} is not one of {', '.join(Visibility)}, all", field="visibility")
    conditions.append(column == visibility)
    if not caller.is_admin and visibility == Visibility.PRIVATE:
        conditions.append(mine)
    if not caller.is_admin and visibility == Visibility.SHARED:
        conditions.append(sa.or_(mine, _invited(project, query)))
    return conditions


def _invited(project: str, query: Query) -> Condition:
    """Shared with the project, in the status of membership that is asked for (accepted)."""
    status = query.one("member_status") or "accepted"
    if status not in {"accepted", "pending", "rejected", "all"}:
        raise core_errors.BadRequest(
            f"{status!r} is not one of accepted, pending, rejected, all", field="member_status"
        )
    shared = store.COLUMNS["visibility"] == Visibility.SHARED
    return sa.and_(shared, store.is_member(project, None if status == "all" else status))


def _ranges(query: Query) -> list[Condition]:
    """``size_min``, ``size_max``, and moments as ``gt:2026-01-01T00:00:00Z``."""
    conditions: list[Condition] = []
    least, most = query.number("size_min", most=9_999_999_999), query.number("size_max", most=9_999_999_999)
    if least is not None:
        conditions.append(store.COLUMNS["size"] >= least)
    if most is not None:
        conditions.append(store.COLUMNS["size"] <= most)
    for name in _MOMENTS:
        conditions.extend(_compared(name, value) for value in query.all(name))
    return conditions


def _compared(name: str, value: str) -> Condition:
    word, colon, text = value.partition(":")
    if word not in _OPERATORS or not colon:
        word, text = "eq", value
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise core_errors.BadRequest(f"{text!r} is not a moment in ISO 8601", field=name) from error
    condition: Condition = _OPERATORS[word](store.COLUMNS[name], moment.replace(tzinfo=moment.tzinfo or UTC))
    return condition
