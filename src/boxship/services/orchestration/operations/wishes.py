"""How the wish of a stack changes: each change begins a new generation. One place, for callers and for the reconciler alike."""

from __future__ import annotations

from typing import Any

import msgspec

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.services.orchestration import errors
from boxship.services.orchestration.model import Action, Stack, Status
from boxship.services.orchestration.store import events, snapshots
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store


async def begin(transaction: Transaction, stack: Stack, action: Action, reason: str = "", **changes: Any) -> Stack:
    """Begin an action, whatever was under way. ActionInProgress: somebody else did at the same moment."""
    begun = await stacks_store.update(
        transaction,
        stack,
        action=action,
        status=Status.IN_PROGRESS,
        reason=reason or f"Stack {action} started",
        generation=stack.generation + 1,
        began_at=clock.now(),
        **changes,
    )
    if begun is None:
        raise errors.ActionInProgress(stack.name, stack.action)
    await events.of_stack(transaction, begun)
    return begun


async def roll_back(transaction: Transaction, stack: Stack, reason: str) -> Stack:
    """Go back to what the stack was before; nothing, where it is new."""
    return await begin(transaction, stack, Action.ROLLBACK, reason, raw_id=stack.former_raw_id or stack.raw_id)


async def keep_snapshot(transaction: Transaction, stack: Stack) -> None:
    """Write what the resources kept into the snapshot that the stack was asked for."""
    assert stack.subject is not None, "an action SNAPSHOT names its snapshot"
    raw = await stacks_store.raw(transaction, stack.raw_id)
    rows = await rows_store.of(transaction, [stack.id])
    data = {
        "name": stack.name,
        "id": stack.id,
        "action": stack.action,
        "status": Status.COMPLETE,
        "template": raw.template,
        "environment": raw.environment,
        "files": raw.files,
        "project_id": stack.project_id,
        "resources": {
            row.name: {
                "name": row.name,
                "resource_id": row.physical_id,
                "type": row.type,
                "action": row.action,
                "status": row.status,
                "metadata": row.metadata,
                "resource_data": {key: value for key, value in row.data.items() if key != "snapshot"},
                "snapshot": msgspec.json.decode(row.data.get("snapshot", "null")),
            }
            for row in rows
            if row.replaced_by is None
        },
    }
    await snapshots.update(
        transaction, stack.subject, status=Status.COMPLETE, reason="Stack SNAPSHOT completed successfully", data=data
    )
