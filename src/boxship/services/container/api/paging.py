"""The rest of a list: the address of its next page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from boxship.core.http import listing
from boxship.core.http.call import Call

WORDS = frozenset({"limit", "marker", "sort_key", "sort_dir"})
"""The parameters of every list."""


def following(call: Call[Any], collection: str, ids: Sequence[str], page: listing.Page) -> str | None:
    """Where the page after this one is, where a limit was asked for and there may be more."""
    if not page.limit or not call.query.one("limit") or not listing.next_marker(ids, page):
        return None
    words = [(name, value) for name, value in call.query.pairs if name not in {"marker", "limit"}]
    query = urlencode([*words, ("limit", str(page.limit)), ("marker", ids[-1])])
    return f"{call.base_url}/v1/{collection}?{query}"
