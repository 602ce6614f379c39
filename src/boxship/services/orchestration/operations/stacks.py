"""Stacks: create, update, delete, look at. One function, one transaction, one changed wish; nothing waits."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.orchestration import errors, plan
from boxship.services.orchestration.model import Action, Raw, Stack, Status
from boxship.services.orchestration.operations import blueprints, requests, sights, wishes
from boxship.services.orchestration.operations.blueprints import Blueprint
from boxship.services.orchestration.operations.requests import Sent
from boxship.services.orchestration.store import events
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller wants of a stack beside its template; None: as it is, or the default."""

    name: str | None = None
    timeout_minutes: int | None = None
    disable_rollback: bool | None = None
    tags: Sequence[str] | None = None


async def get(transaction: Transaction, caller: Caller, name_or_id: str, *, lock: bool = False) -> Stack:
    """A stack that the caller may see, by name or id; deleted ones by id alone. EntityNotFound: there is none."""
    stack = await stacks_store.get(transaction, name_or_id, lock=lock)
    if stack is None or not caller.sees(stack.project_id):
        stack = await stacks_store.named(transaction, caller.project, name_or_id)
    if stack is None:
        raise errors.EntityNotFound("Stack", name_or_id)
    return stack


async def exact(transaction: Transaction, caller: Caller, name: str, id: str, *, lock: bool = False) -> Stack:
    """The stack with this id and name. EntityNotFound: there is none, or it was deleted."""
    stack = await stacks_store.get(transaction, id, lock=lock)
    if stack is None or stack.name != name or not caller.sees(stack.project_id):
        raise errors.EntityNotFound("Stack", f"{name}/{id}")
    return stack


async def present(transaction: Transaction, caller: Caller, name: str, id: str) -> Stack:
    """As ``exact``, locked, of those that were not deleted."""
    stack = await exact(transaction, caller, name, id, lock=True)
    if stack.deleted_at is not None:
        raise errors.EntityNotFound("Stack", name)
    return stack


def require_name(name: str) -> None:
    """NotSupported: it is not a name that a stack may have."""
    if not _NAME.fullmatch(name):
        raise errors.NotSupported(
            f'Invalid stack name {name[:260]} must contain only alphanumeric or "_-." characters, must start with alpha and '
            "must be 255 characters or less."
        )


def blueprint(raw: Raw, stack: Stack, settings: Settings) -> Blueprint:
    """The blueprint of a template that somebody sends, checked as far as it can be. BadRequest: it does not hold."""
    found = blueprints.drawn(raw, sights.identity_of(stack, settings), most=settings.max_stack_resources)
    blueprints.require_valid(found)
    return found


def drafted(caller: Caller, settings: Settings, wanted: Wanted, raw: Raw, action: Action = Action.CREATE) -> Stack:
    """A stack as it will be. BadRequest: name, timeout or tags do not hold."""
    name = wanted.name or ""
    require_name(name)
    now, id = clock.now(), str(uuid.uuid4())
    return Stack(
        id=id,
        project_id=caller.project,
        created_at=now,
        owner_id=None,
        owner_resource=None,
        root_id=id,
        depth=0,
        name=name,
        user_id=caller.user_id,
        user_name=caller.user_name,
        roles=sorted(caller.roles),
        raw_id=raw.id,
        former_raw_id=None,
        tags=requests.tags(wanted.tags),
        timeout=_seconds(wanted.timeout_minutes, settings),
        disable_rollback=True if wanted.disable_rollback is None else wanted.disable_rollback,
        action=action,
        generation=1,
        began_at=now,
        subject=None,
        status=Status.IN_PROGRESS,
        reason=f"Stack {action} started",
        updated_at=None,
        deleted_at=None,
        host="",
    )


def _seconds(minutes: int | None, settings: Settings) -> int:
    if minutes is None:
        return int(settings.stack_timeout)
    if not 0 < minutes <= 60 * 24 * 7:
        raise errors.NotSupported(f"Invalid timeout value {minutes}: it is a number of minutes, a week at most.")
    return minutes * 60


