"""Handlers of what the service tells of itself: versions, extensions."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.volume import versions
from boxship.services.volume.operations import resource_filters
from boxship.services.volume.schemas import cloud as wire

CloudCall = Call[None]


async def list_versions(call: CloudCall) -> Reply:
    return Reply(versions.document(call.base_url), 300)


async def show_version(call: CloudCall) -> Reply:
    return Reply(versions.document(call.base_url))


async def list_filters(call: CloudCall) -> Reply:
    wanted = call.query.one("resource")
    shown = [
        {"resource": name, "filters": list(known)}
        for name, known in resource_filters.RESOURCES.items()
        if wanted in {None, name}
    ]
    return Reply({"resource_filters": shown})


async def list_extensions(_call: CloudCall) -> Reply:
    return Reply(wire.EXTENSIONS)


_PROJECT = "/v3/{project_id}"

ROUTES = [
    Route("GET", "/", list_versions, PUBLIC),
    Route("GET", "/v3", show_version, PUBLIC),
    Route(
        "GET",
        f"{_PROJECT}/resource_filters",
        list_filters,
        "volume_extension:resource_filters",
        since=versions.RESOURCE_FILTERS,
    ),
    Route("GET", f"{_PROJECT}/extensions", list_extensions, "volume_extension:list_extensions"),
]
