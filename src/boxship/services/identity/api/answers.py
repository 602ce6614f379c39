"""What the handlers of all resources answer with: lists."""

from __future__ import annotations

from urllib.parse import urlencode

from boxship.core.http.call import Call, Reply
from boxship.services.identity import live, operations, schemas

IdentityCall = Call[live.IdentityLive]


def page(call: IdentityCall, kind: str, shown: list[schemas.Shown], *, path: str = "") -> Reply:
    """A list with a link to its next page, if there may be one; ``path`` is where it is, if not where its kind is."""
    url = f"{call.base_url}/v3/{path or kind}"
    limit = min(call.query.number("limit") or operations.MOST, operations.MOST)
    following = None
    if len(shown) >= limit:
        pairs = [pair for pair in call.query.pairs if pair[0] != "marker"]
        following = f"{url}?{urlencode([*pairs, ('marker', shown[-1]['id'])])}"
    return Reply(schemas.collection(kind, shown, url, following))