async def create(transaction: Transaction, caller: Caller, settings: Settings, sent: Sent, wanted: Wanted) -> Stack:
    """Begin a stack. StackExists; RequestLimitExceeded; BadRequest: the template or what came with it does not hold."""
    raw = requests.raw(sent, settings)
    stack = drafted(caller, settings, wanted, raw)
    await require_free(transaction, stack, settings)
    blueprint(raw, stack, settings)
    await stacks_store.insert_raw(transaction, raw)
    await stacks_store.insert(transaction, stack)
    await events.of_stack(transaction, stack)
    return stack


async def require_free(transaction: Transaction, stack: Stack, settings: Settings) -> None:
    """StackExists: the name is taken; RequestLimitExceeded: the project has too many."""
    await transaction.serialise(f"stacks {stack.project_id}")
    if await stacks_store.named(transaction, stack.project_id, stack.name):
        raise errors.StackExists(stack.name)
    conditions = [stacks_store.of_project(stack.project_id), stacks_store.top(), stacks_store.there()]
    if await stacks_store.count(transaction, conditions) >= settings.max_stacks:
        raise errors.RequestLimitExceeded(
            f"You have reached the maximum stacks per tenant, {settings.max_stacks}. Please delete some stacks."
        )


async def preview(
    transaction: Transaction, caller: Caller, settings: Settings, sent: Sent, wanted: Wanted
) -> tuple[Stack, Blueprint]:
    """What ``create`` would begin; nothing is stored."""
    raw = requests.raw(sent, settings)
    stack = msgspec.structs.replace(drafted(caller, settings, wanted, raw), id="None")
    if await stacks_store.named(transaction, stack.project_id, stack.name):
        raise errors.StackExists(stack.name)
    return stack, blueprint(raw, stack, settings)


@dataclass(frozen=True, slots=True)
class Update:
    """How a stack is to change: ``patches`` keeps what is not sent."""

    sent: Sent
    wanted: Wanted
    patches: bool = False
    cleared: Sequence[str] = ()


async def update(transaction: Transaction, caller: Caller, settings: Settings, stack: Stack, change: Update) -> Stack:
    """Begin to make a stack what the template says; one that is under way is taken over. BadRequest: it does not hold."""
    _require_changeable(stack)
    raw = await _updated_raw(transaction, settings, stack, change)
    await stacks_store.insert_raw(transaction, raw)
    former = stack.former_raw_id
    begun = await wishes.begin(
        transaction,
        stack,
        Action.UPDATE,
        raw_id=raw.id,
        user_id=caller.user_id,
        user_name=caller.user_name,
        roles=sorted(caller.roles),
        **_changes(change, settings),
    )
    if former != stack.raw_id:  # an update that never came to its end
        await stacks_store.drop_raws(transaction, [stack.raw_id])
    return begun


def _require_changeable(stack: Stack) -> None:
    if stack.action is Action.SUSPEND:
        raise errors.NotSupported("Updating a stack when it is suspended is not supported.")
    if stack.action is Action.DELETE:
        raise errors.NotSupported("Updating a stack when it is deleting is not supported.")
    if stack.owner_id is not None:
        raise errors.NotSupported("A nested stack is updated by its parent; update that.")


async def _updated_raw(transaction: Transaction, settings: Settings, stack: Stack, change: Update) -> Raw:
    former = await stacks_store.raw(transaction, stack.raw_id)
    raw = requests.raw(
        change.sent,
        settings,
        former=former if change.patches else None,
        cleared=change.cleared if change.patches else (),
    )
    new = blueprint(raw, stack, settings)
    old = blueprints.drawn(former, sights.identity_of(stack, settings), most=settings.max_stack_resources, strict=False)
    fixed = [
        name
        for name, schema in new.template.parameters.items()
        if schema.immutable and name in old.parameters and old.parameters[name] != new.parameters[name]
    ]
    if fixed:
        raise errors.NotSupported(f"The following parameters are immutable and may not be updated: {', '.join(fixed)}")
    return raw


