"""Snapshots of stacks: take, look at, remove, and bring a stack back to one."""

from __future__ import annotations

import uuid

from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.orchestration import errors, plan
from boxship.services.orchestration.model import Action, Raw, Snapshot, Stack, Status
from boxship.services.orchestration.operations import sights, stacks, wishes
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import snapshots as store
from boxship.services.orchestration.store import stacks as stacks_store


async def take(
    transaction: Transaction, caller: Caller, ground: sights.Ground, stack: Stack, name: str | None
) -> Snapshot:
    """Begin a snapshot. RequestLimitExceeded: there are too many; ActionInProgress: something is under way."""
    if len(await store.of(transaction, stack.id)) >= ground.settings.max_stack_snapshots:
        raise errors.RequestLimitExceeded(
            f"Maximum number of snapshots ({ground.settings.max_stack_snapshots}) for a stack is reached."
        )
    snapshot = Snapshot(
        id=str(uuid.uuid4()),
        stack_id=stack.id,
        name=name,
        status=Status.IN_PROGRESS,
        action=Action.CREATE,
        reason="",
        data={},
        created_at=clock.now(),
    )
    await store.insert(transaction, snapshot)
    await stacks.act(transaction, caller, stack, Action.SNAPSHOT, snapshot.id)
    return snapshot


async def of(transaction: Transaction, stack: Stack) -> list[Snapshot]:
    """All snapshots of a stack."""
    return await store.of(transaction, stack.id)


async def get(transaction: Transaction, stack: Stack, id: str) -> Snapshot:
    """One snapshot. EntityNotFound: there is none."""
    found = await store.get(transaction, stack.id, id)
    if found is None:
        raise errors.EntityNotFound("Snapshot", id)
    return found


async def delete(transaction: Transaction, ground: sights.Ground, stack: Stack, id: str) -> None:
    """Remove a snapshot with what its resources kept. ActionInProgress: it is being taken."""
    snapshot = await get(transaction, stack, id)
    if snapshot.status is Status.IN_PROGRESS and stack.in_progress:
        raise errors.ActionInProgress(stack.name, Action.SNAPSHOT)
    sight = await sights.sight(transaction, ground, stack)
    for name, entry in (snapshot.data.get("resources") or {}).items():
        row = sight.standing.get(name)
        if row is not None and entry.get("snapshot"):
            try:
                await sight.type(row).forget_snapshot(sight.work(row), entry["snapshot"])
            except core_errors.NotFound:
                continue
    await store.delete(transaction, id)


async def restore(transaction: Transaction, caller: Caller, ground: sights.Ground, stack: Stack, id: str) -> None:
    """Begin to bring a stack back to a snapshot. NotSupported: the snapshot was not taken to its end."""
    snapshot = await get(transaction, stack, id)
    if snapshot.status is not Status.COMPLETE:
        raise errors.NotSupported(f"The snapshot {id} is {snapshot.status}; only a complete one can be restored.")
    if stack.in_progress:
        raise errors.ActionInProgress(stack.name, stack.action)
    raw = await _restored(transaction, ground, stack, snapshot)
    await stacks_store.insert_raw(transaction, raw)
    await wishes.begin(
        transaction,
        stack,
        Action.RESTORE,
        raw_id=raw.id,
        subject=id,
        user_id=caller.user_id,
        user_name=caller.user_name,
        roles=sorted(caller.roles),
    )


async def _restored(transaction: Transaction, ground: sights.Ground, stack: Stack, snapshot: Snapshot) -> Raw:
    """The template of the snapshot, changed where a resource is brought back by other properties."""
    template = dict(snapshot.data["template"])
    section = "resources" if "resources" in template else "Resources"
    sight = await sights.sight(transaction, ground, stack)
    rows = plan.current(await rows_store.of(transaction, [stack.id]))
    resources = dict(template.get(section) or {})
    for name, entry in (snapshot.data.get("resources") or {}).items():
        if name in resources and name in rows and entry.get("snapshot"):
            word = "properties" if section == "resources" else "Properties"
            given = resources[name].get(word) or {}
            restored = sight.type(rows[name]).restored(given, entry["snapshot"])
            resources[name] = {**resources[name], word: restored}
    if resources:
        template[section] = resources
    return Raw(str(uuid.uuid4()), template, snapshot.data["environment"], snapshot.data["files"])
