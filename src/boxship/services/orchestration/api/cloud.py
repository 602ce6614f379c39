"""Handlers of what is no stack: versions of the API, build and engines."""

from __future__ import annotations

from datetime import timedelta

from boxship import __version__
from boxship.core import clock, hosts
from boxship.core.http.call import Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.orchestration.live import StackCall


async def list_versions(call: StackCall) -> Reply:
    version = {"id": "v1.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"{call.base_url}/v1/"}]}
    return Reply({"versions": [version]}, 300)


async def show_build(call: StackCall) -> Reply:  # noqa: ARG001 (nothing depends on who asks)
    return Reply({"api": {"revision": __version__}, "engine": {"revision": __version__}})


async def list_engines(call: StackCall) -> Reply:
    """The hosts, each of which works on stacks."""
    now = clock.now()
    shown = [
        {
            "id": host.name,
            "host": host.name,
            "hostname": host.name,
            "engine_id": host.name,
            "binary": "heat-engine",
            "topic": "engine",
            "report_interval": int(call.settings.host_lease / hosts.BEATS),
            "created_at": clock.stamp(now - timedelta(seconds=host.age + host.up)),
            "updated_at": clock.stamp(now - timedelta(seconds=host.age)),
            "deleted_at": None,
            "status": "up" if not call.settings.shared or host.lives(call.settings.host_lease) else "down",
        }
        for host in await hosts.known(call.transaction)
    ]
    return Reply({"services": shown})


ROUTES = [
    Route("GET", "/", list_versions, PUBLIC),
    Route("GET", "/v1/{project_id}/build_info", show_build, "build_info:build_info"),
    Route("GET", "/v1/{project_id}/services", list_engines, "service:index"),
]
