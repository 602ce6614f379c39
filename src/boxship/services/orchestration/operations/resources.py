"""What callers can do to single resources: signal them, and say that they are not well."""

from __future__ import annotations

import hmac
from typing import Any

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.services.orchestration import errors
from boxship.services.orchestration.model import Action, Kind, Resource, Stack, Status
from boxship.services.orchestration.operations import hooks, looking, sights
from boxship.services.orchestration.resources.interface import SIGNATURE
from boxship.services.orchestration.store import events
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store


async def mark(transaction: Transaction, stack: Stack, name: str, *, unhealthy: bool, reason: str | None) -> Resource:
    """Say that a resource is not well, so that the next update replaces it; or that it is well again."""
    row = await looking.resource(transaction, stack, name, lock=True)
    if row.in_progress:
        raise errors.ActionInProgress(stack.name, row.action)
    if not unhealthy and not row.failed:
        return row
    marked = await rows_store.update(
        transaction,
        row,
        action=Action.CHECK,
        status=Status.FAILED if unhealthy else Status.COMPLETE,
        reason=(reason or "state changed")[:4000],
        updated_at=clock.now(),
    )
    await events.of_resources(transaction, stack, [marked])
    return marked


async def signal(transaction: Transaction, ground: sights.Ground, stack: Stack, name: str, details: Any) -> None:
    """Tell a resource of something, or clear a hook at which it waits. BadRequest: it takes no signals, or not this one."""
    row = await looking.resource(transaction, stack, name, lock=True)
    if isinstance(details, dict) and "unset_hook" in details:
        await _clear(transaction, stack, row, str(details["unset_hook"]))
        return
    await _tell(transaction, ground, stack, row, details)


async def signal_signed(transaction: Transaction, ground: sights.Ground, id: str, signature: str, details: Any) -> None:
    """Tell the resource of a signed URL. EntityNotFound: the URL is none, or not any more."""
    row = await rows_store.get(transaction, id)
    stack = await stacks_store.get(transaction, row.stack_id, lock=True) if row else None
    known = row.data.get(SIGNATURE) if row else None
    if row is None or stack is None or known is None or not hmac.compare_digest(known.encode(), signature.encode()):
        raise errors.EntityNotFound("Signal", id)
    present = await rows_store.get(transaction, id, lock=True)
    if present is None:
        raise errors.EntityNotFound("Signal", id)
    await _tell(transaction, ground, stack, present, details)


async def _tell(transaction: Transaction, ground: sights.Ground, stack: Stack, row: Resource, details: Any) -> None:
    sight = await sights.sight(transaction, ground, stack)
    if row.action in {Action.SUSPEND, Action.DELETE} or row.action is Action.INIT:
        raise errors.NotSupported(f"Cannot signal resource during {row.action}")
    work = sight.work(row)
    told = await sight.type(row).signal(work, details)
    signalled = await rows_store.update(
        transaction, row, metadata=work.metadata, data=work.data, physical_id=work.physical_id
    )
    reason = told or "Signal received"
    await hooks.tell(transaction, stack, signalled, f"SIGNAL_COMPLETE: {reason}" if told else reason)
    transaction.wake(Kind.STACK, stack.id)


async def _clear(transaction: Transaction, stack: Stack, row: Resource, hook: str) -> None:
    data = hooks.cleared(row.data, hook)
    if data is None:
        raise errors.NotSupported(f'The "{hook[:60]}" hook is not defined on {row.name}, or was cleared before.')
    cleared = await rows_store.update(transaction, row, data=data)
    await hooks.tell(transaction, stack, cleared, f"Hook {hook} is cleared")
    transaction.wake(Kind.STACK, stack.id)
