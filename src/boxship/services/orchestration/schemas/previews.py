"""The wire of previews: stacks that are not there, and what an update would change (API reference, "Preview stack")."""

from __future__ import annotations

from typing import Any

from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.model import Stack
from boxship.services.orchestration.operations import previews
from boxship.services.orchestration.operations.blueprints import Blueprint
from boxship.services.orchestration.operations.previews import Changes
from boxship.services.orchestration.schemas import stacks as stack_wire

Document = dict[str, Any]


def stack(call: StackCall, drafted: Stack, blueprint: Blueprint) -> Document:
    """A stack as it would be, with its resources; ``graph`` is an addition that has those of the stack itself, also where what
    is nested in them stands in their place."""
    shown = stack_wire.shown(call, drafted, blueprint, None)
    for key in ("stack_status", "stack_status_reason"):
        shown.pop(key)
    shown["resources"] = _resources(call, drafted, blueprint)
    shown["graph"] = [
        {"resource_name": name, "resource_type": each.type, "required_by": _required_by(blueprint, name)}
        for name, each in blueprint.wanted.items()
    ]
    return shown


def _resources(call: StackCall, stack: Stack, blueprint: Blueprint) -> list[Any]:
    """The resources; in the place of one whose substance is a nested stack, the list of those in that."""
    found: list[Any] = []
    for name in blueprint.wanted:
        inner = previews.nested(blueprint, name, stack, call.settings)
        if inner is None:
            found.append(resource(stack, blueprint, name))
            continue
        child, below = inner
        rows = _resources(call, child, below)
        found.append([{**row, "parent_resource": name} if isinstance(row, dict) else row for row in rows])
    return found


def _required_by(blueprint: Blueprint, name: str) -> list[str]:
    return sorted(other for other, before in blueprint.needs.items() if name in before)


def resource(stack: Stack, blueprint: Blueprint, name: str) -> Document:
    """A resource as it would be."""
    identity = {"stack_name": stack.name, "stack_id": stack.id, "tenant": stack.project_id}
    return {
        "resource_name": name,
        "resource_type": blueprint.wanted[name].type,
        "resource_action": "INIT",
        "resource_status": "COMPLETE",
        "resource_status_reason": "",
        "resource_identity": {**identity, "path": f"/resources/{name}"},
        "stack_identity": {**identity, "path": ""},
        "stack_name": stack.name,
        "physical_resource_id": "",
        "creation_time": None,
        "updated_time": None,
        "description": blueprint.wanted[name].description,
        "required_by": _required_by(blueprint, name),
        "metadata": blueprint.wanted[name].metadata,
        "attributes": dict.fromkeys(blueprint.types[name].attributes),
        "properties": previews.draft_properties(blueprint, name),
    }


def changes(call: StackCall, stack: Stack, found: Changes) -> Document:
    """The resources by what would happen to them; ``reason`` is an addition that says why."""
    del call

    def shown(name: str) -> Document:
        row = found.rows.get(name)
        if name in found.blueprint.wanted:
            document = resource(stack, found.blueprint, name)
        else:
            document = {"resource_name": name, "resource_type": row.type if row else "", "stack_name": stack.name}
        if row is not None:
            document |= {
                "physical_resource_id": row.physical_id or "",
                "resource_action": row.action,
                "resource_status": row.status,
            }
        return {**document, "reason": found.why[name]} if name in found.why else document

    groups = ("added", "deleted", "unchanged", "updated", "replaced")
    return {group: [shown(name) for name in getattr(found, group)] for group in groups}
