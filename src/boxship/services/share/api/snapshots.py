"""Handlers of snapshots of shares: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.share.operations import snapshots
from boxship.services.share.schemas import actions
from boxship.services.share.schemas import shares as share_wire
from boxship.services.share.schemas import snapshots as wire
from boxship.services.share.schemas.shares import ShareCall


async def create_snapshot(call: ShareCall) -> Reply:
    wish = wire.wish(call.read(wire.CreateRequest))
    snapshot = await snapshots.create_snapshot(call.transaction, call.caller, call.settings, wish)
    return Reply({"snapshot": wire.shown(call, snapshot)}, 202)


async def list_snapshots(call: ShareCall) -> Reply:
    found, more = await snapshots.list_snapshots(call.transaction, call.caller, call.query)
    return Reply(share_wire.listed(call, "snapshots", (wire.brief(call, one) for one in found), more=more))


async def list_details(call: ShareCall) -> Reply:
    found, more = await snapshots.list_snapshots(call.transaction, call.caller, call.query)
    return Reply(share_wire.listed(call, "snapshots", (wire.shown(call, one) for one in found), more=more))


async def show_snapshot(call: ShareCall) -> Reply:
    snapshot = await snapshots.get_snapshot(call.transaction, call.caller, call.parameters["snapshot"])
    return Reply({"snapshot": wire.shown(call, snapshot)})


async def update_snapshot(call: ShareCall) -> Reply:
    wanted = wire.changes(call.read(wire.UpdateRequest).snapshot)
    snapshot = await snapshots.update_snapshot(call.transaction, call.caller, call.parameters["snapshot"], wanted)
    return Reply({"snapshot": wire.shown(call, snapshot)})


async def delete_snapshot(call: ShareCall) -> Reply:
    await snapshots.delete_snapshot(call.transaction, call.caller, call.parameters["snapshot"])
    return Reply(status=202)


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

ROUTES = [
    Route("POST", _ALL, create_snapshot, "share:create_snapshot"),
    Route("GET", _ALL, list_snapshots, "share_snapshot:get_all_snapshots"),
    Route("GET", f"{_ALL}/detail", list_details, "share_snapshot:get_all_snapshots"),
    Route("GET", _ONE, show_snapshot, "share_snapshot:get_snapshot"),
    Route("PUT", _ONE, update_snapshot, "share:snapshot_update"),
    Route("DELETE", _ONE, delete_snapshot, "share:delete_snapshot"),
    Route("POST", f"{_ONE}/action", act, "share_snapshot:actions"),
]
