"""Lists of what is in no table and never long: filtered, sorted and cut into pages as the tables' are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from boxship.core import errors as core
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.network.operations import access

Shape = TypeVar("Shape", bound=msgspec.Struct)


def part(query: Query, found: Iterable[Shape], names: Sequence[str], key: str) -> tuple[list[Shape], listing.Page]:
    """The page that is asked for. ``names`` may be filtered and sorted by; ``key`` ends every order, and is the marker.

    BadRequest: a filter that is none, a key to sort by that is none, a marker that is not in the list.
    """
    access.known_filters(query, frozenset(names))
    page = listing.page(query, {name: sa.column(name) for name in names}, default_sort=key, most=access.MOST)
    kept = [entry for entry in found if all(_meets(query, entry, name) for name in names)]
    for name, descending in reversed([*page.sorts, (key, False)]):
        kept.sort(key=lambda entry: _order(getattr(entry, name)), reverse=descending != page.reverse)
    wanted = _after(kept, page.marker, key)[: page.limit]
    return wanted[::-1] if page.reverse else wanted, page


def _meets(query: Query, entry: msgspec.Struct, name: str) -> bool:
    wanted, value = query.all(name), getattr(entry, name)
    if not wanted:
        return True
    if isinstance(value, bool):
        return any(Query(((name, text),)).flag(name) == value for text in wanted)
    return str(value if value is not None else "") in wanted


def _order(value: object) -> tuple[bool, str]:
    """None comes first, as in the tables."""
    return value is not None, str(value)


def _after(found: list[Shape], marker: str | None, key: str) -> list[Shape]:
    if marker is None:
        return found
    for at, entry in enumerate(found):
        if getattr(entry, key) == marker:
            return found[at + 1 :]
    raise core.BadRequest(f"{marker!r} is not in this list", field="marker")
