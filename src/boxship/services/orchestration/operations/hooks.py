"""Hooks: places where a resource waits for somebody to let it go on, as the environment says. Kept in the data of its row."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.services.orchestration.model import Action, Resource, Stack
from boxship.services.orchestration.store import events

PREFIX = "hook:"
_PENDING, _CLEARED = "pending", "cleared"


def holds(data: dict[str, str], hooks: Collection[str], hook: str) -> bool:
    """Whether a resource has to wait at a hook that nobody has cleared yet."""
    return hook in hooks and data.get(PREFIX + hook) != _CLEARED


def pending(data: dict[str, str], hook: str) -> dict[str, str]:
    """The data of a resource that waits."""
    return {**data, PREFIX + hook: _PENDING}


def cleared(data: dict[str, str], hook: str) -> dict[str, str] | None:
    """The data of a resource that goes on; None: it does not wait at this hook."""
    return {**data, PREFIX + hook: _CLEARED} if data.get(PREFIX + hook) == _PENDING else None


def after(data: dict[str, str], hooks: Collection[str], action: Action) -> dict[str, str]:
    """The data once an action is done: the hook before it counts anew, and that behind it begins to hold."""
    kept = {key: value for key, value in data.items() if not key.startswith(PREFIX)}
    behind = f"post-{action.lower()}"
    return pending(kept, behind) if behind in hooks else kept


async def tell(transaction: Transaction, stack: Stack, row: Resource, reason: str) -> None:
    """Tell of a hook in an event of the resource."""
    told = msgspec.structs.replace(row, reason=reason, updated_at=clock.now())
    await events.of_resources(transaction, stack, [told])
