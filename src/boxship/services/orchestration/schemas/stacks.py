"""The wire of stacks: what callers send, and how stacks, outputs and snapshots are shown (API reference, "Stacks")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.services.orchestration.live import StackCall
from boxship.services.orchestration.model import Raw, Snapshot, Stack
from boxship.services.orchestration.operations import blueprints
from boxship.services.orchestration.operations.blueprints import Blueprint
from boxship.services.orchestration.operations.requests import Sent
from boxship.services.orchestration.operations.stacks import Update, Wanted
from boxship.services.orchestration.template import parameters
from boxship.services.orchestration.template.reading import NO_DESCRIPTION

Document = dict[str, Any]
Name = Annotated[str, Meta(max_length=255)]
Body = Annotated[str, Meta(max_length=1 << 26)]
"""A document as text; how long it may be is a setting."""
Text = Body | dict[str, Any] | None


class StackRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST and PUT /stacks, and what is like them."""

    stack_name: Annotated[str, Meta(max_length=1024)] | None = None
    template: Text = None
    template_url: Annotated[str, Meta(max_length=2048)] | None = None
    environment: Text = None
    environment_files: Annotated[list[Annotated[str, Meta(max_length=4096)]], Meta(max_length=256)] | None = None
    files: dict[str, Any] | None = None
    parameters: dict[str, Any] | None = None
    disable_rollback: bool | None = None
    timeout_mins: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    timeout: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None
    """What ``openstack stack adopt`` calls ``timeout_mins``."""
    tags: Annotated[str, Meta(max_length=8192)] | Annotated[list[Name], Meta(max_length=100)] | None = None
    adopt_stack_data: Text = None
    clear_parameters: Annotated[list[Name], Meta(max_length=1000)] | None = None
    existing: bool | None = None
    converge: bool | None = None
    show_nested: bool | None = None

    def sent(self) -> Sent:
        """Template, environment and files."""
        return Sent(
            self.template,
            self.template_url,
            self.environment,
            self.environment_files or (),
            self.files or {},
            self.parameters or {},
            self.adopt_stack_data,
        )

    def wanted(self) -> Wanted:
        """What is wanted beside them."""
        minutes = self.timeout if self.timeout_mins is None else self.timeout_mins
        return Wanted(self.stack_name, minutes, self.disable_rollback, self.tags)

    def update(self, *, patches: bool) -> Update:
        """As a change of a stack that is there."""
        return Update(self.sent(), self.wanted(), patches, self.clear_parameters or ())


def moment(given: datetime | None) -> str | None:
    """A moment as Heat writes it: to the second, in UTC."""
    return None if given is None else clock.stamp(given)


def link(call: StackCall, project_id: str, path: str) -> str:
    """The URL of something below ``/stacks``."""
    return f"{call.base_url}/v1/{project_id}/stacks/{path}"


def links(call: StackCall, stack: Stack) -> list[Document]:
    """Where a stack is."""
    return [{"href": link(call, stack.project_id, f"{stack.name}/{stack.id}"), "rel": "self"}]


def created(call: StackCall, stack: Stack) -> Document:
    """A stack that was just begun."""
    return {"id": stack.id, "links": links(call, stack)}


def brief(call: StackCall, stack: Stack, description: str, *, with_project: bool = False) -> Document:
    """A stack in a list."""
    shown: Document = {
        "id": stack.id,
        "links": links(call, stack),
        "stack_name": stack.name,
        "description": description,
        "stack_status": f"{stack.action}_{stack.status}",
        "stack_status_reason": stack.reason,
        "creation_time": moment(stack.created_at),
        "updated_time": moment(stack.updated_at),
        "deletion_time": moment(stack.deleted_at),
        "stack_owner": stack.user_name,
        "parent": stack.owner_id,
        "stack_user_project_id": stack.project_id,
        "tags": stack.tags or None,
    }
    return {**shown, "project": stack.project_id} if with_project else shown


def shown(call: StackCall, stack: Stack, blueprint: Blueprint | None, outputs: list[Document] | None) -> Document:
    """A stack with all that is known of it; ``blueprint`` is None where its template is not valid any more."""
    description = blueprint.template.description if blueprint else NO_DESCRIPTION
    document = brief(call, stack, description)
    document |= {
        "template_description": description,
        "parameters": _parameters(stack, blueprint),
        "notification_topics": [],
        "capabilities": [],
        "disable_rollback": stack.disable_rollback,
        "timeout_mins": stack.timeout // 60,
    }
    if outputs is not None:
        document["outputs"] = outputs
    return document


def _parameters(stack: Stack, blueprint: Blueprint | None) -> dict[str, str]:
    if blueprint is None:
        return blueprints.Identity(stack.id, stack.name, stack.project_id, "").parameters(is_hot=True)
    return parameters.as_shown(blueprint.template.parameters, blueprint.parameters)


def environment(raw: Raw, hidden: Sequence[str]) -> Document:
    """The environment of a stack, with hidden parameters masked."""
    document = {
        "parameters": {},
        "parameter_defaults": {},
        "resource_registry": {"resources": {}},
        "event_sinks": [],
        "encrypted_param_names": [],
        **raw.environment,
    }
    for section in ("parameters", "parameter_defaults"):
        given: Mapping[str, Any] = document.get(section) or {}
        document[section] = {name: parameters.MASK if name in hidden else value for name, value in given.items()}
    registry = document.get("resource_registry") or {}
    document["resource_registry"] = {"resources": {}, **registry}
    return document


def snapshot(found: Snapshot) -> Document:
    """A snapshot of a stack."""
    return {
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "status_reason": found.reason,
        "creation_time": moment(found.created_at),
        "data": {key: value for key, value in found.data.items() if key not in {"environment", "files"}} or None,
    }
