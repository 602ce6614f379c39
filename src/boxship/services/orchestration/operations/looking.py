"""Looking at stacks, their resources and events. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.errors import BoxshipError
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.orchestration import errors, plan
from boxship.services.orchestration.model import Event, Raw, Resource, Stack
from boxship.services.orchestration.store import events as events_store
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store
from boxship.services.orchestration.template import reading

_ENDS = ("COMPLETE", "FAILED", "IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class StackList:
    """What a list of stacks was asked for."""

    query: Query
    everybodys: bool = False


async def list_stacks(
    transaction: Transaction, caller: Caller, project_id: str, wanted: StackList
) -> tuple[list[Stack], int | None, bool]:
    """A page of stacks, how many there are in all where that was asked, and whether more may follow."""
    query = wanted.query
    conditions = _conditions(query)
    if not (wanted.everybodys and caller.is_admin):
        conditions.append(stacks_store.of_project(project_id))
    page = listing.page(query, stacks_store.COLUMNS, default_sort="created_at", descending=True)
    found = await stacks_store.page(transaction, conditions, page)
    count = await stacks_store.count(transaction, conditions) if query.flag("with_count") else None
    return found, count, bool(query.one("limit")) and listing.next_marker(found, page)


def _conditions(query: Query) -> list[sa.ColumnElement[bool]]:
    conditions = [] if query.flag("show_deleted") else [stacks_store.there()]
    if not query.flag("show_nested") and query.one("owner_id") is None:
        conditions.append(stacks_store.top())
    plain = Query(tuple((key, value) for key, value in query.pairs if key not in {"status", "action", "tags"}))
    conditions += listing.filters(plain, stacks_store.COLUMNS)
    conditions += _states(query.all("status"), query.all("action") + query.all("stack_action"))
    conditions += _tags(query)
    return conditions


def _states(statuses: Iterable[str], actions: Iterable[str]) -> list[sa.ColumnElement[bool]]:
    """Statuses may name the action, too: CREATE_COMPLETE."""
    wanted, acted = set(), set(actions)
    for status in statuses:
        end = next((each for each in _ENDS if status.endswith(each)), status)
        wanted.add(end)
        if len(status) > len(end):
            acted.add(status[: -len(end) - 1])
    columns = stacks_store.COLUMNS
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted:
        conditions.append(columns["status"].in_(sorted(wanted)))
    if acted:
        conditions.append(columns["action"].in_(sorted(acted)))
    return conditions


def _tags(query: Query) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    for key in ("tags", "tags-any", "not-tags", "not-tags-any"):
        names = [tag for value in query.all(key) for tag in value.split(",") if tag]
        if not names:
            continue
        each = [stacks_store.tagged(tag) for tag in names]
        joined = sa.or_(*each) if key.endswith("any") else sa.and_(*each)
        conditions.append(sa.not_(joined) if key.startswith("not") else joined)
    return conditions


async def raw(transaction: Transaction, stack: Stack) -> Raw:
    """The template of a stack with what belongs to it."""
    return await stacks_store.raw(transaction, stack.raw_id)


async def descriptions(transaction: Transaction, found: Iterable[Stack]) -> dict[str, str]:
    """What the templates of several stacks say of themselves, by stack."""
    stacks = list(found)
    told = await stacks_store.descriptions(transaction, [stack.raw_id for stack in stacks])
    return {stack.id: told.get(stack.raw_id) or reading.NO_DESCRIPTION for stack in stacks}


def hidden(found: Raw) -> list[str]:
    """The parameters of a template that nobody may see."""
    try:
        return [name for name, schema in reading.read(found.template).parameters.items() if schema.hidden]
    except BoxshipError:
        return []


async def resources(
    transaction: Transaction, stack: Stack, *, depth: int = 0
) -> list[tuple[Stack, Resource, list[Resource]]]:
    """The resources of a stack, and of those nested in it up to ``depth``: each with its stack and all rows beside it."""
    found = []
    level = [stack]
    for _ in range(depth + 1):
        rows = await rows_store.of(transaction, [each.id for each in level])
        for each in level:
            own = [row for row in rows if row.stack_id == each.id]
            found += [(each, row, own) for row in plan.current(own).values()]
        level = [child for each in level for child in await stacks_store.children(transaction, each.id)]
        if not level:
            break
    return found


async def nested(transaction: Transaction, stack: Stack) -> dict[str, Stack]:
    """The stacks that are the substance of a stack's resources, by id."""
    return {child.id: child for child in await stacks_store.children(transaction, stack.id)}


async def resource(transaction: Transaction, stack: Stack, name: str, *, lock: bool = False) -> Resource:
    """One resource by its name, or by the id of what it made. EntityNotFound: there is none."""
    found = await rows_store.named(transaction, stack.id, name, lock=lock)
    if found is None:
        rows = plan.current(await rows_store.of(transaction, [stack.id])).values()
        found = next((row for row in rows if row.physical_id == name), None)
    if found is None:
        raise errors.EntityNotFound("Resource", name)
    return found


async def events(
    transaction: Transaction, stack: Stack, query: Query, *, resource_name: str | None = None, nested: bool = False
) -> list[Event]:
    """A page of events, oldest first."""
    conditions = [events_store.below(stack.root_id) if nested else events_store.of(stack.id)]
    if resource_name is not None:
        conditions.append(events_store.COLUMNS["resource_name"] == resource_name)
    plain = Query(tuple((key, value) for key, value in query.pairs if key in _EVENT_FILTERS))
    conditions += listing.filters(plain, events_store.COLUMNS)
    sorted_query = Query(tuple((key, value) for key, value in query.pairs if key != "nested_depth"))
    page = listing.page(sorted_query, events_store.COLUMNS, default_sort="event_time")
    return await events_store.page(transaction, conditions, page)


_EVENT_FILTERS = {"resource_name", "resource_action", "resource_status", "resource_type"}


async def event(transaction: Transaction, stack: Stack, id: str) -> Event:
    """One event. EntityNotFound: there is none."""
    found = await events_store.get(transaction, stack.id, id)
    if found is None:
        raise errors.EntityNotFound("Event", id)
    return found


async def names(transaction: Transaction, ids: Sequence[str]) -> dict[str, Stack]:
    """Several stacks by id."""
    return {id: stack for id in dict.fromkeys(ids) if (stack := await stacks_store.get(transaction, id)) is not None}
