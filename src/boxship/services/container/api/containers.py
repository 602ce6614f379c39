"""Containers: create, list, show, delete."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container import operations
from boxship.services.container.api import asking, paging
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.schemas import containers as schemas
from boxship.services.container.schemas import views


async def create_container(call: ContainerCall) -> Reply:
    request = call.read(schemas.ContainerRequest)
    options = operations.CreateOptions(run=call.query.flag("run"), version=call.version, request_id=call.request_id)
    row = await operations.create(call.transaction, call.caller, call.settings, request, options)
    (shown,) = await operations.view(call, [row])
    return Reply(shown, 202, {"Location": f"{call.base_url}/v1/containers/{row.id}"})


async def list_containers(call: ContainerCall) -> Reply:
    asking.check_query(call, {*paging.WORDS, *_FILTERS, "all_projects"})
    everywhere = asking.all_projects(call, "container:get_all_all_projects")
    rows, page = await operations.show_all(call.transaction, call.caller, call.query, all_projects=everywhere)
    following = paging.following(call, "containers", [row.id for row in rows], page)
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
    await operations.delete(call, row, force=force, stop=stop, timeout=asking.timeout(call))
    return Reply(status=204)


async def update_container(call: ContainerCall) -> Reply:
    row = await asking.found(call)
    await operations.update(call, row, call.read(schemas.UpdateRequest), "update")
    return Reply(await _shown(call, row.id))


async def rename_container(call: ContainerCall) -> Reply:
    row = await asking.found(call)
    await operations.rename(call, row, call.query.read(schemas.RenameRequest).name)
    return Reply(await _shown(call, row.id))


async def resize_container(call: ContainerCall) -> Reply:
    row = await asking.found(call)
    await operations.update(call, row, call.read(schemas.UpdateRequest), "resize_container")
    return Reply(await _shown(call, row.id), 202)


async def list_networks(call: ContainerCall) -> Reply:
    return Reply({"networks": await operations.networks(call, await asking.found(call))})


async def list_actions(call: ContainerCall) -> Reply:
    return Reply({"containerActions": await operations.actions(call, await asking.found(call))})


async def show_action(call: ContainerCall) -> Reply:
    row = await asking.found(call)
    return Reply(await operations.action(call, row, call.parameters["request"]))


async def _shown(call: ContainerCall, id: str) -> views.View:
    """The container as it is after the change."""
    row = await operations.find(call.transaction, call.caller, id, all_projects=call.caller.is_admin)
    (shown,) = await operations.view(call, [row])
    return shown


_FILTERS = ("name", "image", "project_id", "user_id", "memory", "host", "task_state", "status", "auto_remove")
