"""Handlers of snapshots of shares: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.share import versions
from boxship.services.share.model import Snapshot
from boxship.services.share.operations import snapshots
from boxship.services.share.schemas import actions
from boxship.services.share.schemas import shares as share_wire
from boxship.services.share.schemas import snapshots as wire
from boxship.services.share.schemas.shares import ShareCall


async def create_snapshot(call: ShareCall) -> Reply:
    wish = wire.wish(call.read(wire.CreateRequest))
    snapshot = await snapshots.create_snapshot(call.transaction, call.caller, call.settings, wish)
    return await _reply(call, snapshot, 202)


async def _reply(call: ShareCall, snapshot: Snapshot, status: int = 200) -> Reply:
    (shown,) = await _shown(call, [snapshot])
    return Reply({"snapshot": shown}, status)


async def _shown(call: ShareCall, found: list[Snapshot]) -> list[share_wire.Document]:
    metadata = await snapshots.metadata_of(call.transaction, found)
    return [wire.shown(call, one, metadata.get(one.id, {})) for one in found]


async def list_snapshots(call: ShareCall) -> Reply:
    found, more = await snapshots.list_snapshots(call.transaction, call.caller, call.query)
    return Reply(share_wire.listed(call, "snapshots", (wire.brief(call, one) for one in found), more=more))


async def list_details(call: ShareCall) -> Reply:
    found, more = await snapshots.list_snapshots(call.transaction, call.caller, call.query)
    return Reply(share_wire.listed(call, "snapshots", await _shown(call, found), more=more))


async def show_snapshot(call: ShareCall) -> Reply:
    snapshot = await snapshots.get_snapshot(call.transaction, call.caller, call.parameters["snapshot"])
    return await _reply(call, snapshot)


async def update_snapshot(call: ShareCall) -> Reply:
    wanted = wire.changes(call.read(wire.UpdateRequest).snapshot)
    snapshot = await snapshots.update_snapshot(call.transaction, call.caller, call.parameters["snapshot"], wanted)
    return await _reply(call, snapshot)


async def delete_snapshot(call: ShareCall) -> Reply:
    await snapshots.delete_snapshot(call.transaction, call.caller, call.parameters["snapshot"])
    return Reply(status=202)


async def list_locations(call: ShareCall) -> Reply:
    """Snapshots are not mounted, and so are nowhere to be mounted from; clients ask with every look at a snapshot."""
    await snapshots.get_snapshot(call.transaction, call.caller, call.parameters["snapshot"])
    return Reply({"share_snapshot_export_locations": []})


async def list_metadata(call: ShareCall) -> Reply:
    pairs = await snapshots.get_metadata(call.transaction, call.caller, call.parameters["snapshot"])
    return Reply({"metadata": pairs})


async def add_metadata(call: ShareCall) -> Reply:
    return await _set(call, call.read(share_wire.MetadataRequest).metadata, replace=False)


async def replace_metadata(call: ShareCall) -> Reply:
    return await _set(call, call.read(share_wire.MetadataRequest).metadata, replace=True)


async def _set(call: ShareCall, pairs: dict[str, str], *, replace: bool) -> Reply:
    id = call.parameters["snapshot"]
    return Reply({"metadata": await snapshots.set_metadata(call.transaction, call.caller, id, pairs, replace=replace)})


async def show_metadata_item(call: ShareCall) -> Reply:
    id, key = call.parameters["snapshot"], call.parameters["key"]
    return Reply({"meta": {key: await snapshots.get_metadata_item(call.transaction, call.caller, id, key)}})


async def set_metadata_item(call: ShareCall) -> Reply:
    pair = share_wire.item(call.read(share_wire.MetadataItemRequest), call.parameters["key"])
    await snapshots.set_metadata(call.transaction, call.caller, call.parameters["snapshot"], pair, replace=False)
    return Reply({"metadata": pair})


async def delete_metadata_item(call: ShareCall) -> Reply:
    id, key = call.parameters["snapshot"], call.parameters["key"]
    await snapshots.delete_metadata(call.transaction, call.caller, id, key)
    return Reply()


_ACTIONS = frozenset({"reset_status", "force_delete"})


async def act(call: ShareCall) -> Reply:
    name, said = actions.action(call.read(actions.Body), call.version, _ACTIONS)
    id = call.parameters["snapshot"]
    if name == "reset_status":
        await snapshots.reset_status(call.transaction, call.caller, id, actions.status(said))
    else:
        await snapshots.delete_snapshot(call.transaction, call.caller, id, force=True)
    return Reply(status=202)


_ALL = "/v2/snapshots"
_ONE = f"{_ALL}/{{snapshot}}"
_PAIRS = f"{_ONE}/metadata"
_SINCE = versions.SNAPSHOT_METADATA

ROUTES = [
    Route("POST", _ALL, create_snapshot, "share:create_snapshot"),
    Route("GET", _ALL, list_snapshots, "share_snapshot:get_all_snapshots"),
    Route("GET", f"{_ALL}/detail", list_details, "share_snapshot:get_all_snapshots"),
    Route("GET", _ONE, show_snapshot, "share_snapshot:get_snapshot"),
    Route("PUT", _ONE, update_snapshot, "share:snapshot_update"),
    Route("DELETE", _ONE, delete_snapshot, "share:delete_snapshot"),
    Route("POST", f"{_ONE}/action", act, "share_snapshot:actions"),
    Route(
        "GET",
        f"{_ONE}/export-locations",
        list_locations,
        "share_snapshot_export_location:index",
        since=versions.MOUNT_SNAPSHOT,
    ),
    Route("GET", _PAIRS, list_metadata, "share_snapshot:get_metadata", since=_SINCE),
    Route("POST", _PAIRS, add_metadata, "share_snapshot:update_metadata", since=_SINCE),
    Route("PUT", _PAIRS, replace_metadata, "share_snapshot:update_metadata", since=_SINCE),
    Route("GET", f"{_PAIRS}/{{key}}", show_metadata_item, "share_snapshot:get_metadata", since=_SINCE),
    Route("PUT", f"{_PAIRS}/{{key}}", set_metadata_item, "share_snapshot:update_metadata", since=_SINCE),
    Route("DELETE", f"{_PAIRS}/{{key}}", delete_metadata_item, "share_snapshot:delete_metadata", since=_SINCE),
]
