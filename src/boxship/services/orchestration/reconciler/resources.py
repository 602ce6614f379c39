"""The steps of resources: each is one transaction, in which a type's verb acts on the other services and the row says so. A step
that fails is undone as a whole, and another transaction records why."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import msgspec
import structlog

from boxship.core import clock, errors
from boxship.core.db.database import Database, Transaction
from boxship.services.orchestration import plan
from boxship.services.orchestration.model import Action, Resource, Stack, Status
from boxship.services.orchestration.operations import hooks
from boxship.services.orchestration.operations.sights import Ground, Sight, Stale
from boxship.services.orchestration.reconciler import rows
from boxship.services.orchestration.resources.interface import Failed, Replace, ResourceType, Work
from boxship.services.orchestration.store import events
from boxship.services.orchestration.store import resources as rows_store

log = structlog.get_logger("orchestration")

_TURN = 1.0
"""Seconds after which a stack looks up again, and others get their turn."""
_LONGEST_REASON = 4000
_REFUSED_SINCE = "refused_since"
_LATER = (errors.Unavailable, errors.Busy)


class Worker:
    """Takes the steps of one plan."""

    def __init__(self, database: Database, ground: Ground, stack: Stack) -> None:
        self._database = database
        self._ground = ground
        self._stack = stack
        self._until = time.monotonic() + _TURN

    async def take(self, sight: Sight, found: plan.Plan) -> bool:
        """Take the steps, or as many as fit in a turn. Whether anything moved. Stale: look again."""
        if await self._prepare(sight):
            return True
        local = [name for name in found.visits if sight.blueprint.types[name].local]
        moved = await self._visit_local(sight, local) if local else False
        others = [name for name in found.visits if not sight.blueprint.types[name].local]
        moved |= await self._each(others, lambda name: self._visit(sight, name))
        moved |= await self._each(found.asks, lambda row: self._ask(sight, row))
        moved |= await self._each(found.acts, lambda row: self._act(sight, row))
        return moved | await self._each(found.removals, lambda row: self._remove(sight, row))

    async def _each(self, items: Iterable[Any], step: Callable[[Any], Awaitable[bool]]) -> bool:
        moved = False
        for item in items:
            moved |= await step(item)
            if time.monotonic() > self._until:
                return True
        return moved

    def _write(self, sight: Sight) -> AbstractAsyncContextManager[Transaction]:
        """A transaction in which the sight acts."""
        return sight.within(self._database.write(), self._stack)

    @contextmanager
    def _foreseen(self, name: str) -> Iterator[None]:
        """Make a failure of what a type did not foresee, so that the resource ends in a state."""
        try:
            yield
        except (errors.BoxshipError, Stale):
            raise
        except Exception as error:
            log.error("resource failed", stack=self._stack.id, resource=name, error=repr(error), exc_info=True)
            raise Failed("An unexpected error ended this step.", detail=repr(error)) from error

    # Rows.

    async def _prepare(self, sight: Sight) -> bool:
        """Give every wanted resource a row, so that all can be seen from the start."""
        wanted = {} if not rows.goes_forward(self._stack) else sight.blueprint.wanted
        missing = [name for name in wanted if name not in sight.standing]
        if not missing:
            return False
        made = [rows.new_row(self._stack, sight, name) for name in missing]
        async with self._write(sight) as transaction:
            await rows_store.insert(transaction, made)
        return True

    async def _store(self, sight: Sight, row: Resource, **changes: Any) -> Resource:
        stored = await rows_store.update(sight.transaction, row, updated_at=clock.now(), **changes)
        sight.put(stored)
        return stored

    async def _begin(self, sight: Sight, row: Resource, action: Action, **changes: Any) -> Resource:
        """The row with an action under way, and the event that says so."""
        begun = await self._store(
            sight,
            row,
            action=action,
            status=Status.IN_PROGRESS,
            reason="state changed",
            generation=self._stack.generation,
            **changes,
        )
        await events.of_resources(sight.transaction, self._stack, [begun])
        return begun

    async def _end(self, sight: Sight, row: Resource, work: Work | None = None) -> Resource:
        """The row with its action complete, and the event that says so."""
        changes: dict[str, Any] = {"status": Status.COMPLETE, "reason": "state changed"}
        if work is not None:
            changes |= rows.kept(work)
        changes["data"] = hooks.after({**row.data, **changes.get("data", {})}, sight.hooks(row.name), row.action)
        ended = await self._store(sight, row, **changes)
        await events.of_resources(sight.transaction, self._stack, [ended])
        return ended

    async def _fail(self, sight: Sight, row: Resource, action: Action, error: errors.BoxshipError) -> None:
        """Record that an action on a row failed."""
        async with self._write(sight) as transaction:
            present = await rows_store.get(transaction, row.id, lock=True)
            if present is None:
                await rows_store.insert(transaction, [row])
            reason = rows.reason_of(row.name, error)[:_LONGEST_REASON]
            failed = await self._store(
                sight,
                present or row,
                action=action,
                status=Status.FAILED,
                reason=reason,
                generation=self._stack.generation,
            )
            await events.of_resources(transaction, self._stack, [failed])
        log.info("resource failed", stack=self._stack.id, resource=row.name, action=action, detail=error.detail)

    # Forward.

    async def _visit_local(self, sight: Sight, names: list[str]) -> bool:
        """Visit resources that need nobody else, and those that become ready by it, in one transaction."""
        dependents: dict[str, list[str]] = {}
        for name, before in sight.blueprint.needs.items():
            for other in before:
                dependents.setdefault(other, []).append(name)
        waiting, moved = list(names), False
        failures: list[tuple[Resource, errors.BoxshipError]] = []
        async with self._write(sight):
            while waiting and not failures and time.monotonic() < self._until:
                name = waiting.pop()
                try:
                    moved |= await self._visited(sight, name, replaces=False)
                except (errors.BoxshipError, Replace) as error:
                    failures.append((sight.standing[name], error))
                    continue
                waiting += [other for other in dependents.get(name, ()) if self._is_ready(sight, other)]
        for row, reason in failures:
            await self._fail(sight, row, rows.going(row), reason)
        return moved or bool(failures)

    def _is_ready(self, sight: Sight, name: str) -> bool:
        needs, row = sight.blueprint.needs[name], sight.standing.get(name)
        return (
            sight.blueprint.types[name].local
            and row is not None
            and not plan.is_done(self._stack, row)
            and not plan.is_held(row)
            and all(plan.is_done(self._stack, sight.standing.get(other)) for other in needs)
        )

    async def _visit(self, sight: Sight, name: str, *, replaces: bool = False) -> bool:
        """Bring one resource up to date. Whether anything was done."""
        row = sight.standing[name]
        try:
            with self._foreseen(name):
                async with self._write(sight):
                    return await self._visited(sight, name, replaces=replaces)
        except Replace:
            sight.put(row)
            return await self._visit(sight, name, replaces=True)
        except _LATER as error:
            sight.put(row)
            log.info("resource waits", stack=self._stack.id, resource=name, reason=error.sentence, detail=error.detail)
            return False
        except errors.BoxshipError as error:
            await self._fail_visit(sight, row, error, replaced=sight.standing[name].id != row.id)
        return True

    async def _fail_visit(self, sight: Sight, row: Resource, error: errors.BoxshipError, *, replaced: bool) -> None:
        """Record a failure; that of a replacement on a row of its own, so that what was there stays as it is."""
        if not replaced:
            sight.put(row)
            await self._fail(sight, row, rows.going(row), error)
            return
        new = rows.new_row(self._stack, sight, row.name)
        async with self._write(sight) as transaction:
            await rows_store.insert(transaction, [new])
            sight.put(new)
            await self._store(sight, row, replaced_by=new.id)
        await self._fail(sight, new, Action.CREATE, error)

    async def _visited(self, sight: Sight, name: str, *, replaces: bool) -> bool:
        row = await rows_store.get(sight.transaction, sight.standing[name].id, lock=True)
        if row is None:
            raise Stale
        sight.put(row)
        type = sight.blueprint.types[name]
        work = sight.work(row)
        wanted = await sight.properties(name, work)
        wish = rows.Wish(wanted, *await self._besides(sight, name))
        former = self._former(sight, row, type, wanted)
        if row.action is Action.INIT or (row.failed and row.physical_id is None and row.action is Action.CREATE):
            if former is not None:
                return await self._swap(sight, row, former, wish)
            return await self._make(sight, row, type, wish)
        if await self._is_held(sight, row, "pre-update"):
            return True
        await self._require_same_origin(sight, row)
        change = plan.change(row, sight.blueprint.kinds[name], type.properties, wanted)
        if replaces:
            change = plan.Change(change.changed, replaces="its type cannot change it in place")
        elif row.failed and not type.survives_failure:
            change = plan.Change(change.changed, replaces="it failed before")
        if former is not None and not change.is_nothing:
            return await self._swap(sight, row, former, wish)
        return await self._changed(sight, row, change, wish)

    async def _besides(self, sight: Sight, name: str) -> tuple[dict[str, Any], list[str], str]:
        """Metadata, needs and deletion policy as the template has them."""
        definition, place = sight.blueprint.wanted[name], f"resources.{name}"
        metadata = await sight.evaluated(definition.metadata, f"{place}.metadata")
        policy = await sight.evaluated(definition.deletion_policy, f"{place}.deletion_policy")
        needs = [sight.standing[other].id for other in sorted(sight.blueprint.needs[name])]
        known = {"delete": "Delete", "retain": "Retain", "snapshot": "Snapshot"}
        return metadata, needs, known.get(str(policy).lower(), "Delete")

    def _former(self, sight: Sight, row: Resource, type: ResourceType, wanted: dict[str, Any]) -> Resource | None:
        """An earlier row of the name that is still there, and is what is wanted."""
        for other in sight.rows:
            if other.name != row.name or other.id == row.id or other.status is not Status.COMPLETE:
                continue
            if other.action is Action.DELETE:
                continue
            if plan.change(other, sight.blueprint.kinds[row.name], type.properties, wanted).is_nothing:
                return other
        return None

    async def _swap(self, sight: Sight, row: Resource, former: Resource, wish: rows.Wish) -> bool:
        """Let an earlier row stand for the name again; what replaced it goes at the end."""
        await self._store(sight, row, replaced_by=former.id)
        await self._keep(sight, former, wish, replaced_by=None)
        return True

    async def _changed(self, sight: Sight, row: Resource, change: plan.Change, wish: rows.Wish) -> bool:
        type = sight.blueprint.types[row.name]
        if change.is_nothing:
            await self._keep(sight, row, wish)
            return True
        if change.refused:
            raise errors.BadRequest(change.refused)
        restricted = sight.blueprint.environment.registry.restricted(row.name)
        for kind in ("replace",) if change.replaces else ("update",):
            if kind in restricted:
                raise errors.Forbidden(f"{kind} is restricted for resource.")
        if change.replaces and not (row.kind == sight.blueprint.kinds[row.name] and type.survives_failure):
            new = rows.new_row(self._stack, sight, row.name)
            await rows_store.insert(sight.transaction, [new])
            await self._store(sight, row, replaced_by=new.id)
            sight.put(new)
            return await self._make(sight, new, type, wish)
        begun = await self._begin(sight, row, Action.UPDATE, needs=wish.needs, policy=wish.policy)
        work = sight.work(begun, wish.properties)
        work.before = dict(row.properties)
        work.metadata = self._metadata(sight, begun, wish)
        work.update_policy = await sight.evaluated(
            sight.blueprint.wanted[row.name].update_policy, f"resources.{row.name}.update_policy"
        )
        await type.update(work, change.changed)
        updated = await self._store(sight, begun, properties=wish.properties, **rows.kept(work))
        if not type.is_outside(work.properties) and await type.is_updated(work):
            await self._end(sight, updated, work)
        return True

    def _metadata(self, sight: Sight, row: Resource, wish: rows.Wish) -> dict[str, Any]:
        return wish.metadata if sight.blueprint.types[row.name].metadata_is_given else row.metadata

    async def _keep(self, sight: Sight, row: Resource, wish: rows.Wish, **changes: Any) -> None:
        """Nothing is to be done but to note that it was looked at."""
        await self._store(
            sight,
            row,
            metadata=self._metadata(sight, row, wish),
            needs=wish.needs,
            policy=wish.policy,
            generation=self._stack.generation,
            data=hooks.after(row.data, sight.hooks(row.name), Action.CHECK),
            **changes,
        )

    async def _require_same_origin(self, sight: Sight, row: Resource) -> None:
        """Forbidden: the stack made the resource, and is now to take over another one in its place, or the other way round."""
        definition = sight.blueprint.wanted[row.name]
        external = await sight.evaluated(definition.external_id, f"resources.{row.name}.external_id")
        if (external is not None) != ("external" in row.data) or external not in {None, row.physical_id}:
            raise errors.Forbidden(f"Update to property external_id of {row.name} ({row.type}) is not allowed.")

    async def _make(self, sight: Sight, row: Resource, type: ResourceType, wish: rows.Wish) -> bool:
        if await self._is_held(sight, row, "pre-create"):
            return True
        definition = sight.blueprint.wanted[row.name]
        begun = await self._begin(
            sight,
            row,
            Action.CREATE,
            kind=sight.blueprint.kinds[row.name],
            type=definition.type,
            properties=wish.properties,
            metadata=wish.metadata,
            needs=wish.needs,
            policy=wish.policy,
        )
        external = await sight.evaluated(definition.external_id, f"resources.{row.name}.external_id")
        work = sight.work(begun)
        if external is not None:
            work.physical_id = str(external)
            work.data["external"] = "true"
            await type.check(work)
            await self._end(sight, begun, work)
            return True
        work.update_policy = await sight.evaluated(definition.update_policy, f"resources.{row.name}.update_policy")
        await type.create(work)
        made = await self._store(sight, begun, **rows.kept(work))
        if not type.is_outside(work.properties) and await type.is_created(work):
            await self._end(sight, made, work)
        return True

    async def _is_held(self, sight: Sight, row: Resource, hook: str) -> bool:
        """Whether the resource waits for somebody to let it go on; the first time this is told."""
        if not hooks.holds(row.data, sight.hooks(row.name), hook):
            return False
        held = await self._store(sight, row, data=hooks.pending(row.data, hook))
        action = hook.partition("-")[2].upper()
        told = f"{action} paused until Hook {hook} is cleared"
        await hooks.tell(sight.transaction, self._stack, held, told)
        return True

    # What is under way.

    async def _ask(self, sight: Sight, row: Resource) -> bool:
        """Whether what is under way came to its end."""
        try:
            with self._foreseen(row.name):
                work = await self._asked(sight, row, sight.type(row))
        except _LATER as error:
            log.info("resource waits", stack=self._stack.id, resource=row.name, reason=error.sentence)
            return False
        except errors.NotFound as error:
            if row.action is not Action.DELETE:
                await self._fail(sight, row, row.action, error)
                return True
            work = sight.work(row)
        except errors.BoxshipError as error:
            await self._fail(sight, row, row.action, error)
            return True
        if work is None:
            return False
        async with self._write(sight):
            present = await rows_store.get(sight.transaction, row.id, lock=True)
            if present is None or present.action is not row.action or not present.in_progress:
                raise Stale
            if row.action is Action.DELETE:
                await self._forget(sight, present)
            else:
                await self._end(sight, present, work)
        return True

    async def _asked(self, sight: Sight, row: Resource, type: ResourceType) -> Work | None:
        """The work, where it is done. What the question leaves in the work is stored in any case."""
        if type.is_outside(row.properties):
            async with sight.within(self._database.read(), None):
                work = sight.work(row)
            done = await rows.question(type, work)
        elif type.asks_write:
            async with self._write(sight):
                work = sight.work(row)
                done = await rows.question(type, work)
                await self._note(sight, row, work)
        else:
            async with sight.within(self._database.read(), None):
                work = sight.work(row)
                done = await rows.question(type, work)
        if not done and not type.asks_write and rows.kept(work) != rows.kept(sight.work(row)):
            async with self._write(sight):
                await self._note(sight, row, work)
        return work if done else None

    async def _note(self, sight: Sight, row: Resource, work: Work) -> None:
        kept = rows.kept(work)
        if kept != rows.kept(sight.work(row)):
            await self._store(sight, row, **kept)

    # Actions that change no template.

    async def _act(self, sight: Sight, row: Resource) -> bool:
        """Suspend, resume, check or snapshot one resource."""
        action = self._stack.action
        try:
            with self._foreseen(row.name):
                async with self._write(sight):
                    await self._acted(sight, row, action)
        except _LATER as error:
            sight.put(row)
            log.info("resource waits", stack=self._stack.id, resource=row.name, reason=error.sentence)
            return False
        except errors.BoxshipError as error:
            sight.put(row)
            await self._fail(sight, row, action, error)
        return True

    async def _acted(self, sight: Sight, row: Resource, action: Action) -> None:
        begun = await self._begin(sight, row, action)
        type, work = sight.type(row), sight.work(begun)
        if action is Action.SNAPSHOT:
            work.data["snapshot"] = msgspec.json.encode(await type.snapshot(work)).decode()
        else:
            await {"SUSPEND": type.suspend, "RESUME": type.resume, "CHECK": type.check}[action](work)
        acted = await self._store(sight, begun, **rows.kept(work))
        if not type.is_outside(row.properties) and await rows.question(type, work):
            await self._end(sight, acted, work)

    # Away.

    async def _remove(self, sight: Sight, row: Resource) -> bool:
        """Begin to remove one resource; what is in use is tried again for some time."""
        try:
            with self._foreseen(row.name):
                async with self._write(sight):
                    return await self._removed(sight, row)
        except (errors.Conflict, *_LATER) as error:
            sight.put(row)
            return await self._refused(sight, row, error)
        except errors.BoxshipError as error:
            sight.put(row)
            await self._fail(sight, row, Action.DELETE, error)
        return True

    async def _removed(self, sight: Sight, row: Resource) -> bool:
        if row.action is Action.INIT and row.physical_id is None:
            await rows_store.delete(sight.transaction, [row.id])
            sight.drop(row)
            return True
        if await self._is_held(sight, row, "pre-delete"):
            return True
        begun = await self._begin(sight, row, Action.DELETE)
        type, work = sight.type(begun), sight.work(begun)
        nothing_made = row.physical_id is None and not type.is_outside(row.properties)
        if nothing_made or row.policy == "Retain" or "external" in row.data:
            await self._forget(sight, begun)
            return True
        work.data["deletion_policy"] = row.policy
        try:
            await type.delete(work)
            gone = not type.is_outside(row.properties) and await type.is_deleted(work)
        except errors.NotFound:
            gone = True
        if gone:
            await self._forget(sight, begun)
        else:
            await self._store(sight, begun, **rows.kept(work))
        return True

    async def _forget(self, sight: Sight, row: Resource) -> None:
        ended = await self._end(sight, row)
        await rows_store.delete(sight.transaction, [row.id])
        sight.drop(ended)

    async def _refused(self, sight: Sight, row: Resource, error: errors.BoxshipError) -> bool:
        now = clock.now().timestamp()
        since = float(row.data.get(_REFUSED_SINCE, now))
        if now - since > self._ground.settings.stack_patience:
            await self._fail(sight, row, Action.DELETE, error)
            return True
        if _REFUSED_SINCE not in row.data:
            async with self._write(sight):
                await self._store(sight, row, data={**row.data, _REFUSED_SINCE: str(now)})
        return False
