"""The routes of groups and their members."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.identity import schemas
from boxship.services.identity.api.answers import IdentityCall, page
from boxship.services.identity.operations import groups


async def list_groups(call: IdentityCall) -> Reply:
    rows = await groups.show_all(call.transaction, call.query)
    return page(call, "groups", [schemas.group(row, call.base_url) for row in rows])


async def list_user_groups(call: IdentityCall) -> Reply:
    user = call.parameters["user"]
    rows = await groups.show_all(call.transaction, call.query, of_user=user)
    return page(call, "groups", [schemas.group(row, call.base_url) for row in rows], path=f"users/{user}/groups")


async def create_group(call: IdentityCall) -> Reply:
    row = await groups.create(call.transaction, call.read(schemas.GroupBody).group)
    return Reply({"group": schemas.group(row, call.base_url)}, 201)


async def show_group(call: IdentityCall) -> Reply:
    row = await groups.find(call.transaction, call.parameters["group"])
    return Reply({"group": schemas.group(row, call.base_url)})


async def update_group(call: IdentityCall) -> Reply:
    row = await groups.find(call.transaction, call.parameters["group"])
    row = await groups.update(call.transaction, row, call.read(schemas.GroupBody).group)
    return Reply({"group": schemas.group(row, call.base_url)})


async def delete_group(call: IdentityCall) -> Reply:
    await groups.delete(call.transaction, call.parameters["group"])
    return Reply(status=204)


async def list_members(call: IdentityCall) -> Reply:
    group = call.parameters["group"]
    rows = await groups.members(call.transaction, group, call.query)
    return page(call, "users", [schemas.user(row, call.base_url) for row in rows], path=f"groups/{group}/users")


async def add_member(call: IdentityCall) -> Reply:
    await groups.add(call.transaction, call.parameters["group"], call.parameters["user"])
    return Reply(status=204)


async def check_member(call: IdentityCall) -> Reply:
    await groups.check(call.transaction, call.parameters["group"], call.parameters["user"])
    return Reply(status=204)


async def remove_member(call: IdentityCall) -> Reply:
    await groups.remove(call.transaction, call.parameters["group"], call.parameters["user"])
    return Reply(status=204)


ROUTES = [
    Route("GET", "/v3/groups", list_groups, "identity:list_groups"),
    Route("POST", "/v3/groups", create_group, "identity:create_group"),
    Route("GET", "/v3/groups/{group}", show_group, "identity:get_group"),
    Route("PATCH", "/v3/groups/{group}", update_group, "identity:update_group"),
    Route("DELETE", "/v3/groups/{group}", delete_group, "identity:delete_group"),
    Route("GET", "/v3/groups/{group}/users", list_members, "identity:list_users_in_group"),
    Route("GET", "/v3/groups/{group}/users/{user}", check_member, "identity:check_user_in_group"),
    Route("PUT", "/v3/groups/{group}/users/{user}", add_member, "identity:add_user_to_group"),
    Route("DELETE", "/v3/groups/{group}/users/{user}", remove_member, "identity:remove_user_from_group"),
    Route("GET", "/v3/users/{user}/groups", list_user_groups, "identity:list_groups_for_user"),
]
