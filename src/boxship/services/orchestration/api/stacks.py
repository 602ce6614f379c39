"""Handlers of stacks: parse, call one operation, shape the answer."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from boxship.core import errors as core_errors
from boxship.core.http.call import Reply
from boxship.core.http.routes import Handler, Route
from boxship.services.orchestration import errors
from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.model import Action, Stack
from boxship.services.orchestration.operations import adoption, looking, previews, sights, stacks
from boxship.services.orchestration.schemas import previews as preview_wire
from boxship.services.orchestration.schemas import stacks as wire


async def create_stack(call: StackCall) -> Reply:
    asked = call.read(wire.StackRequest)
    begin = stacks.create if asked.adopt_stack_data is None else adoption.adopt
    stack = await begin(call.transaction, call.caller, call.settings, asked.sent(), asked.wanted())
    return _begun(call, stack)


def _begun(call: StackCall, stack: Stack) -> Reply:
    location = wire.link(call, stack.project_id, f"{stack.name}/{stack.id}")
    return Reply({"stack": wire.created(call, stack)}, 201, {"Location": location})


async def preview_stack(call: StackCall) -> Reply:
    asked = call.read(wire.StackRequest)
    stack, blueprint = await stacks.preview(call.transaction, call.caller, call.settings, asked.sent(), asked.wanted())
    return Reply({"stack": preview_wire.stack(call, stack, blueprint)})


async def list_stacks(call: StackCall) -> Reply:
    return await _listed(call)


async def list_details(call: StackCall) -> Reply:
    return await _listed(call)


async def _listed(call: StackCall) -> Reply:
    wanted = looking.StackList(call.query, everybodys=call.query.flag("global_tenant"))
    if wanted.everybodys:
        call.caller.require("stacks:global_index")
    found, count, more = await looking.list_stacks(call.transaction, call.caller, call.parameters["project_id"], wanted)
    described = await looking.descriptions(call.transaction, found)
    shown = [wire.brief(call, stack, described[stack.id], with_project=wanted.everybodys) for stack in found]
    body: wire.Document = {"stacks": shown}
    if more:
        query = "&".join(f"{quote(key)}={quote(value)}" for key, value in call.query.pairs if key != "marker")
        next_page = f"{call.base_url}/v1/{call.parameters['project_id']}/stacks?{query}&marker={found[-1].id}"
        body["links"] = [{"rel": "next", "href": next_page}]
    if count is not None:
        body["count"] = count
    return Reply(body)


async def find_stack(call: StackCall) -> Reply:
    """Send the caller from a name or id to the stack itself."""
    return await _found(call, "")


def find_part(part: str) -> Handler:
    """A handler that sends the caller from a name or id to a part of the stack."""

    async def find(call: StackCall) -> Reply:
        return await _found(call, f"/{part}")

    return find


async def _found(call: StackCall, rest: str) -> Reply:
    given = call.parameters["stack"]
    if given.startswith("arn:"):
        given = given.rpartition("/")[2]
    stack = await stacks.get(call.transaction, call.caller, given)
    query = (
        "?" + "&".join(f"{quote(key)}={quote(value)}" for key, value in call.query.pairs) if call.query.pairs else ""
    )
    where = wire.link(call, stack.project_id, f"{quote(stack.name)}/{stack.id}{rest}{query}")
    return Reply({"message": f"The stack is at {where}."}, 302, {"Location": where})


async def _exact(call: StackCall, *, lock: bool = False) -> Stack:
    name, id = call.parameters["stack"], call.parameters["id"]
    if lock:
        return await stacks.present(call.transaction, call.caller, name, id)
    return await stacks.exact(call.transaction, call.caller, name, id)


async def show_stack(call: StackCall) -> Reply:
    stack = await _exact(call)
    resolves = call.query.flag("resolve_outputs", default=True)
    if stack.deleted_at is not None:
        return Reply({"stack": wire.shown(call, stack, None, None)})
    try:
        sight = await sights.sight(call.transaction, call.live, stack)
    except core_errors.RequestError as error:  # a template that is not valid any more, or an owner without rights
        return Reply({"stack": wire.shown(call, stack, None, []) | {"parameters_error": error.sentence}})
    outputs = await sight.outputs() if resolves else None
    return Reply({"stack": wire.shown(call, stack, sight.blueprint, outputs)})


async def show_template(call: StackCall) -> Reply:
    stack = await _exact(call)
    return Reply((await looking.raw(call.transaction, stack)).template)


async def show_environment(call: StackCall) -> Reply:
    stack = await _exact(call)
    raw = await looking.raw(call.transaction, stack)
    return Reply(wire.environment(raw, looking.hidden(raw)))


async def show_files(call: StackCall) -> Reply:
    stack = await _exact(call)
    return Reply((await looking.raw(call.transaction, stack)).files)


async def replace_stack(call: StackCall) -> Reply:
    return await _updated(call, patches=False)


async def patch_stack(call: StackCall) -> Reply:
    return await _updated(call, patches=True)


async def _updated(call: StackCall, *, patches: bool) -> Reply:
    asked = call.read(wire.StackRequest)
    stack = await _exact(call, lock=True)
    change = asked.update(patches=patches or bool(asked.existing))
    await stacks.update(call.transaction, call.caller, call.settings, stack, change)
    return Reply(status=202)


async def preview_replacement(call: StackCall) -> Reply:
    return await _previewed(call, patches=False)


async def preview_patch(call: StackCall) -> Reply:
    return await _previewed(call, patches=True)


async def _previewed(call: StackCall, *, patches: bool) -> Reply:
    asked = call.read(wire.StackRequest)
    stack = await _exact(call)
    found = await previews.update(
        call.transaction, call.live, stack, asked.update(patches=patches or bool(asked.existing))
    )
    return Reply({"resource_changes": preview_wire.changes(call, stack, found)})


async def delete_stack(call: StackCall) -> Reply:
    stack = await _exact(call, lock=True)
    await stacks.delete(call.transaction, call.caller, stack)
    return Reply(status=204)


async def abandon_stack(call: StackCall) -> Reply:
    stack = await _exact(call, lock=True)
    return Reply(await stacks.abandon(call.transaction, stack, await stacks.export(call.transaction, stack)))


async def export_stack(call: StackCall) -> Reply:
    return Reply(await stacks.export(call.transaction, await _exact(call)))


async def list_outputs(call: StackCall) -> Reply:
    sight = await sights.sight(call.transaction, call.live, await _exact(call))
    shown = [{"output_key": each.name, "description": each.description} for each in sight.blueprint.outputs.values()]
    return Reply({"outputs": shown})


async def show_output(call: StackCall) -> Reply:
    sight = await sights.sight(call.transaction, call.live, await _exact(call))
    found = await sight.outputs(call.parameters["key"])
    if not found:
        raise errors.EntityNotFound("Output", call.parameters["key"])
    return Reply({"output": found[0]})


_ACTIONS = {
    "suspend": Action.SUSPEND,
    "resume": Action.RESUME,
    "check": Action.CHECK,
}


async def act(call: StackCall) -> Reply:
    """One of the actions; the body names it as its only key."""
    asked = call.read(dict[str, object])
    if len(asked) != 1:
        raise errors.NotSupported("Only one action can be specified at a time" if asked else "No action specified")
    (name,) = asked
    stack = await _exact(call, lock=True)
    if name in _ACTIONS:
        call.caller.require(f"actions:{name}", {"project_id": stack.project_id})
        await stacks.act(call.transaction, call.caller, stack, _ACTIONS[name])
    elif name in {"cancel_update", "cancel_without_rollback"}:
        call.caller.require(f"actions:{name}", {"project_id": stack.project_id})
        await stacks.cancel(call.transaction, stack, rolls_back=name == "cancel_update")
    else:
        raise errors.NotSupported(f"Invalid action {name[:60]} specified")
    return Reply(status=202)


async def validate_template(call: StackCall) -> Reply:
    asked = call.read(wire.StackRequest)
    nested = call.query.flag("show_nested") or bool(asked.show_nested)
    ignored = (call.query.one("ignore_errors") or "").split(",")
    checked = previews.validated(call.settings, asked.sent(), ignored=ignored, nested=nested)
    return Reply(msgspec.to_builtins(checked))


_ALL = "/v1/{project_id}/stacks"
_NAMED = f"{_ALL}/{{stack}}"
_ONE = f"{_NAMED}/{{id}}"

ROUTES = [
    Route("POST", "/v1/{project_id}/validate", validate_template, "stacks:validate_template", writes=False),
    Route("GET", _ALL, list_stacks, "stacks:index"),
    Route("POST", _ALL, create_stack, "stacks:create"),
    Route("POST", f"{_ALL}/preview", preview_stack, "stacks:preview", writes=False),
    Route("GET", f"{_ALL}/detail", list_details, "stacks:detail"),
    *(
        Route(method, _NAMED, find_stack, "stacks:lookup", writes=False)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
    *(
        Route("GET", f"{_NAMED}/{part}", find_part(part), "stacks:lookup")
        for part in ("resources", "events", "template", "environment", "files", "outputs", "snapshots", "export")
    ),
    Route("POST", f"{_NAMED}/actions", find_part("actions"), "stacks:lookup", writes=False),
    Route("GET", _ONE, show_stack, "stacks:show"),
    Route("PUT", _ONE, replace_stack, "stacks:update"),
    Route("PATCH", _ONE, patch_stack, "stacks:update_patch"),
    Route("DELETE", _ONE, delete_stack, "stacks:delete"),
    Route("PUT", f"{_ONE}/preview", preview_replacement, "stacks:preview_update", writes=False),
    Route("PATCH", f"{_ONE}/preview", preview_patch, "stacks:preview_update_patch", writes=False),
    Route("GET", f"{_ONE}/template", show_template, "stacks:template"),
    Route("GET", f"{_ONE}/environment", show_environment, "stacks:environment"),
    Route("GET", f"{_ONE}/files", show_files, "stacks:files"),
    Route("DELETE", f"{_ONE}/abandon", abandon_stack, "stacks:abandon"),
    Route("GET", f"{_ONE}/export", export_stack, "stacks:export"),
    Route("GET", f"{_ONE}/outputs", list_outputs, "stacks:list_outputs"),
    Route("GET", f"{_ONE}/outputs/{{key}}", show_output, "stacks:show_output"),
    Route("POST", f"{_ONE}/actions", act, "actions:action"),
]
