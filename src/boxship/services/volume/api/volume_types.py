"""Handlers of volume types and their extra specs."""

from __future__ import annotations

from boxship.core.errors import BadRequest
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume.operations import volume_types
from boxship.services.volume.schemas import volume_types as wire
from boxship.services.volume.schemas import volumes as volume_wire

TypeCall = Call[None]


async def create_type(call: TypeCall) -> Reply:
    wish = wire.wish(call.read(wire.CreateRequest).volume_type)
    return Reply({"volume_type": wire.made(await volume_types.create_type(call.transaction, wish))})


async def list_types(call: TypeCall) -> Reply:
    found, more = await volume_types.list_types(call.transaction, call.caller, call.query)
    return Reply(volume_wire.listed(call, "volume_types", (wire.shown(one) for one in found), more=more))


async def show_type(call: TypeCall) -> Reply:
    found = await volume_types.get_type(call.transaction, call.caller, call.parameters["type"])
    return Reply({"volume_type": wire.shown(found)})


async def update_type(call: TypeCall) -> Reply:
    changes = wire.changes(call.read(wire.UpdateRequest).volume_type)
    if not changes:
        raise BadRequest("name, description and is_public cannot all be empty", field="volume_type")
    changed = await volume_types.update_type(call.transaction, call.caller, call.parameters["type"], changes)
    return Reply({"volume_type": wire.changed(changed)})


async def delete_type(call: TypeCall) -> Reply:
    await volume_types.delete_type(call.transaction, call.caller, call.parameters["type"])
    return Reply(status=202)


async def list_specs(call: TypeCall) -> Reply:
    found = await volume_types.get_type(call.transaction, call.caller, call.parameters["type"])
    return Reply({"extra_specs": found.extra_specs})


async def set_specs(call: TypeCall) -> Reply:
    specs = call.read(wire.SpecsRequest).extra_specs
    await volume_types.set_specs(call.transaction, call.caller, call.parameters["type"], specs)
    return Reply({"extra_specs": specs})


async def show_spec(call: TypeCall) -> Reply:
    id, key = call.parameters["type"], call.parameters["key"]
    return Reply({key: await volume_types.get_spec(call.transaction, call.caller, id, key)})


async def update_spec(call: TypeCall) -> Reply:
    specs = call.read(wire.Specs)
    if list(specs) != [call.parameters["key"]]:
        raise BadRequest("the body has to hold the key in the path and nothing else", field="extra_specs")
    await volume_types.set_specs(call.transaction, call.caller, call.parameters["type"], specs)
    return Reply(specs)


async def delete_spec(call: TypeCall) -> Reply:
    id, key = call.parameters["type"], call.parameters["key"]
    await volume_types.delete_spec(call.transaction, call.caller, id, key)
    return Reply(status=202)


async def list_access(call: TypeCall) -> Reply:
    found, projects = await volume_types.list_access(call.transaction, call.caller, call.parameters["type"])
    return Reply({"volume_type_access": [{"volume_type_id": found.id, "project_id": one} for one in projects]})


async def act(call: TypeCall) -> Reply:
    request = call.read(wire.ActionRequest)
    id = call.parameters["type"]
    if request.add and not request.remove:
        call.caller.require("volume_extension:volume_type_access:addProjectAccess")
        await volume_types.add_access(call.transaction, call.caller, id, request.add.project)
    elif request.remove and not request.add:
        call.caller.require("volume_extension:volume_type_access:removeProjectAccess")
        await volume_types.remove_access(call.transaction, call.caller, id, request.remove.project)
    else:
        raise BadRequest("exactly one of addProjectAccess and removeProjectAccess is needed", field="action")
    return Reply(status=202)


_ALL = "/v3/{project_id}/types"
_ONE = f"{_ALL}/{{type}}"
_SPECS = f"{_ONE}/extra_specs"
_RULE = "volume_extension:types_extra_specs"

ROUTES = [
    Route("POST", _ALL, create_type, "volume_extension:type_create"),
    Route("GET", _ALL, list_types, "volume_extension:type_get_all"),
    Route("GET", _ONE, show_type, "volume_extension:type_get"),
    Route("PUT", _ONE, update_type, "volume_extension:type_update"),
    Route("DELETE", _ONE, delete_type, "volume_extension:type_delete"),
    Route("POST", f"{_ONE}/action", act, "volume_extension:type_actions"),
    Route(
        "GET",
        f"{_ONE}/os-volume-type-access",
        list_access,
        "volume_extension:volume_type_access:get_all_for_type",
    ),
    Route("GET", _SPECS, list_specs, f"{_RULE}:index"),
    Route("POST", _SPECS, set_specs, f"{_RULE}:create"),
    Route("GET", f"{_SPECS}/{{key}}", show_spec, f"{_RULE}:show"),
    Route("PUT", f"{_SPECS}/{{key}}", update_spec, f"{_RULE}:update"),
    Route("DELETE", f"{_SPECS}/{{key}}", delete_spec, f"{_RULE}:delete"),
]
