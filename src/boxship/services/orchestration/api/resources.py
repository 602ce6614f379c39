"""Handlers of resources and events of stacks: parse, call one operation, shape the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from boxship.core import errors as core_errors
from boxship.core.http.call import Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.orchestration import errors
from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.model import Resource, Stack
from boxship.services.orchestration.operations import looking, resources, sights, stacks
from boxship.services.orchestration.schemas import resources as wire


async def _stack(call: StackCall, *, lock: bool = False) -> Stack:
    name, id = call.parameters["stack"], call.parameters["id"]
    if lock:
        return await stacks.present(call.transaction, call.caller, name, id)
    return await stacks.exact(call.transaction, call.caller, name, id)


def _depth(call: StackCall) -> int:
    """How deep nested stacks are looked into: a number, or yes for as deep as they can be."""
    given = call.query.one("nested_depth")
    if given is None:
        return 0
    if not given.isdigit() and given.lower() in {"true", "false"}:
        return call.settings.max_nested_depth if call.query.flag("nested_depth") else 0
    return min(call.query.number("nested_depth") or 0, call.settings.max_nested_depth)


_FILTERS: dict[str, Callable[[Resource], str | None]] = {
    "type": lambda row: row.type,
    "name": lambda row: row.name,
    "status": lambda row: row.status,
    "action": lambda row: row.action,
    "id": lambda row: row.id,
    "physical_resource_id": lambda row: row.physical_id,
}


def _is_wanted(call: StackCall, row: Resource) -> bool:
    return all(str(read(row)) in call.query.all(key) for key, read in _FILTERS.items() if call.query.all(key))


async def list_resources(call: StackCall) -> Reply:
    stack = await _stack(call)
    found = await looking.resources(call.transaction, stack, depth=_depth(call))
    children: dict[str, Stack] = {}
    for each in {entry[0].id: entry[0] for entry in found}.values():
        children |= await looking.nested(call.transaction, each)
    shown = [
        wire.brief(call, each, row, rows, children.get(row.physical_id or ""))
        for each, row, rows in found
        if _is_wanted(call, row)
    ]
    if call.query.flag("with_detail"):
        by_name = {(each.id, row.name): row for each, row, _ in found}
        for entry, (each, row, _) in zip(shown, [one for one in found if _is_wanted(call, one[1])], strict=True):
            entry["metadata"] = by_name[each.id, row.name].metadata
    return Reply({"resources": shown})


async def show_resource(call: StackCall) -> Reply:
    stack = await _stack(call)
    row = await looking.resource(call.transaction, stack, call.parameters["name"])
    found = await looking.resources(call.transaction, stack)
    rows = next((rows for _, each, rows in found if each.id == row.id), [row])
    child = (await looking.nested(call.transaction, stack)).get(row.physical_id or "")
    attributes, description = await _attributes(call, stack, row)
    brief = wire.brief(call, stack, row, rows, child)
    return Reply({"resource": wire.detail(brief, row, description, attributes)})


async def _attributes(call: StackCall, stack: Stack, row: Resource) -> tuple[dict[str, Any] | None, str]:
    """What the resource says of itself (None where nobody can ask), and what the template says of it."""
    try:
        sight = await sights.sight(call.transaction, call.live, stack)
    except core_errors.RequestError:
        return None, ""
    definition = sight.blueprint.wanted.get(row.name)
    description = definition.description if definition else ""
    try:
        attributes = await sight.attributes(row.name)
        for name in call.query.all("with_attr"):
            attributes[name] = await sight.attribute(row.name, name)
    except core_errors.RequestError:
        return {}, description
    return attributes, description


async def show_metadata(call: StackCall) -> Reply:
    row = await looking.resource(call.transaction, await _stack(call), call.parameters["name"])
    return Reply({"metadata": row.metadata})


async def signal_resource(call: StackCall) -> Reply:
    details = call.read(object) if call.body else None
    stack = await _stack(call, lock=True)
    await resources.signal(call.transaction, call.live, stack, call.parameters["name"], details)
    return Reply(status=200)


async def signal_signed(call: StackCall) -> Reply:
    details = call.read(object) if call.body else None
    signature = call.query.one("signature") or ""
    await resources.signal_signed(call.transaction, call.live, call.parameters["resource"], signature, details)
    return Reply(status=200)


async def mark_resource(call: StackCall) -> Reply:
    asked = call.read(wire.UnhealthyRequest)
    stack = await _stack(call, lock=True)
    await resources.mark(
        call.transaction,
        stack,
        call.parameters["name"],
        unhealthy=asked.mark_unhealthy,
        reason=asked.resource_status_reason,
    )
    return Reply(status=200)


async def list_events(call: StackCall) -> Reply:
    stack = await _stack(call)
    name = call.parameters.get("name")
    nested = _depth(call) > 0
    found = await looking.events(call.transaction, stack, call.query, resource_name=name, nested=nested)
    if not found and name is not None:
        await looking.resource(call.transaction, stack, name)
    known = await looking.names(call.transaction, [stack.id, *(event.stack_id for event in found)])
    shown = [wire.event(call, known.get(event.stack_id, stack), event) for event in found]
    return Reply({"events": shown})


async def show_event(call: StackCall) -> Reply:
    stack = await _stack(call)
    event = await looking.event(call.transaction, stack, call.parameters["event"])
    if event.resource_name != call.parameters["name"]:
        raise errors.EntityNotFound("Event", call.parameters["event"])
    return Reply({"event": wire.event(call, stack, event, with_properties=True)})


_STACK = "/v1/{project_id}/stacks/{stack}/{id}"
_ONE = f"{_STACK}/resources/{{name}}"

ROUTES = [
    Route("GET", f"{_STACK}/resources", list_resources, "resource:index"),
    Route("GET", _ONE, show_resource, "resource:show"),
    Route("PATCH", _ONE, mark_resource, "resource:mark_unhealthy"),
    Route("GET", f"{_ONE}/metadata", show_metadata, "resource:metadata"),
    Route("POST", f"{_ONE}/signal", signal_resource, "resource:signal"),
    Route("POST", "/v1/signal/{resource}", signal_signed, PUBLIC),
    Route("PUT", "/v1/signal/{resource}", signal_signed, PUBLIC),
    Route("GET", f"{_STACK}/events", list_events, "events:index"),
    Route("GET", f"{_ONE}/events", list_events, "events:index"),
    Route("GET", f"{_ONE}/events/{{event}}", show_event, "events:show"),
]
