"""Handlers of snapshots, their metadata and actions: parse, call one operation, shape the answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from boxship.core.errors import BadRequest
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume import versions
from boxship.services.volume.model import Snapshot
from boxship.services.volume.operations import snapshots
from boxship.services.volume.schemas import snapshots as wire
from boxship.services.volume.schemas import volumes as volume_wire

SnapshotCall = Call[None]
_Shape = Callable[[SnapshotCall, Snapshot, dict[str, str]], wire.Document]


async def create_snapshot(call: SnapshotCall) -> Reply:
    wish = wire.wish(call.read(wire.CreateRequest), call)
    snapshot = await snapshots.create_snapshot(call.transaction, call.caller, call.settings, wish)
    return Reply({"snapshot": wire.shown(call, snapshot, wish.metadata)}, 202)


async def list_snapshots(call: SnapshotCall) -> Reply:
    return await _listed(call, wire.shown)


async def list_details(call: SnapshotCall) -> Reply:
    return await _listed(call, wire.extended)


async def _listed(call: SnapshotCall, shape: _Shape) -> Reply:
    project = call.parameters["project_id"]
    found, more = await snapshots.list_snapshots(call.transaction, call.caller, project, call.query)
    metadata = await snapshots.metadata_of(call.transaction, found)
    shown = (shape(call, snapshot, metadata.get(snapshot.id, {})) for snapshot in found)
    answer = volume_wire.listed(call, "snapshots", shown, more=more)
    if call.version >= versions.COUNTS and call.query.flag("with_count"):
        answer["count"] = await snapshots.count_snapshots(call.transaction, call.caller, project, call.query)
    return Reply(answer)


async def show_snapshot(call: SnapshotCall) -> Reply:
    snapshot = await snapshots.get_snapshot(call.transaction, call.caller, call.parameters["snapshot"])
    metadata = await snapshots.metadata_of(call.transaction, [snapshot])
    return Reply({"snapshot": wire.extended(call, snapshot, metadata.get(snapshot.id, {}))})


async def update_snapshot(call: SnapshotCall) -> Reply:
    wanted = wire.changes(call.read(wire.UpdateRequest))
    snapshot = await snapshots.update_snapshot(call.transaction, call.caller, call.parameters["snapshot"], wanted)
    metadata = await snapshots.metadata_of(call.transaction, [snapshot])
    return Reply({"snapshot": wire.shown(call, snapshot, metadata.get(snapshot.id, {}))})


async def delete_snapshot(call: SnapshotCall) -> Reply:
    await snapshots.delete_snapshot(call.transaction, call.caller, call.parameters["snapshot"])
    return Reply(status=202)


async def act(call: SnapshotCall) -> Reply:
    request = call.read(wire.ActionRequest)
    id = call.parameters["snapshot"]
    forced = request.force_delete is not msgspec.UNSET
    if [forced, request.reset_status is not None, request.update_status is not None].count(True) != 1:
        raise BadRequest("exactly one action is needed", field="action")
    if request.reset_status:
        call.caller.require("volume_extension:snapshot_admin_actions:reset_status")
        await snapshots.reset_status(call.transaction, call.caller, id, request.reset_status.status)
    elif request.update_status:
        call.caller.require("snapshot_extension:snapshot_actions:update_snapshot_status", call.parameters)
        told = request.update_status
        await snapshots.update_status(call.transaction, call.caller, id, told.status, told.progress)
    else:
        call.caller.require("volume_extension:snapshot_admin_actions:force_delete")
        await snapshots.delete_snapshot(call.transaction, call.caller, id, force=True)
    return Reply(status=202)


async def list_metadata(call: SnapshotCall) -> Reply:
    pairs = await snapshots.get_metadata(call.transaction, call.caller, call.parameters["snapshot"])
    return Reply({"metadata": pairs})


async def add_metadata(call: SnapshotCall) -> Reply:
    return await _set(call, replace=False)


async def replace_metadata(call: SnapshotCall) -> Reply:
    return await _set(call, replace=True)


async def _set(call: SnapshotCall, *, replace: bool) -> Reply:
    pairs = call.read(volume_wire.MetadataRequest).metadata
    id = call.parameters["snapshot"]
    return Reply({"metadata": await snapshots.set_metadata(call.transaction, call.caller, id, pairs, replace=replace)})


async def show_metadata_item(call: SnapshotCall) -> Reply:
    id, key = call.parameters["snapshot"], call.parameters["key"]
    return Reply({"meta": {key: await snapshots.get_metadata_item(call.transaction, call.caller, id, key)}})


async def set_metadata_item(call: SnapshotCall) -> Reply:
    pairs = call.read(volume_wire.MetadataItemRequest).meta
    if call.parameters["key"] not in pairs:
        raise BadRequest("the key in the body is not the one in the path", field="meta")
    await snapshots.set_metadata(call.transaction, call.caller, call.parameters["snapshot"], pairs, replace=False)
    return Reply({"meta": pairs})


async def delete_metadata_item(call: SnapshotCall) -> Reply:
    id, key = call.parameters["snapshot"], call.parameters["key"]
    await snapshots.delete_metadata(call.transaction, call.caller, id, key)
    return Reply()


_ALL = "/v3/{project_id}/snapshots"
_ONE = f"{_ALL}/{{snapshot}}"

ROUTES = [
    Route("POST", _ALL, create_snapshot, "volume:create_snapshot"),
    Route("GET", _ALL, list_snapshots, "volume:get_all_snapshots"),
    Route("GET", f"{_ALL}/detail", list_details, "volume:get_all_snapshots"),
    Route("GET", _ONE, show_snapshot, "volume:get_snapshot"),
    Route("PUT", _ONE, update_snapshot, "volume:update_snapshot"),
    Route("DELETE", _ONE, delete_snapshot, "volume:delete_snapshot"),
    Route("POST", f"{_ONE}/action", act, "volume_extension:snapshot_actions"),
    Route("GET", f"{_ONE}/metadata", list_metadata, "volume:get_snapshot_metadata"),
    Route("POST", f"{_ONE}/metadata", add_metadata, "volume:update_snapshot_metadata"),
    Route("PUT", f"{_ONE}/metadata", replace_metadata, "volume:update_snapshot_metadata"),
    Route("GET", f"{_ONE}/metadata/{{key}}", show_metadata_item, "volume:get_snapshot_metadata"),
    Route("PUT", f"{_ONE}/metadata/{{key}}", set_metadata_item, "volume:update_snapshot_metadata"),
    Route("DELETE", f"{_ONE}/metadata/{{key}}", delete_metadata_item, "volume:delete_snapshot_metadata"),
]
