"""Private registries of projects."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container.api import asking, paging
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.operations import registries as operations
from boxship.services.container.schemas import registries as schemas

_FILTERS = {"name", "domain", "username", "project_id", "user_id"}


async def list_registries(call: ContainerCall) -> Reply:
    asking.check_query(call, {*paging.WORDS, *_FILTERS, "all_projects"})
    everywhere = asking.all_projects(call, "registry:get_all_all_projects")
    rows, page = await operations.show_all(call.transaction, call.caller, call.query, all_projects=everywhere)
    shown = [schemas.view(row, call.base_url) for row in rows]
    return Reply({"registries": shown, "next": paging.following(call, "registries", [row.id for row in rows], page)})


async def create_registry(call: ContainerCall) -> Reply:
    request = call.read(schemas.CreateBody).registry
    row = await operations.create(call.transaction, call.caller, call.settings, call.live.vault, request)
    location = f"{call.base_url}/v1/registries/{row.id}"
    return Reply({"registry": schemas.view(row, call.base_url)}, 201, {"Location": location})


async def show_registry(call: ContainerCall) -> Reply:
    """Admins see those of every project, as they do in Zun."""
    row = await operations.find(
        call.transaction, call.caller, call.parameters["registry"], everywhere=call.caller.is_admin
    )
    return Reply({"registry": schemas.view(row, call.base_url)})


async def update_registry(call: ContainerCall) -> Reply:
    """In Zun admins, too, change those of their own project only."""
    request = call.read(schemas.ChangeBody).registry
    row = await operations.find(call.transaction, call.caller, call.parameters["registry"])
    changed = await operations.update(call.transaction, call.live.vault, row, request)
    return Reply({"registry": schemas.view(changed, call.base_url)})


async def delete_registry(call: ContainerCall) -> Reply:
    row = await operations.find(
        call.transaction, call.caller, call.parameters["registry"], everywhere=call.caller.is_admin
    )
    await operations.delete(call.transaction, row)
    return Reply(status=204)
