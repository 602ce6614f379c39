"""A stack as it is now, seen in one transaction with the rights of its owner: what its resources are called and say of
themselves, and what its template makes of that. Reads only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http.doors import Doors
from boxship.services.identity import public as identity
from boxship.services.orchestration import plan
from boxship.services.orchestration.model import Action, Resource, Stack
from boxship.services.orchestration.operations import blueprints
from boxship.services.orchestration.operations.blueprints import Blueprint
from boxship.services.orchestration.resources import finding, properties, registry
from boxship.services.orchestration.resources.interface import Children, Engines, ResourceType, StackView, Work
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store
from boxship.services.orchestration.template import scopes
from boxship.services.orchestration.template.errors import StackValidationFailed
from boxship.services.orchestration.template.evaluation import Reference


@dataclass(frozen=True, slots=True)
class Ground:
    """What the service stands on: the other services, who may be acted for, the nested stacks, and engines elsewhere."""

    settings: Settings
    doors: Doors
    deputies: identity.Deputies
    children: Children
    engines: Engines


def identity_of(stack: Stack, settings: Settings) -> blueprints.Identity:
    """The stack as its template knows it."""
    return blueprints.Identity(stack.id, stack.name, stack.project_id, settings.region)


async def owner(transaction: Transaction, ground: Ground, stack: Stack) -> Caller:
    """Who the stack acts as. Unauthorized: that user may do nothing in the project any more."""
    try:
        return await ground.deputies.caller(transaction, stack.user_id, stack.project_id, stack.roles)
    except errors.Unauthorized as error:
        raise errors.Forbidden(
            f"{stack.user_name}, on whose behalf the stack acts, has none of the roles any more that it was given."
        ) from error


def signal_url(settings: Settings, stack: Stack, name: str) -> str:
    """Where signals to a resource are sent."""
    within = f"/v1/{stack.project_id}/stacks/{stack.name}/{stack.id}/resources/{name}/signal"
    return f"{settings.url}/orchestration{within}"


def signed_url(settings: Settings) -> str:
    """What the URLs begin with that are the secret themselves; see ``interface.Work.signed_url``."""
    return f"{settings.url}/orchestration/v1/signal"


class Stale(Exception):
    """The stack is not what it was when it was looked at."""


async def require_present(transaction: Transaction, stack: Stack) -> None:
    """Stale: the wish of the stack was changed, or its action ended, since it was read."""
    present = await stacks_store.get(transaction, stack.id, lock=True)
    if present is None or present.generation != stack.generation or not present.in_progress:
        raise Stale


@dataclass(frozen=True, slots=True)
class Parts:
    """What a stack is to be, and what there is of it."""

    blueprint: Blueprint
    rows: Sequence[Resource]


class Sight:
    """One stack with its rows."""

    def __init__(
        self,
        transaction: Transaction,
        ground: Ground,
        stack: Stack,
        parts: Parts,
        caller: Caller,
    ) -> None:
        self.transaction = transaction
        self.ground = ground
        self.stack = stack
        self.blueprint = parts.blueprint
        self.caller = caller
        self._rows = {row.id: row for row in parts.rows}
        self.standing = plan.current(parts.rows)
        self._view = StackView(stack.id, stack.name, stack.project_id, stack.user_id, tuple(stack.tags), stack.depth)

    @property
    def rows(self) -> list[Resource]:
        """All rows, as they were read or put."""
        return list(self._rows.values())

    def put(self, row: Resource) -> None:
        """Know a row as it is now."""
        self._rows[row.id] = row
        standing = self.standing.get(row.name)
        if row.replaced_by is None:
            self.standing[row.name] = row
        elif standing is not None and standing.id == row.id and row.replaced_by in self._rows:
            self.standing[row.name] = self._rows[row.replaced_by]

    def drop(self, row: Resource) -> None:
        """Forget a row."""
        self._rows.pop(row.id, None)
        if self.standing.get(row.name) is not None and self.standing[row.name].id == row.id:
            del self.standing[row.name]

    def hooks(self, name: str) -> frozenset[str]:
        """Where a resource waits for somebody."""
        return self.blueprint.environment.registry.hooks(name)

    @asynccontextmanager
    async def within(
        self, opened: AbstractAsyncContextManager[Transaction], stack: Stack | None
    ) -> AsyncIterator[Transaction]:
        """Act in another transaction; with a ``stack`` only while its wish is what it was. Stale: it is not."""
        before = self.transaction
        async with opened as transaction:
            if stack is not None:
                await require_present(transaction, stack)
            self.transaction = transaction
            try:
                yield transaction
            finally:
                self.transaction = before

    def type(self, row: Resource) -> ResourceType:
        """The type that made a row. StackValidationFailed: there is none of that name any more."""
        found = registry.find(row.kind, self.blueprint.files)
        if found is None:
            raise StackValidationFailed(f"The Resource Type ({row.kind[:200]}) could not be found.")
        return found

    def work(self, row: Resource, wanted: dict[str, Any] | None = None) -> Work:
        """A step of one resource; ``wanted`` are the properties it is to have (None: those that it has)."""
        return Work(
            id=row.id,
            name=row.name,
            type=row.type,
            stack=self._view,
            properties=dict(row.properties) if wanted is None else wanted,
            before=dict(row.properties),
            physical_id=row.physical_id,
            data=dict(row.data),
            metadata=dict(row.metadata),
            action=row.action,
            caller=self.caller,
            transaction=self.transaction,
            doors=self.ground.doors,
            children=self.ground.children,
            engines=self.ground.engines,
            files=self.blueprint.files,
            environment=self.blueprint.environment.document,
            signal_path=signal_url(self.ground.settings, self.stack, row.name),
            signed_path=signed_url(self.ground.settings),
        )

    async def attribute(self, name: str, attribute: str, path: Sequence[Any] = ()) -> Any:
        """The attribute of one resource; None where it has none yet, or what it is of is gone."""
        row = self.standing.get(name)
        if row is None or row.action in {Action.INIT, Action.DELETE}:
            return None
        type = self.type(row)
        work = self.work(row)
        try:
            if attribute == "show":
                return await type.shown(work)
            return await type.attribute_at(work, attribute, path)
        except (errors.NotFound, errors.DriverError):
            return None

    async def attributes(self, name: str) -> dict[str, Any]:
        """All attributes of one resource."""
        row = self.standing.get(name)
        if row is None or row.action is Action.INIT:
            return {}
        return {each: await self.attribute(name, each) for each in self.type(row).attributes}

    def reference(self, name: str) -> Any:
        """What ``get_resource`` gives of one resource."""
        row = self.standing.get(name)
        return name if row is None else self.type(row).reference(self.work(row))

    async def scope(self, wanted: Iterable[Reference]) -> scopes.StackScope:
        """What functions that ask for these things see."""
        known: dict[str, Any] = {}
        attributes: dict[tuple[str, str], Any] = {}
        for each in wanted:
            if each.attribute is None:
                known[each.resource] = self.reference(each.resource)
            elif each.attribute == "":
                attributes[each.resource, ""] = await self.attributes(each.resource)
            else:
                found = await self.attribute(each.resource, each.attribute, each.path)
                before = attributes.get((each.resource, each.attribute))
                joined = {**before, **found} if isinstance(before, dict) and isinstance(found, dict) else found
                attributes[each.resource, each.attribute] = joined
        return self.blueprint.scope(known, attributes)

    async def evaluated(self, node: Any, place: str) -> Any:
        """A part of the template with its functions evaluated. Invalid names the place."""
        if not node:
            return node
        scope = await self.scope(self.blueprint.references(node, place))
        return scopes.evaluate(self.blueprint.template, scope, node, place)

    async def properties(self, name: str, work: Work) -> dict[str, Any]:
        """The properties that the template wants for a resource: checked, converted, with names looked up."""
        definition, type = self.blueprint.wanted[name], self.blueprint.types[name]
        place = f"resources.{name}.properties"
        given = await self.evaluated(definition.properties, place)
        if type.takes_any_property:
            return dict(given)
        checked = properties.resolved(type.properties, properties.renamed(given, type.aliases), place)
        blueprints.require_sound(type, checked, self.ground.settings.region, place)
        if type.local:
            return checked
        return await finding.looked_up(work, type.properties, checked, place)

    async def outputs(self, only: str | None = None) -> list[dict[str, Any]]:
        """The outputs as a stack shows them; one that cannot be worked out says why."""
        shown = []
        for output in self.blueprint.outputs.values():
            if only not in {None, output.name}:
                continue
            entry: dict[str, Any] = {"output_key": output.name, "description": output.description}
            try:
                entry["output_value"] = await self.evaluated(output.value, f"outputs.{output.name}.value")
            except errors.BoxshipError as error:
                place = f"{getattr(error, 'field', '')}: "
                entry |= {"output_value": None, "output_error": error.sentence.removeprefix(place)}
            shown.append(entry)
        return shown


async def sight(transaction: Transaction, ground: Ground, stack: Stack) -> Sight:
    """The stack as it is now. Forbidden: its owner may do nothing any more; BadRequest: its template is not valid."""
    raw = await stacks_store.raw(transaction, stack.raw_id)
    blueprint = blueprints.of(
        raw,
        identity_of(stack, ground.settings),
        most=ground.settings.max_stack_resources,
        facades=await facades(transaction, stack),
    )
    rows = await rows_store.of(transaction, [stack.id])
    return Sight(transaction, ground, stack, Parts(blueprint, rows), await owner(transaction, ground, stack))


async def facades(transaction: Transaction, stack: Stack) -> Mapping[str, Any]:
    """What ``resource_facade`` gives in a nested stack: of the resource that it is the substance of."""
    if stack.owner_id is None or stack.owner_resource is None:
        return {}
    row = await rows_store.named(transaction, stack.owner_id, stack.owner_resource)
    if row is None:
        return {}
    return {"metadata": row.metadata, "deletion_policy": row.policy, "update_policy": {}}
