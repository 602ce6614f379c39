"""The routes of the container service (Zun v1) and their handlers: parse, call one operation, shape the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from boxship.core import errors
from boxship.core.http import listing
from boxship.core.http.call import Call, Reply
from boxship.core.http.microversions import Version
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.container import live, model, operations, schemas, versions

ContainerCall = Call[live.ContainerLive]


async def show_versions(call: ContainerCall) -> Reply:
    return Reply(versions.root(call.base_url))


async def show_version(call: ContainerCall) -> Reply:
    return Reply(versions.v1(call.base_url))


async def create_container(call: ContainerCall) -> Reply:
    request = call.read(schemas.ContainerRequest)
    options = operations.CreateOptions(run=call.query.flag("run"), version=call.version)
    row = await operations.create(call.transaction, call.caller, call.settings, request, options)
    (shown,) = await operations.view(call, [row])
    return Reply(shown, 202, {"Location": f"{call.base_url}/v1/containers/{row.id}"})


async def list_containers(call: ContainerCall) -> Reply:
    _check_query(call, {*_LIST_WORDS})
    everywhere = _all_projects(call, "container:get_all_all_projects")
    rows, page = await operations.show_all(call.transaction, call.caller, call.query, all_projects=everywhere)
    following = None
    if page.limit and call.query.one("limit") and listing.next_marker(rows, page):
        words = [(name, value) for name, value in call.query.pairs if name not in {"marker", "limit"}]
        query = urlencode([*words, ("limit", str(page.limit)), ("marker", rows[-1].id)])
        following = f"{call.base_url}/v1/containers?{query}"
    return Reply({"containers": await operations.view(call, rows), "next": following})


async def show_container(call: ContainerCall) -> Reply:
    row = await _found(call, "container:get_one_all_projects")
    (shown,) = await operations.view(call, [row])
    return Reply(shown)


async def delete_container(call: ContainerCall) -> Reply:
    _check_query(call, {"force", "stop", "timeout", "all_projects"})
    row = await _found(call, "container:delete_all_projects")
    force, stop = call.query.flag("force"), call.query.flag("stop")
    if force and not stop:
        _since(call, "force", "1.7")
        call.caller.require("container:delete_force")
    if stop:
        _since(call, "stop", "1.12")
    await operations.delete(call.transaction, row, force=force, stop=stop, timeout=_timeout(call))
    return Reply(status=204)


async def start_container(call: ContainerCall) -> Reply:
    await operations.start(call.transaction, await _found(call))
    return Reply(status=202)


async def stop_container(call: ContainerCall) -> Reply:
    _check_query(call, {"timeout"})
    await operations.stop(call.transaction, await _found(call), _timeout(call))
    return Reply(status=202)


async def reboot_container(call: ContainerCall) -> Reply:
    _check_query(call, {"timeout"})
    await operations.reboot(call.transaction, await _found(call), _timeout(call))
    return Reply(status=202)


async def show_logs(call: ContainerCall) -> Reply:
    _check_query(call, {"stdout", "stderr", "timestamps", "tail", "since"})
    return Reply(await call.live.logs(call))


async def execute(call: ContainerCall) -> Reply:
    _check_query(call, {"command", "run", "interactive"})
    if call.query.flag("interactive") or not call.query.flag("run", default=True):
        raise errors.BadRequest(
            "interactive sessions are not offered; use run=true and interactive=false", field="interactive"
        )
    return Reply(await call.live.execute(call))


_LIST_WORDS = (
    *("name", "image", "project_id", "user_id", "memory", "host", "task_state", "status", "auto_remove"),
    *("limit", "marker", "sort_key", "sort_dir", "all_projects"),
)


async def _found(call: ContainerCall, everywhere_rule: str | None = None) -> model.Container:
    everywhere = everywhere_rule is not None and _all_projects(call, everywhere_rule)
    name = call.parameters["container"]
    return await operations.find(call.transaction, call.caller, name, all_projects=everywhere)


def _all_projects(call: ContainerCall, rule: str) -> bool:
    if not call.query.flag("all_projects"):
        return False
    call.caller.require(rule)
    return True


def _timeout(call: ContainerCall) -> int:
    timeout = call.query.number("timeout", most=3600)
    return 10 if timeout is None else timeout


def _since(call: Call[Any], field: str, version: str) -> None:
    if call.version < Version.parse(version):
        raise errors.BadRequest(f"it is known from version {version} on", field=field)


def _check_query(call: Call[Any], known: set[str]) -> None:
    unknown = sorted({name for name, _ in call.query.pairs} - known)
    if unknown:
        raise errors.BadRequest(f"Unknown parameters: {', '.join(unknown)}", field=unknown[0])


_ONE = "/v1/containers/{container}"

ROUTES = [
    Route("GET", "/", show_versions, PUBLIC),
    Route("GET", "/v1", show_version, PUBLIC),
    Route("POST", "/v1/containers", create_container, "container:create"),
    Route("GET", "/v1/containers", list_containers, "container:get_all"),
    Route("GET", _ONE, show_container, "container:get_one"),
    Route("DELETE", _ONE, delete_container, "container:delete"),
    Route("POST", f"{_ONE}/start", start_container, "container:start"),
    Route("POST", f"{_ONE}/stop", stop_container, "container:stop"),
    Route("POST", f"{_ONE}/reboot", reboot_container, "container:reboot"),
    Route("GET", f"{_ONE}/logs", show_logs, "container:logs", live=True),
    Route("POST", f"{_ONE}/execute", execute, "container:execute", live=True),
]
