"""The routes of the container service (Zun v1): every path on one screen; handlers stand in a module each."""

from __future__ import annotations

from boxship.core.http.routes import PUBLIC, Route
from boxship.services.container.api import actions, containers, discovery, reading, sessions

_ONE = "/v1/containers/{container}"

ROUTES = [
    Route("GET", "/", discovery.show_versions, PUBLIC),
    Route("GET", "/v1", discovery.show_version, PUBLIC),
    Route("POST", "/v1/containers", containers.create_container, "container:create"),
    Route("GET", "/v1/containers", containers.list_containers, "container:get_all"),
    Route("GET", _ONE, containers.show_container, "container:get_one"),
    Route("DELETE", _ONE, containers.delete_container, "container:delete"),
    Route("POST", f"{_ONE}/start", actions.start, "container:start"),
    Route("POST", f"{_ONE}/stop", actions.stop, "container:stop"),
    Route("POST", f"{_ONE}/reboot", actions.reboot, "container:reboot"),
    Route("GET", f"{_ONE}/logs", reading.show_logs, "container:logs", live=True),
    Route("POST", f"{_ONE}/execute", sessions.execute, "container:execute", live=True),
]
