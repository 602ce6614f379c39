"""Containers: create, list, show, delete."""

from __future__ import annotations

from urllib.parse import urlencode

from boxship.core.http import listing
from boxship.core.http.call import Reply
from boxship.services.container import operations
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.schemas import containers as schemas


async def create_container(call: ContainerCall) -> Reply:
    request = call.read(schemas.ContainerRequest)
    options = operations.CreateOptions(run=call.query.flag("run"), version=call.version)
    row = await operations.create(call.transaction, call.caller, call.settings, request, options)
    (shown,) = await operations.view(call, [row])
    return Reply(shown, 202, {"Location": f"{call.base_url}/v1/containers/{row.id}"})


async def list_containers(call: ContainerCall) -> Reply:
    asking.check_query(call, {*_LIST_WORDS})
    everywhere = asking.all_projects(call, "container:get_all_all_projects")
    rows, page = await operations.show_all(call.transaction, call.caller, call.query, all_projects=everywhere)
    following = None
    if page.limit and call.query.one("limit") and listing.next_marker(rows, page):
        words = [(name, value) for name, value in call.query.pairs if name not in {"marker", "limit"}]
        query = urlencode([*words, ("limit", str(page.limit)), ("marker", rows[-1].id)])
        following = f"{call.base_url}/v1/containers?{query}"
    return Reply({"containers": await operations.view(call, rows), "next": following})


async def show_container(call: ContainerCall) -> Reply:
    row = await asking.found(call, "container:get_one_all_projects")
    (shown,) = await operations.view(call, [row])
    return Reply(shown)


async def delete_container(call: ContainerCall) -> Reply:
    asking.check_query(call, {"force", "stop", "timeout", "all_projects"})
    row = await asking.found(call, "container:delete_all_projects")
    force, stop = call.query.flag("force"), call.query.flag("stop")
    if force and not stop:
        asking.since(call, "force", "1.7")
        call.caller.require("container:delete_force")
    if stop:
        asking.since(call, "stop", "1.12")
    await operations.delete(call.transaction, row, force=force, stop=stop, timeout=asking.timeout(call))
    return Reply(status=204)


_LIST_WORDS = (
    *("name", "image", "project_id", "user_id", "memory", "host", "task_state", "status", "auto_remove"),
    *("limit", "marker", "sort_key", "sort_dir", "all_projects"),
)
