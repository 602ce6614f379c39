"""Handlers of snapshots of stacks: parse, call one operation, shape the answer."""

from __future__ import annotations

import msgspec

from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.model import Stack
from boxship.services.orchestration.operations import snapshots, stacks
from boxship.services.orchestration.schemas import stacks as wire


class SnapshotRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST of a snapshot."""

    name: wire.Name | None = None


async def _stack(call: StackCall) -> Stack:
    return await stacks.present(call.transaction, call.caller, call.parameters["stack"], call.parameters["id"])


async def take_snapshot(call: StackCall) -> Reply:
    asked = call.read(SnapshotRequest)
    snapshot = await snapshots.take(call.transaction, call.caller, call.live, await _stack(call), asked.name)
    return Reply(wire.snapshot(snapshot), 201)


async def list_snapshots(call: StackCall) -> Reply:
    stack = await stacks.exact(call.transaction, call.caller, call.parameters["stack"], call.parameters["id"])
    return Reply({"snapshots": [wire.snapshot(found) for found in await snapshots.of(call.transaction, stack)]})


async def show_snapshot(call: StackCall) -> Reply:
    stack = await stacks.exact(call.transaction, call.caller, call.parameters["stack"], call.parameters["id"])
    return Reply({"snapshot": wire.snapshot(await snapshots.get(call.transaction, stack, call.parameters["snapshot"]))})


async def delete_snapshot(call: StackCall) -> Reply:
    await snapshots.delete(call.transaction, call.live, await _stack(call), call.parameters["snapshot"])
    return Reply(status=204)


async def restore_snapshot(call: StackCall) -> Reply:
    stack = await _stack(call)
    await snapshots.restore(call.transaction, call.caller, call.live, stack, call.parameters["snapshot"])
    return Reply(status=202)


_ALL = "/v1/{project_id}/stacks/{stack}/{id}/snapshots"
_ONE = f"{_ALL}/{{snapshot}}"

ROUTES = [
    Route("POST", _ALL, take_snapshot, "stacks:snapshot"),
    Route("GET", _ALL, list_snapshots, "stacks:list_snapshots"),
    Route("GET", _ONE, show_snapshot, "stacks:show_snapshot"),
    Route("DELETE", _ONE, delete_snapshot, "stacks:delete_snapshot"),
    Route("POST", f"{_ONE}/restore", restore_snapshot, "stacks:restore_snapshot"),
]
