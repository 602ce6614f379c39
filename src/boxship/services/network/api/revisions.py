"""``If-Match`` on every route that changes or deletes a resource with revisions."""

from __future__ import annotations

import dataclasses
import functools

from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Handler, Route
from boxship.services.network.operations import revisions


def guarded(route: Route) -> Route:
    """The route, whose handler heeds ``If-Match`` if it changes or deletes one resource that has revisions."""
    _, _, collection, *rest = (*route.path.split("/"), "", "")
    if route.method not in {"PUT", "DELETE"} or collection not in revisions.REVISED or rest[:2] != ["{id}", ""]:
        return route
    return dataclasses.replace(route, handler=_matching(collection, route.handler))


def _matching(collection: str, handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def matching(call: Call[None]) -> Reply:
        wanted = revisions.wanted(call.headers.get("if-match", ""))
        if wanted is None:
            return await handler(call)
        found = await revisions.current(call.transaction, collection, call.parameters["id"])
        reply = await handler(call)
        revisions.match(wanted, found)
        return reply

    return matching
