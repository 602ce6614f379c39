"""Handlers of volumes and their metadata: parse, call one operation, shape the answer."""

from __future__ import annotations

import hashlib

import msgspec

from boxship.core.errors import BadRequest
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume import errors, versions
from boxship.services.volume.model import Volume
from boxship.services.volume.operations import following, resource_filters, volumes
from boxship.services.volume.schemas import volumes as wire

VolumeCall = Call[None]


async def create_volume(call: VolumeCall) -> Reply:
    wish = wire.wish(call.read(wire.CreateRequest), call.parameters["project_id"])
    volume = await volumes.create_volume(call.transaction, call.caller, call.settings, wish)
    return await _reply(call, volume, 202)


async def _reply(call: VolumeCall, volume: Volume, status: int = 200) -> Reply:
    (detail,) = await volumes.describe(call.transaction, [volume])
    return Reply({"volume": wire.shown(call, detail)}, status)


async def list_volumes(call: VolumeCall) -> Reply:
    found, more = await _found(call)
    listed = wire.listed(call, "volumes", (wire.brief(call, volume) for volume in found), more=more)
    return Reply(listed | await _counted(call))


async def _found(call: VolumeCall) -> tuple[list[Volume], bool]:
    if call.path.endswith("/volumes/"):
        raise errors.VolumeNotFound("")  # as Cinder does: a client that lost the id must not take the list for a volume
    if call.version >= versions.STRICT_FILTERS:
        resource_filters.require_known(call.query, volumes.FILTERS)
    return await volumes.list_volumes(call.transaction, call.caller, call.parameters["project_id"], call.query)


async def _counted(call: VolumeCall) -> dict[str, int]:
    """How many there are in all pages, where that is asked for."""
    if call.version < versions.COUNTS or not call.query.flag("with_count"):
        return {}
    project = call.parameters["project_id"]
    return {"count": await volumes.count_volumes(call.transaction, call.caller, project, call.query)}


async def list_details(call: VolumeCall) -> Reply:
    found, more = await _found(call)
    details = await volumes.describe(call.transaction, found)
    extra = wire.admin_fields(call)
    shown = (wire.extended(call, detail, extra) for detail in details)
    return Reply(wire.listed(call, "volumes", shown, more=more) | await _counted(call))


async def show_summary(call: VolumeCall) -> Reply:
    project = call.parameters["project_id"]
    count, gigabytes, metadata = await volumes.summarise(call.transaction, call.caller, project, call.query)
    summary: dict[str, object] = {"total_size": gigabytes, "total_count": count}
    if call.version >= versions.SUMMARY_METADATA:
        summary["metadata"] = metadata
    return Reply({"volume-summary": summary})


async def show_volume(call: VolumeCall) -> Reply:
    volume = await volumes.get_volume(call.transaction, call.caller, call.parameters["volume"])
    (detail,) = await volumes.describe(call.transaction, [volume])
    return Reply({"volume": wire.extended(call, detail, wire.admin_fields(call))})


async def name_no_volume(_call: VolumeCall) -> Reply:
    raise errors.VolumeNotFound("")


async def update_volume(call: VolumeCall) -> Reply:
    request = call.read(wire.UpdateRequest)
    volume = await volumes.update_volume(
        call.transaction, call.caller, call.parameters["volume"], wire.changes(request), request.volume.metadata
    )
    return await _reply(call, volume)


async def delete_volume(call: VolumeCall) -> Reply:
    if call.version >= versions.FORCED_DELETE and call.query.flag("force"):
        call.caller.require("volume:force_delete")
    cascade = call.query.flag("cascade")
    await following.adopt(call.transaction, call.caller, call.settings, call.parameters["volume"])
    await volumes.delete_volume(call.transaction, call.caller, call.parameters["volume"], cascade=cascade)
    return Reply(status=202)


async def list_metadata(call: VolumeCall) -> Reply:
    return _metadata(await volumes.get_metadata(call.transaction, call.caller, call.parameters["volume"]))


def _metadata(pairs: dict[str, str]) -> Reply:
    """The metadata with its ETag (3.15): the same pairs, the same tag."""
    digest = hashlib.sha256(msgspec.json.encode(pairs, order="deterministic")).hexdigest()
    return Reply({"metadata": pairs}, 200, {"ETag": f'"{digest[:32]}"'})


async def add_metadata(call: VolumeCall) -> Reply:
    pairs = call.read(wire.MetadataRequest).metadata
    id = call.parameters["volume"]
    return _metadata(await volumes.set_metadata(call.transaction, call.caller, id, pairs, replace=False))


async def replace_metadata(call: VolumeCall) -> Reply:
    pairs = call.read(wire.MetadataRequest).metadata
    id = call.parameters["volume"]
    return _metadata(await volumes.set_metadata(call.transaction, call.caller, id, pairs, replace=True))


async def show_metadata_item(call: VolumeCall) -> Reply:
    id, key = call.parameters["volume"], call.parameters["key"]
    value = await volumes.get_metadata_item(call.transaction, call.caller, id, key)
    return Reply({"meta": {key: value}})


async def set_metadata_item(call: VolumeCall) -> Reply:
    pairs = call.read(wire.MetadataItemRequest).meta
    key = call.parameters["key"]
    if key not in pairs:
        raise BadRequest("the key in the body is not the one in the path", field="meta")
    await volumes.set_metadata(call.transaction, call.caller, call.parameters["volume"], pairs, replace=False)
    return Reply({"meta": pairs})


async def delete_metadata_item(call: VolumeCall) -> Reply:
    id, key = call.parameters["volume"], call.parameters["key"]
    await volumes.delete_metadata(call.transaction, call.caller, id, key)
    return Reply()


_ALL = "/v3/{project_id}/volumes"
_ONE = f"{_ALL}/{{volume}}"

ROUTES = [
    Route("POST", _ALL, create_volume, "volume:create"),
    Route("GET", _ALL, list_volumes, "volume:get_all"),
    Route("GET", f"{_ALL}/detail", list_details, "volume:get_all"),
    Route("GET", f"{_ALL}/summary", show_summary, "volume:get_all", since=versions.SUMMARY),
    Route("GET", _ONE, show_volume, "volume:get"),
    Route("PUT", _ALL, name_no_volume, "volume:update"),
    Route("DELETE", _ALL, name_no_volume, "volume:delete"),
    Route("PUT", _ONE, update_volume, "volume:update"),
    Route("DELETE", _ONE, delete_volume, "volume:delete"),
    Route("GET", f"{_ONE}/metadata", list_metadata, "volume:get_volume_metadata"),
    Route("POST", f"{_ONE}/metadata", add_metadata, "volume:create_volume_metadata"),
    Route("PUT", f"{_ONE}/metadata", replace_metadata, "volume:update_volume_metadata"),
    Route("GET", f"{_ONE}/metadata/{{key}}", show_metadata_item, "volume:get_volume_metadata"),
    Route("PUT", f"{_ONE}/metadata/{{key}}", set_metadata_item, "volume:update_volume_metadata"),
    Route("DELETE", f"{_ONE}/metadata/{{key}}", delete_metadata_item, "volume:delete_volume_metadata"),
]
