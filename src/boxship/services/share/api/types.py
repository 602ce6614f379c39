"""Handlers of share types, their extra specs and who has private ones: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.errors import BadRequest, Forbidden, NotFound
from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.share import versions
from boxship.services.share.model import ShareType
from boxship.services.share.operations import types
from boxship.services.share.schemas import types as wire
from boxship.services.share.schemas.shares import ShareCall


async def list_types(call: ShareCall) -> Reply:
    if call.query.one("extra_specs") and call.version < versions.TYPE_FILTERS:
        raise BadRequest("types are filtered by extra specs since version 2.43", field="extra_specs")
    found = await types.list_types(call.transaction, call.caller, call.query)
    shown = [wire.shown(call, share_type) for share_type in found]
    return Reply({"share_types": shown, "volume_types": shown})


def _reply(call: ShareCall, share_type: ShareType) -> Reply:
    shown = wire.shown(call, share_type)
    return Reply({"share_type": shown, "volume_type": shown})


async def show_default(call: ShareCall) -> Reply:
    return _reply(call, await types.find(call.transaction, call.caller, None))


async def show_type(call: ShareCall) -> Reply:
    return _reply(call, await types.get_type(call.transaction, call.caller, call.parameters["type"]))


async def create_type(call: ShareCall) -> Reply:
    wanted = wire.new_type(call.read(wire.CreateRequest), call)
    return _reply(call, await types.create_type(call.transaction, wanted))


async def update_type(call: ShareCall) -> Reply:
    wanted = wire.changes(call.read(wire.UpdateRequest))
    return _reply(call, await types.update_type(call.transaction, call.caller, call.parameters["type"], wanted))


async def delete_type(call: ShareCall) -> Reply:
    await types.delete_type(call.transaction, call.caller, call.parameters["type"])
    return Reply(status=202)


async def list_specs(call: ShareCall) -> Reply:
    if call.path.endswith("/"):
        return await name_nothing(call)  # a client that lost the key must not take the list for one
    found = await types.get_type(call.transaction, call.caller, call.parameters["type"])
    return Reply({"extra_specs": found.extra_specs})


async def add_specs(call: ShareCall) -> Reply:
    given = call.read(wire.SpecsRequest).extra_specs
    await types.set_specs(call.transaction, call.caller, call.parameters["type"], wire.words(given))
    return Reply({"extra_specs": given})


async def show_spec(call: ShareCall) -> Reply:
    id, key = call.parameters["type"], call.parameters["key"]
    return Reply({key: await types.get_spec(call.transaction, call.caller, id, key)})


async def set_spec(call: ShareCall) -> Reply:
    given = call.read(wire.OneSpec)
    if call.parameters["key"] not in given:
        raise BadRequest("Request body and URI mismatch", field="body")
    specs = wire.words(given)
    await types.set_specs(call.transaction, call.caller, call.parameters["type"], specs)
    return Reply(specs)


async def delete_spec(call: ShareCall) -> Reply:
    id, key = call.parameters["type"], call.parameters["key"]
    if key == types.SNAPSHOTS and call.version < versions.FROM_SNAPSHOT:
        raise Forbidden(f"Extra spec '{key}' can't be deleted.")
    await types.delete_spec(call.transaction, call.caller, id, key)
    return Reply(status=202)


async def name_nothing(_call: ShareCall) -> Reply:
    raise NotFound("A share type, or an extra spec of it, has to be named.")


async def list_access(call: ShareCall) -> Reply:
    found, projects = await types.list_access(call.transaction, call.caller, call.parameters["type"])
    shown = [{"share_type_id": found.id, "project_id": project} for project in projects]
    return Reply({"share_type_access": shown})


async def change_access(call: ShareCall) -> Reply:
    request = call.read(wire.AccessRequest)
    id = call.parameters["type"]
    if (request.add is None) == (request.remove is None):
        raise BadRequest("exactly one action is needed", field="body")
    if request.add:
        await types.add_access(call.transaction, call.caller, id, request.add.project)
    elif request.remove:
        await types.remove_access(call.transaction, call.caller, id, request.remove.project)
    return Reply(status=202)


_ALL = "/v2/types"
_ONE = f"{_ALL}/{{type}}"
_SPECS = f"{_ONE}/extra_specs"

ROUTES = [
    Route("GET", _ALL, list_types, "share_type:index"),
    Route("POST", _ALL, create_type, "share_type:create"),
    Route("GET", f"{_ALL}/default", show_default, "share_type:default"),
    Route("GET", _ONE, show_type, "share_type:show"),
    Route("PUT", _ONE, update_type, "share_type:update", since=versions.TYPE_UPDATE),
    Route("DELETE", _ONE, delete_type, "share_type:delete"),
    Route("POST", _ONE, name_nothing, "share_types_extra_spec:create"),
    Route("PUT", _SPECS, name_nothing, "share_types_extra_spec:update"),
    Route("GET", _SPECS, list_specs, "share_types_extra_spec:index"),
    Route("POST", _SPECS, add_specs, "share_types_extra_spec:create"),
    Route("GET", f"{_SPECS}/{{key}}", show_spec, "share_types_extra_spec:show"),
    Route("PUT", f"{_SPECS}/{{key}}", set_spec, "share_types_extra_spec:update"),
    Route("DELETE", f"{_SPECS}/{{key}}", delete_spec, "share_types_extra_spec:delete"),
    Route(
        "GET",
        f"{_ONE}/share_type_access",
        list_access,
        "share_type:list_project_access",
        since=versions.NO_OS_PREFIX,
    ),
    Route(
        "GET",
        f"{_ONE}/os-share-type-access",
        list_access,
        "share_type:list_project_access",
        until=versions.LAST_OS_PREFIX,
    ),
    Route("POST", f"{_ONE}/action", change_access, "share_type:actions"),
]