def _changes(change: Update, settings: Settings) -> dict[str, Any]:
    """What changes beside the template. The name stays; tags that are not sent go, but where what is not sent is kept."""
    wanted = change.wanted
    changes: dict[str, Any] = {}
    if wanted.timeout_minutes is not None:
        changes["timeout"] = _seconds(wanted.timeout_minutes, settings)
    if wanted.disable_rollback is not None:
        changes["disable_rollback"] = wanted.disable_rollback
    if wanted.tags is not None or not change.patches:
        changes["tags"] = requests.tags(wanted.tags)
    return changes


async def delete(transaction: Transaction, caller: Caller, stack: Stack) -> None:
    """Begin to remove a stack with all that it made; from every state."""
    if stack.action is Action.DELETE and stack.in_progress:
        return
    await wishes.begin(
        transaction,
        stack,
        Action.DELETE,
        user_id=caller.user_id,
        user_name=caller.user_name,
        roles=sorted(caller.roles),
    )


async def act(
    transaction: Transaction, caller: Caller, stack: Stack, action: Action, subject: str | None = None
) -> None:
    """Begin to suspend, resume, check or snapshot a stack. ActionInProgress: something is under way; NotSupported: its state does
    not allow it."""
    if stack.in_progress:
        raise errors.ActionInProgress(stack.name, stack.action)
    if action is Action.RESUME and stack.action is not Action.SUSPEND:
        raise errors.NotSupported("Only a stack that is suspended can be resumed.")
    if stack.action is Action.DELETE:
        raise errors.NotSupported(f"A stack that is being deleted cannot be told to {action.lower()}.")
    await wishes.begin(
        transaction,
        stack,
        action,
        subject=subject,
        user_id=caller.user_id,
        user_name=caller.user_name,
        roles=sorted(caller.roles),
    )


async def cancel(transaction: Transaction, stack: Stack, *, rolls_back: bool) -> None:
    """Stop what is under way, and go back to what was where that is wanted. NotSupported: nothing can be cancelled."""
    if not stack.in_progress or stack.action not in {Action.UPDATE, Action.CREATE}:
        raise errors.NotSupported(
            f"Cancelling update when stack is ('{stack.action}', '{stack.status}') is not supported."
        )
    if rolls_back:
        await wishes.roll_back(transaction, stack, "Stack ROLLBACK started")
        return
    rows = await rows_store.of(transaction, [stack.id])
    for row in rows:
        if row.in_progress:
            await rows_store.update(
                transaction, row, status=Status.FAILED, reason=f"{row.action} aborted (user triggered cancel)"
            )
    stopped = await stacks_store.update(
        transaction,
        stack,
        status=Status.FAILED,
        reason=f"Stack {stack.action} cancelled",
        generation=stack.generation + 1,
        updated_at=clock.now(),
    )
    if stopped is None:
        raise errors.ActionInProgress(stack.name, stack.action)
    await events.of_stack(transaction, stopped)


async def abandon(transaction: Transaction, stack: Stack, exported: dict[str, Any]) -> dict[str, Any]:
    """Forget a stack and leave all that it made; ``exported`` is what ``adopt`` takes."""
    for child in await stacks_store.family(transaction, stack.root_id):
        if child.id != stack.id:
            await stacks_store.delete(transaction, child)
    await stacks_store.delete(transaction, stack)
    return exported


async def export(transaction: Transaction, stack: Stack) -> dict[str, Any]:
    """A stack with the ids of all that it made."""
    raw = await stacks_store.raw(transaction, stack.raw_id)
    standing = plan.current(await rows_store.of(transaction, [stack.id]))
    return {
        "name": stack.name,
        "id": stack.id,
        "action": stack.action,
        "environment": raw.environment,
        "files": raw.files,
        "status": stack.status,
        "template": raw.template,
        "project_id": stack.project_id,
        "stack_user_project_id": stack.project_id,
        "resources": {
            name: {
                "name": name,
                "resource_id": row.physical_id,
                "type": row.type,
                "action": row.action,
                "status": row.status,
                "metadata": row.metadata,
                "resource_data": dict(row.data),
            }
            for name, row in standing.items()
        },
    }
