"""What the steps of resources are made of: rows, wishes and sentences. Takes no step."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from boxship.core import clock, errors
from boxship.services.orchestration import plan
from boxship.services.orchestration.model import Action, Resource, Stack, Status
from boxship.services.orchestration.operations.sights import Sight
from boxship.services.orchestration.resources.interface import Failed, ResourceType, Work


class Wish:
    """What the template wants of one resource."""

    def __init__(self, properties: dict[str, Any], metadata: dict[str, Any], needs: list[str], policy: str) -> None:
        self.properties = properties
        self.metadata = metadata
        self.needs = needs
        self.policy = policy


def goes_forward(stack: Stack) -> bool:
    """Whether the action brings the stack to what its template says."""
    if stack.action is Action.ROLLBACK:
        return stack.former_raw_id is not None
    return stack.action in plan.FORWARD


def going(row: Resource) -> Action:
    """What a visit does to a row."""
    fresh = row.action is Action.INIT or (row.action is Action.CREATE and row.physical_id is None)
    return Action.CREATE if fresh else Action.UPDATE


def new_row(stack: Stack, sight: Sight, name: str) -> Resource:
    """A row for a resource that nothing was done about yet."""
    definition = sight.blueprint.wanted[name]
    return Resource(
        id=str(uuid.uuid4()),
        stack_id=stack.id,
        name=name,
        created_at=clock.now(),
        type=definition.type,
        kind=sight.blueprint.kinds[name],
        action=Action.INIT,
        status=Status.COMPLETE,
        reason="",
        physical_id=None,
        properties={},
        data={},
        metadata={},
        needs=[],
        policy="Delete",
        replaced_by=None,
        generation=0,
        updated_at=None,
    )


def kept(work: Work) -> dict[str, Any]:
    """What a verb may have changed in its work."""
    return {"physical_id": work.physical_id, "data": dict(work.data), "metadata": dict(work.metadata)}


async def question(type: ResourceType, work: Work) -> bool:
    """Whether the action of the work came to its end."""
    if work.action == Action.SNAPSHOT:
        return await type.is_snapshot(work, msgspec.json.decode(work.data.get("snapshot", "{}")))
    questions: dict[str, Callable[[Work], Awaitable[bool]]] = {
        Action.CREATE: type.is_created,
        Action.UPDATE: type.is_updated,
        Action.DELETE: type.is_deleted,
        Action.SUSPEND: type.is_suspended,
        Action.RESUME: type.is_resumed,
        Action.CHECK: type.is_checked,
    }
    question = questions.get(work.action)
    return True if question is None else await question(work)


def reason_of(name: str, error: errors.BoxshipError) -> str:
    """Why a resource failed, with the way to it, however deep it is nested."""
    if isinstance(error, Failed) and error.within:
        return f"{error.kind}: resources.{name}.{error.within}"
    kind = error.kind if isinstance(error, Failed) else type(error).__name__
    placed = error.sentence.startswith((f"resources.{name}.", f"resources.{name}:"))
    return f"{kind}: {error.sentence}" if placed else f"{kind}: resources.{name}: {error.sentence}"
