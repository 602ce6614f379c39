"""Stacks: looks how far each came, takes the steps that can be taken now, and ends the action when nothing is left or one
failed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import structlog

from boxship.core import clock, errors
from boxship.core.db.database import Database, Transaction
from boxship.core.hosts import Hosts
from boxship.services.orchestration import model, plan
from boxship.services.orchestration.model import Action, Resource, Stack, Status
from boxship.services.orchestration.operations import sights, wishes
from boxship.services.orchestration.operations.sights import Ground, Sight, Stale
from boxship.services.orchestration.reconciler import resources as steps
from boxship.services.orchestration.store import events, snapshots
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store

log = structlog.get_logger("orchestration")

_QUICKEST, _SLOWEST = 0.1, 2.0
"""Seconds between two looks at what is under way."""
_TURN = 1.0
"""Seconds that one stack works before others get their turn."""


class StackReconciler:
    """Rows of ``stacks``."""

    kind: str = model.Kind.STACK
    leisure = 0.0

    def __init__(self, database: Database, ground: Ground, hosts: Hosts) -> None:
        self.deadline = float(ground.settings.stack_timeout)
        self._database = database
        self._ground = ground
        self._hosts = hosts
        self._pauses: dict[str, float] = {}

    async def all(self) -> Iterable[str]:
        return await self.due()

    async def due(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await stacks_store.ids(transaction, everything=False)

    async def share(self, id: str) -> str:
        """The project of the stack."""
        async with self._database.read() as transaction:
            return await stacks_store.project(transaction, id)

    async def sweep(self) -> None:
        """Forget stacks that were deleted long ago."""
        before = clock.now() - timedelta(days=self._ground.settings.deleted_stack_days)
        async with self._database.read() as transaction:
            gone = await stacks_store.expired(transaction, before)
        for stack in gone:
            async with self._database.write() as transaction:
                await stacks_store.delete(transaction, stack)

    async def give_up(self, id: str, reason: str) -> None:
        """End the action as failed."""
        async with self._database.write() as transaction:
            stack = await stacks_store.get(transaction, id, lock=True)
            if stack is not None and stack.in_progress:
                await self._fail(transaction, stack, reason)

    async def reconcile(self, id: str) -> float | None:
        """Take all steps that can be taken; a number of seconds while something is under way."""
        async with self._database.read() as transaction:
            stack = await stacks_store.get(transaction, id)
            if stack is None or not stack.in_progress:
                self._pauses.pop(id, None)
                return None
            if not self._hosts.claims(stack.host, id):
                return None
        if stack.host != self._hosts.here and self._hosts.shared:
            await self._claim(stack)
        if clock.now() > stack.began_at + timedelta(seconds=stack.timeout):
            await self._time_out(stack)
            return 0.0
        return await self._advance(stack)

    async def _claim(self, stack: Stack) -> None:
        async with self._database.write() as transaction:
            await stacks_store.update(transaction, stack, host=self._hosts.here)

    async def _advance(self, stack: Stack) -> float | None:
        try:
            progressed, ended = await self._round(stack)
        except Stale:
            return 0.0
        if ended:
            self._pauses.pop(stack.id, None)
            return None
        if progressed:
            self._pauses.pop(stack.id, None)
            return 0.0
        pause = min(self._pauses.get(stack.id, _QUICKEST) * 1.3, _SLOWEST)
        self._pauses[stack.id] = pause
        return pause

    async def _round(self, stack: Stack) -> tuple[bool, bool]:
        """Whether anything moved, and whether the action is over."""
        loaded = await self._look(stack)
        if loaded is None:
            return False, True
        sight, found = loaded
        if found.failed is not None:
            async with self._database.write() as transaction:
                await self._guarded(transaction, stack)
                await self._fail(transaction, stack, failure(stack, found.failed))
            return True, True
        if found.complete:
            await self._complete(stack)
            return True, True
        worker = steps.Worker(self._database, self._ground, stack)
        return await worker.take(sight, found), False

    async def _look(self, stack: Stack) -> tuple[Sight, plan.Plan] | None:
        """The stack and what there is to do; None where that could not be worked out, and the stack failed."""
        try:
            async with self._database.read() as transaction:
                sight = await sights.sight(transaction, self._ground, stack)
        except errors.RequestError as error:
            if stack.action is Action.DELETE or isinstance(error, errors.Unavailable):
                raise
            async with self._database.write() as transaction:
                await self._guarded(transaction, stack)
                await self._fail(transaction, stack, error.sentence)
            return None
        wanted = {} if nothing_is_wanted(stack) else sight.blueprint.needs
        return sight, plan.steps(stack, wanted, sight.rows)

    async def _guarded(self, transaction: Transaction, stack: Stack) -> None:
        await sights.require_present(transaction, stack)

    async def _time_out(self, stack: Stack) -> None:
        async with self._database.write() as transaction:
            present = await stacks_store.get(transaction, stack.id, lock=True)
            if present is None or present.generation != stack.generation or not present.in_progress:
                return
            await self._fail(transaction, present, f"{stack.action.capitalize()} timed out")

    async def _fail(self, transaction: Transaction, stack: Stack, reason: str) -> None:
        """End the action as failed, and go back to what was where the stack says so."""
        rows = await rows_store.of(transaction, [stack.id])
        stuck = [row for row in rows if row.in_progress and row.generation == stack.generation]
        told = []
        for row in stuck:
            aborted = f"{row.action} aborted"
            told.append(await rows_store.update(transaction, row, status=Status.FAILED, reason=aborted))
        await events.of_resources(transaction, stack, told)
        await self._fail_snapshot(transaction, stack, reason)
        failed = await stacks_store.update(
            transaction, stack, status=Status.FAILED, reason=reason[:4000], updated_at=clock.now()
        )
        if failed is None:
            raise Stale
        await events.of_stack(transaction, failed)
        await events.prune(transaction, stack.id, self._ground.settings.max_stack_events)
        if not stack.disable_rollback and stack.action in {Action.CREATE, Action.UPDATE} and stack.owner_id is None:
            await wishes.roll_back(transaction, failed, reason)

    async def _fail_snapshot(self, transaction: Transaction, stack: Stack, reason: str) -> None:
        if stack.action is Action.SNAPSHOT and stack.subject:
            await snapshots.update(transaction, stack.subject, status=Status.FAILED, reason=reason[:4000])

    async def _complete(self, stack: Stack) -> None:
        async with self._database.write() as transaction:
            await self._guarded(transaction, stack)
            if stack.action is Action.DELETE or (stack.action is Action.ROLLBACK and stack.former_raw_id is None):
                await self._end(transaction, stack)
                return
            await self._settle(transaction, stack)

    async def _settle(self, transaction: Transaction, stack: Stack) -> None:
        """The action is done: what is there now is what a later rollback brings back."""
        changes: dict[str, object] = {
            "status": Status.COMPLETE,
            "reason": f"Stack {stack.action} completed successfully",
            "updated_at": stack.updated_at if stack.action in {Action.CREATE, Action.ADOPT} else clock.now(),
        }
        old = stack.former_raw_id
        if stack.action in plan.FORWARD or stack.action is Action.ROLLBACK:
            changes["former_raw_id"] = stack.raw_id
        if stack.action is Action.SNAPSHOT and stack.subject:
            await wishes.keep_snapshot(transaction, stack)
        settled = await stacks_store.update(transaction, stack, **changes)
        if settled is None:
            raise Stale
        if old is not None and old != stack.raw_id:
            await stacks_store.drop_raws(transaction, [old])
        await events.of_stack(transaction, settled)
        await events.prune(transaction, stack.id, self._ground.settings.max_stack_events)

    async def _end(self, transaction: Transaction, stack: Stack) -> None:
        """The stack is gone: a nested one without a trace, another one can be looked at for some time."""
        if stack.owner_id is not None:
            await stacks_store.delete(transaction, stack)
            return
        gone = await stacks_store.update(
            transaction,
            stack,
            status=Status.COMPLETE,
            reason=f"Stack {stack.action} completed successfully",
            updated_at=clock.now(),
            deleted_at=clock.now(),
        )
        if gone is None:
            raise Stale
        await events.of_stack(transaction, gone)


def nothing_is_wanted(stack: Stack) -> bool:
    """Whether the action removes all that there is."""
    return stack.action is Action.DELETE or (stack.action is Action.ROLLBACK and stack.former_raw_id is None)


def failure(stack: Stack, row: Resource) -> str:
    """Why an action failed: which resource, and what it says; of a nested stack the resource in it."""
    return f"Resource {stack.action} failed: {row.reason}"
