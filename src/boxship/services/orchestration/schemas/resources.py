"""The wire of resources and events (API reference, "Stack resources" and "Stack events")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.model import Event, Resource, Stack
from boxship.services.orchestration.schemas import stacks as stack_wire

Document = dict[str, Any]


class UnhealthyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """PATCH of a resource."""

    mark_unhealthy: bool
    resource_status_reason: Annotated[str, Meta(max_length=4000)] | None = None


def _path(stack: Stack) -> str:
    return f"{stack.name}/{stack.id}"


def links(call: StackCall, stack: Stack, name: str, child: Stack | None = None) -> list[Document]:
    """Where a resource, its stack and the stack nested in it are."""
    found = [
        {"href": stack_wire.link(call, stack.project_id, f"{_path(stack)}/resources/{name}"), "rel": "self"},
        {"href": stack_wire.link(call, stack.project_id, _path(stack)), "rel": "stack"},
    ]
    if child is not None:
        found.append({"href": stack_wire.link(call, child.project_id, _path(child)), "rel": "nested"})
    return found


def required_by(row: Resource, rows: Sequence[Resource]) -> list[str]:
    """The resources that were made from this one."""
    return sorted({other.name for other in rows if row.id in other.needs and other.replaced_by is None})


def brief(
    call: StackCall, stack: Stack, row: Resource, rows: Sequence[Resource], child: Stack | None = None
) -> Document:
    """A resource in a list."""
    shown: Document = {
        "resource_name": row.name,
        "logical_resource_id": row.name,
        "physical_resource_id": row.physical_id or "",
        "resource_status": f"{row.action}_{row.status}",
        "resource_status_reason": row.reason,
        "resource_type": row.type,
        "creation_time": stack_wire.moment(row.created_at),
        "updated_time": stack_wire.moment(row.updated_at or row.created_at),
        "required_by": required_by(row, rows),
        "links": links(call, stack, row.name, child),
    }
    if stack.owner_resource is not None:
        shown["parent_resource"] = stack.owner_resource
    return shown


def detail(shown: Document, row: Resource, description: str, attributes: Mapping[str, Any] | None) -> Document:
    """A resource by itself: what a list shows, and more."""
    document = {**shown, "description": description, "metadata": row.metadata}
    if attributes is not None:
        document["attributes"] = dict(attributes)
    return document


def event(call: StackCall, stack: Stack, found: Event, *, with_properties: bool = False) -> Document:
    """An event of the stack or of one of its resources."""
    where = _path(stack)
    name = found.resource_name
    shown: Document = {
        "id": found.id,
        "event_time": stack_wire.moment(found.created_at),
        "resource_name": name,
        "logical_resource_id": name,
        "physical_resource_id": found.physical_id,
        "resource_status": f"{found.action}_{found.status}",
        "resource_status_reason": found.reason,
        "links": [
            {
                "href": stack_wire.link(call, stack.project_id, f"{where}/resources/{name}/events/{found.id}"),
                "rel": "self",
            },
            {"href": stack_wire.link(call, stack.project_id, f"{where}/resources/{name}"), "rel": "resource"},
            {"href": stack_wire.link(call, stack.project_id, where), "rel": "stack"},
        ],
    }
    if with_properties:
        shown["resource_type"] = found.resource_type
        shown["resource_properties"] = found.properties
    return shown
