"""Nested stacks: what a resource whose substance is a stack can ask. Everything is in the transaction of the resource's step."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from boxship.config import Settings
from boxship.core import clock, errors
from boxship.core.db.database import Transaction
from boxship.core.http.doors import Doors
from boxship.services.identity import public as identity
from boxship.services.orchestration.model import Action, Raw, Stack, Status
from boxship.services.orchestration.operations import blueprints, sights, wishes
from boxship.services.orchestration.resources.interface import Child, ChildSight, Engines, Other, Work
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store
from boxship.services.orchestration.template import environments
from boxship.services.orchestration.template.errors import StackValidationFailed


class NestedStacks:
    """The stacks below resources (``resources.interface.Children``)."""

    def __init__(self, settings: Settings, doors: Doors, deputies: identity.Deputies, engines: Engines) -> None:
        self._settings = settings
        self._ground = sights.Ground(settings, doors, deputies, self, engines)

    @property
    def ground(self) -> sights.Ground:
        """What stacks stand on, nested ones included."""
        return self._ground

    async def create(self, it: Work, child: Child) -> str:
        parent = await self._parent(it)
        if parent.depth + 1 > self._settings.max_nested_depth:
            raise StackValidationFailed(f"Recursion depth exceeds {self._settings.max_nested_depth}.")
        raw = _raw(it, child)
        stack = _stack(parent, it, child, raw)
        blueprint = blueprints.of(
            raw,
            sights.identity_of(stack, self._settings),
            most=self._settings.max_stack_resources,
            facades=_facades(it),
        )
        blueprints.require_valid(blueprint)
        await self._require_room(it.transaction, parent, len(blueprint.wanted), without=None)
        await stacks_store.insert_raw(it.transaction, raw)
        await stacks_store.insert(it.transaction, stack)
        return stack.id

    async def _parent(self, it: Work) -> Stack:
        parent = await stacks_store.get(it.transaction, it.stack.id)
        assert parent is not None, "a resource has a stack"
        return parent

    async def _require_room(self, transaction: Transaction, parent: Stack, more: int, *, without: str | None) -> None:
        family = [stack.id for stack in await stacks_store.family(transaction, parent.root_id) if stack.id != without]
        there = await rows_store.count(transaction, family)
        if there + more > self._settings.max_stack_resources:
            raise StackValidationFailed(
                f"Maximum resources per stack exceeded: {there + more} of at most {self._settings.max_stack_resources}."
            )

    async def update(self, it: Work, child: Child) -> None:
        stack = await self._of(it)
        if stack is None:
            raise errors.NotFound(f"The nested stack of {it.name} is gone.")
        former = await stacks_store.raw(it.transaction, stack.raw_id)
        raw = _raw(it, child)
        wanted = (raw.template, raw.environment, raw.files)
        if wanted == (former.template, former.environment, former.files) and stack.status is Status.COMPLETE:
            return
        blueprint = blueprints.of(
            raw,
            sights.identity_of(stack, self._settings),
            most=self._settings.max_stack_resources,
            facades=_facades(it),
        )
        blueprints.require_valid(blueprint)
        await self._require_room(it.transaction, stack, len(blueprint.wanted), without=stack.id)
        await stacks_store.insert_raw(it.transaction, raw)
        owner = await self._parent(it)
        await wishes.begin(
            it.transaction,
            stack,
            Action.ROLLBACK if owner.action is Action.ROLLBACK and stack.former_raw_id else Action.UPDATE,
            raw_id=raw.id,
            user_id=owner.user_id,
            user_name=owner.user_name,
            roles=owner.roles,
        )

    async def act(self, it: Work, action: str) -> None:
        stack = await self._of(it)
        if stack is None:
            if action == Action.DELETE:
                return
            raise errors.NotFound(f"The nested stack of {it.name} is gone.")
        owner = await self._parent(it)
        await wishes.begin(
            it.transaction,
            stack,
            Action(action),
            subject=it.data.get("snapshot_id"),
            user_id=owner.user_id,
            user_name=owner.user_name,
            roles=owner.roles,
        )

    async def _of(self, it: Work) -> Stack | None:
        stack = await stacks_store.get(it.transaction, it.physical_id) if it.physical_id else None
        return None if stack is None or stack.deleted_at is not None else stack

    async def sight(self, it: Work, *, outputs: bool = False) -> ChildSight | None:
        stack = await self._of(it)
        if stack is None:
            return None
        if not outputs:
            return ChildSight(stack.id, stack.name, stack.action, stack.status, stack.reason, {}, {})
        sight = await sights.sight(it.transaction, self._ground, stack)
        told = await sight.outputs()
        shown = {entry["output_key"]: entry.get("output_value") for entry in told}
        faults = {entry["output_key"]: entry["output_error"] for entry in told if "output_error" in entry}
        rows = {
            name: {
                "type": row.type,
                "physical_id": row.physical_id,
                "action": row.action,
                "status": row.status,
                "created_at": row.created_at,
                "reference": sight.reference(name),
            }
            for name, row in sight.standing.items()
        }
        return ChildSight(stack.id, stack.name, stack.action, stack.status, stack.reason, shown, rows, faults)

    async def attribute(self, it: Work, resource: str, name: str) -> Any:
        stack = await self._of(it)
        if stack is None:
            raise errors.NotFound(f"The nested stack of {it.name} is gone.")
        sight = await sights.sight(it.transaction, self._ground, stack)
        if resource not in sight.standing:
            raise errors.NotFound(f"There is no resource {resource} in {it.name}.")
        return await sight.attribute(resource, name)

    async def template(self, it: Work) -> Mapping[str, Any]:
        stack = await self._of(it)
        if stack is None:
            raise errors.NotFound(f"The nested stack of {it.name} is gone.")
        return (await stacks_store.raw(it.transaction, stack.raw_id)).template

    async def other(self, it: Work, physical_id: str) -> Other:
        row = await rows_store.made(it.transaction, physical_id)
        stack = await stacks_store.get(it.transaction, row.stack_id) if row else None
        if row is None or stack is None or stack.project_id != it.stack.project_id:
            raise errors.NotFound(f"There is no resource {physical_id[:100]}.")
        sight = await sights.sight(it.transaction, self._ground, stack)
        return Other(sight.type(row), sight.work(row))

    async def keep(self, work: Work) -> None:
        row = await rows_store.get(work.transaction, work.id, lock=True)
        if row is not None:
            await rows_store.update(
                work.transaction, row, data=work.data, metadata=work.metadata, physical_id=work.physical_id
            )


def _facades(it: Work) -> Mapping[str, Any]:
    return {
        "metadata": it.metadata,
        "deletion_policy": it.data.get("deletion_policy", "Delete"),
        "update_policy": dict(it.update_policy),
    }


def _raw(it: Work, child: Child) -> Raw:
    environment = dict(it.environment) if child.environment is None else dict(child.environment)
    registry = environments.read(environment).registry.below(it.name)
    environment["resource_registry"] = dict(registry.entries)
    environment["parameters"] = dict(child.parameters)
    return Raw(str(uuid.uuid4()), dict(child.template), environment, dict(child.files) or dict(it.files))


def _stack(parent: Stack, it: Work, child: Child, raw: Raw) -> Stack:
    now = clock.now()
    return Stack(
        id=str(uuid.uuid4()),
        project_id=parent.project_id,
        created_at=now,
        owner_id=parent.id,
        owner_resource=it.name,
        root_id=parent.root_id,
        depth=parent.depth + 1,
        name=it.physical_name,
        user_id=parent.user_id,
        user_name=parent.user_name,
        roles=parent.roles,
        raw_id=raw.id,
        former_raw_id=None,
        tags=[],
        timeout=child.timeout * 60 if child.timeout else parent.timeout,
        disable_rollback=True,
        action=Action.CREATE,
        generation=1,
        began_at=now,
        subject=None,
        status=Status.IN_PROGRESS,
        reason="Stack CREATE started",
        updated_at=None,
        deleted_at=None,
        host="",
    )
