"""Handlers of resource types and template versions: what there is, read from the program itself."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.orchestration import errors
from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.resources import registry
from boxship.services.orchestration.resources.interface import ResourceType
from boxship.services.orchestration.schemas import types as wire
from boxship.services.orchestration.template import constraints, versions


async def list_types(call: StackCall) -> Reply:
    """All types that the caller may use; ``name`` is a pattern."""
    found = [each for each in registry.TYPES.values() if call.caller.is_admin or not each.admin]
    pattern = call.query.one("name")
    if pattern:
        matches = constraints.compiled(pattern)
        found = [each for each in found if matches.search(each.name)]
    version, status = call.query.one("version"), call.query.one("support_status")
    found = [each for each in found if version in {None, each.since} and (status or "SUPPORTED").upper() == "SUPPORTED"]
    names = sorted(each.name for each in found)
    if call.query.flag("with_description"):
        described = [{"resource_type": name, "description": registry.TYPES[name].description} for name in names]
        return Reply({"resource_types": described})
    return Reply({"resource_types": names})


def _type(call: StackCall) -> ResourceType:
    name = call.parameters["type"]
    found = registry.TYPES.get(name)
    if found is None or (found.admin and not call.caller.is_admin):
        raise errors.EntityNotFound("Resource Type", name)
    return found


async def show_type(call: StackCall) -> Reply:
    found = _type(call)
    shown = wire.schema(found)
    return Reply(shown | {"description": found.description} if call.query.flag("with_description") else shown)


async def show_template(call: StackCall) -> Reply:
    kind = call.query.one("template_type") or "cfn"
    if kind.lower() not in {"hot", "cfn"}:
        raise errors.NotSupported(f"Template type is not supported: {kind[:60]}")
    return Reply(wire.template(_type(call), is_hot=kind.lower() == "hot"))


async def list_versions(call: StackCall) -> Reply:  # noqa: ARG001 (nothing depends on who asks)
    return Reply({"template_versions": [wire.version(each) for each in versions.ALL]})


async def list_functions(call: StackCall) -> Reply:
    asked = call.parameters["version"]
    known = {f"{each.field}.{name}": each for each in versions.ALL for name in (each.name, *each.aliases)}
    if asked not in known:
        raise errors.EntityNotFound("Template with version", asked)
    found = known[asked]
    shown = wire.functions(found.functions)
    if call.query.flag("with_condition_func"):
        shown += wire.functions(
            {name: each for name, each in found.condition_functions.items() if name not in found.functions}
        )
    return Reply({"template_functions": shown})


_TYPES = "/v1/{project_id}/resource_types"
_VERSIONS = "/v1/{project_id}/template_versions"

ROUTES = [
    Route("GET", _TYPES, list_types, "stacks:list_resource_types"),
    Route("GET", f"{_TYPES}/{{type}}", show_type, "stacks:resource_schema"),
    Route("GET", f"{_TYPES}/{{type}}/template", show_template, "stacks:generate_template"),
    Route("GET", _VERSIONS, list_versions, "stacks:list_template_versions"),
    Route("GET", f"{_VERSIONS}/{{version}}/functions", list_functions, "stacks:list_template_functions"),
]
