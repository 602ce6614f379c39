"""What is to be done next about a stack: its wish and the rows of its resources, to steps. Pure.

Every change of a stack's wish begins a new generation, and the engine goes through all resources once more: each is visited
when all that it needs were, and is made, changed in place, replaced or left as it is. What is not wanted any more, or was
replaced, goes at the end, each after all that were made from it. Nothing is remembered between two looks: the rows say how
far it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boxship.services.orchestration.model import Action, Resource, Stack, Status
from boxship.services.orchestration.resources.interface import Property

FORWARD = frozenset({Action.CREATE, Action.UPDATE, Action.ADOPT, Action.RESTORE})
"""Actions that bring a stack to what its template says."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that can be taken now, in any order. ``failed`` is what ends the action; ``complete`` that nothing is left."""

    visits: tuple[str, ...] = ()
    """Resources to make, change or leave."""
    asks: tuple[Resource, ...] = ()
    """Resources with something under way: is it done?"""
    acts: tuple[Resource, ...] = ()
    """Resources to suspend, resume, check or snapshot."""
    removals: tuple[Resource, ...] = ()
    """Resources to remove."""
    failed: Resource | None = None
    complete: bool = False


def current(rows: Iterable[Resource]) -> dict[str, Resource]:
    """The row that stands for each name."""
    return {row.name: row for row in rows if row.replaced_by is None}


def steps(stack: Stack, needs: Mapping[str, Iterable[str]], rows: Sequence[Resource]) -> Plan:
    """What can be done now. ``needs`` are the wanted resources with what comes before each (empty: nothing is wanted)."""
    failed = next((row for row in rows if _failed_now(stack, row)), None)
    if failed and stack.action is not Action.CHECK:
        return Plan(failed=failed)
    if stack.action is Action.DELETE:
        return _removing(rows, rows)
    if stack.action in FORWARD or stack.action is Action.ROLLBACK:
        return _forward(stack, needs, rows)
    return _acting(stack, rows)


def _failed_now(stack: Stack, row: Resource) -> bool:
    return row.failed and row.generation == stack.generation


def is_done(stack: Stack, row: Resource | None) -> bool:
    """Whether a resource is as the present wish has it."""
    return row is not None and row.generation == stack.generation and row.status is Status.COMPLETE and not is_held(row)


def is_held(row: Resource) -> bool:
    """Whether a resource waits at a hook for somebody to let it go on."""
    return any(value == "pending" for key, value in row.data.items() if key.startswith("hook:"))


def _forward(stack: Stack, needs: Mapping[str, Iterable[str]], rows: Sequence[Resource]) -> Plan:
    standing = current(rows)
    done = {name for name in needs if is_done(stack, standing.get(name))}
    if len(done) == len(needs):
        left = [row for row in rows if row.name not in needs or row.replaced_by is not None]
        return _removing(left, rows)
    asks = [row for row in standing.values() if row.in_progress and row.name in needs]
    busy = {row.name for row in asks} | {row.name for row in standing.values() if is_held(row)}
    visits = [
        name
        for name, before in needs.items()
        if name not in done and name not in busy and all(other in done for other in before)
    ]
    return Plan(visits=tuple(visits), asks=tuple(asks))


def _removing(left: Sequence[Resource], rows: Sequence[Resource]) -> Plan:
    """Remove these, each after all rows that were made from it."""
    if not left:
        return Plan(complete=True)
    needed = {id for row in rows for id in row.needs}
    going = [row for row in left if row.action is Action.DELETE and row.in_progress]
    leaving = {row.id for row in going}
    ready = [row for row in left if row.id not in leaving and row.id not in needed and not is_held(row)]
    return Plan(asks=tuple(going), removals=tuple(ready))


def _acting(stack: Stack, rows: Sequence[Resource]) -> Plan:
    """Do something to every resource: SUSPEND from the last to the first, RESUME from the first, others side by side."""
    standing = current(rows)
    mine = [row for row in standing.values() if row.action is not Action.INIT]
    done = {row.id for row in mine if is_done(stack, row) or _failed_now(stack, row)}
    if len(done) == len(mine):
        failed = next((row for row in mine if _failed_now(stack, row)), None)
        return Plan(failed=failed, complete=failed is None)
    under_way = [row for row in mine if row.in_progress]
    there = {row.id for row in mine}
    dependents: dict[str, set[str]] = {}
    for row in mine:
        for id in row.needs:
            dependents.setdefault(id, set()).add(row.id)
    ready = []
    for row in mine:
        before: set[str] = set()
        if stack.action is Action.SUSPEND:
            before = dependents.get(row.id, set())
        elif stack.action is Action.RESUME:
            before = set(row.needs) & there
        if row.id not in done and not row.in_progress and before <= done:
            ready.append(row)
    return Plan(asks=tuple(under_way), acts=tuple(ready))


@dataclass(frozen=True, slots=True)
class Change:
    """What a visit does to a resource that is there: nothing, a change in place, or a replacement, for a reason."""

    changed: Mapping[str, Any] = field(default_factory=dict)
    replaces: str = ""
    refused: str = ""

    @property
    def is_nothing(self) -> bool:
        return not (self.changed or self.replaces or self.refused)


def change(row: Resource, kind: str, schema: Mapping[str, Property], properties: Mapping[str, Any]) -> Change:
    """How a resource comes from what it is to ``properties`` of the type ``kind``."""
    if row.kind != kind:
        return Change(replaces=f"its type was {row.kind} and is {kind}")
    changed = {name: value for name, value in properties.items() if row.properties.get(name) != value}
    changed |= {name: None for name in row.properties if name not in properties and row.properties[name] is not None}
    for name in changed:
        if name in schema and schema[name].immutable:
            return Change(refused=f"Updating a property {name} that is immutable is not allowed.")
    fixed = sorted(name for name in changed if name not in schema or not schema[name].update_allowed)
    if fixed:
        return Change(changed, replaces=f"{', '.join(fixed)} cannot be changed in place")
    return Change(changed)
