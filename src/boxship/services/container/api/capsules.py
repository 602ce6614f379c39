"""Capsules: create, list, show, delete."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container import model
from boxship.services.container.api import asking, paging
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.operations import capsules as operations
from boxship.services.container.schemas import capsules as schemas


async def create_capsule(call: ContainerCall) -> Reply:
    row = await operations.create(call, schemas.read(call.body))
    (shown,) = await operations.view(call, [row])
    return Reply(shown, 202, {"Location": f"{call.base_url}/v1/capsules/{row.id}"})


async def list_capsules(call: ContainerCall) -> Reply:
    asking.check_query(call, {*paging.WORDS, "all_projects"})
    everywhere = asking.all_projects(call, "capsule:get_all_all_projects")
    rows, page = await operations.show_all(call.transaction, call.caller, call.query, all_projects=everywhere)
    shown = await operations.view(call, rows)
    return Reply({"capsules": shown, "next": paging.following(call, "capsules", [row.id for row in rows], page)})


async def show_capsule(call: ContainerCall) -> Reply:
    (shown,) = await operations.view(call, [await _found(call, "capsule:get_one_all_projects")])
    return Reply(shown)


async def delete_capsule(call: ContainerCall) -> Reply:
    asking.check_query(call, {"all_projects", "force"})
    await operations.delete(call, await _found(call, "capsule:delete_all_projects"))
    return Reply(status=204)


async def _found(call: ContainerCall, everywhere_rule: str) -> model.Capsule:
    everywhere = asking.all_projects(call, everywhere_rule)
    return await operations.find(call.transaction, call.caller, call.parameters["capsule"], all_projects=everywhere)
