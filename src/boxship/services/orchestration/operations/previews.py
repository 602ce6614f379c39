"""What would happen: templates checked, and updates compared with what is there. Nothing is stored."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

import msgspec

from boxship.config import Settings
from boxship.core.db.database import Transaction
from boxship.services.orchestration import plan
from boxship.services.orchestration.model import Raw, Resource, Stack
from boxship.services.orchestration.operations import blueprints, requests, sights, stacks
from boxship.services.orchestration.operations.blueprints import Blueprint
from boxship.services.orchestration.operations.requests import Sent
from boxship.services.orchestration.operations.stacks import Update
from boxship.services.orchestration.resources import properties
from boxship.services.orchestration.resources.nested import NestedStack
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store
from boxship.services.orchestration.template import environments, parameters, parsing, reading, scopes
from boxship.services.orchestration.template.evaluation import is_known


@dataclass(slots=True)
class Changes:
    """The resources by what an update does to them; ``why`` says it of those that change."""

    blueprint: Blueprint
    rows: dict[str, Resource]
    added: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)


async def update(transaction: Transaction, ground: sights.Ground, stack: Stack, change: Update) -> Changes:
    """What an update would do. BadRequest: it does not hold."""
    former = await stacks_store.raw(transaction, stack.raw_id)
    raw = requests.raw(
        change.sent,
        ground.settings,
        former=former if change.patches else None,
        cleared=change.cleared if change.patches else (),
    )
    blueprint = stacks.blueprint(raw, stack, ground.settings)
    rows = await rows_store.of(transaction, [stack.id])
    standing = plan.current(rows)
    sight = sights.Sight(
        transaction, ground, stack, sights.Parts(blueprint, rows), await sights.owner(transaction, ground, stack)
    )
    found = Changes(blueprint, standing)
    found.deleted = [name for name in standing if name not in blueprint.wanted]
    for name in TopologicalSorter(blueprint.needs).static_order():
        if name not in standing:
            found.added.append(name)
            continue
        await _compare(sight, found, name)
    return found


async def _compare(sight: sights.Sight, found: Changes, name: str) -> None:
    row = found.rows[name]
    type = found.blueprint.types[name]
    work = sight.work(row)
    wanted = await sight.properties(name, work)
    known = {key: value for key, value in wanted.items() if is_known(value)}
    before = {key: value for key, value in row.properties.items() if key in known}
    change = plan.change(_with(row, before), found.blueprint.kinds[name], type.properties, known)
    follows = _follows(found, name)
    fixed = [prop for prop in follows if prop not in type.properties or not type.properties[prop].update_allowed]
    if change.is_nothing and row.physical_id is not None and not follows:
        found.unchanged.append(name)
    elif fixed and not change.replaces and not type.survives_failure:
        found.replaced.append(name)
        found.why[name] = ", ".join(follows[prop] for prop in fixed)
    elif change.replaces and not type.survives_failure:
        found.replaced.append(name)
        found.why[name] = change.replaces
    else:
        found.updated.append(name)
        found.why[name] = change.refused or ", ".join([*sorted(change.changed), *follows.values()])


def _follows(found: Changes, name: str) -> dict[str, str]:
    """The properties whose values only the update will tell, because they come from what is made anew, with the sentence."""
    fresh = {*found.added, *found.replaced}
    told = {}
    given = found.blueprint.wanted[name].properties
    for prop, node in given.items() if isinstance(given, dict) else ():
        asked = found.blueprint.references(node, f"resources.{name}.properties.{prop}")
        others = sorted({each.resource for each in asked} & fresh)
        if others:
            told[prop] = f"{prop} comes from {' and '.join(others)}, made anew"
    return told


def _with(row: Resource, before: dict[str, Any]) -> Resource:
    return msgspec.structs.replace(row, properties=before)


def validated(settings: Settings, sent: Sent, *, ignored: Collection[str] = (), nested: bool = False) -> dict[str, Any]:
    """A template checked without making a stack of it: its parameters as clients show them. BadRequest: it does not hold."""
    raw = requests.raw(sent, settings)
    found = checked(raw, settings, unknown_types_pass="99001" in ignored)  # Heat's number for them
    template = reading.read(raw.template)
    body: dict[str, Any] = {
        "Description": template.description,
        "Parameters": {
            name: parameters.shown(schema, found.environment.parameters.get(name))
            for name, schema in template.parameters.items()
        },
        "Environment": {
            "parameters": dict(raw.environment.get("parameters") or {}),
            "parameter_defaults": dict(raw.environment.get("parameter_defaults") or {}),
            "resource_registry": {
                "resources": {},
                **{kind: kind for kind in found.kinds.values() if kind in raw.files},
                **(raw.environment.get("resource_registry") or {}),
            },
            "event_sinks": [],
        },
    }
    if template.groups:
        body["ParameterGroups"] = list(template.groups)
    if nested:
        body["NestedParameters"] = _nested(found, raw, settings)
    return body


def checked(raw: Raw, settings: Settings, *, unknown_types_pass: bool = False) -> Blueprint:
    """The blueprint of a template whose parameters may be missing. BadRequest: it does not hold."""
    identity = blueprints.Identity(str(uuid.uuid4()), "template_validate", "", settings.region)
    template = reading.read(raw.template)
    known = environments.read(raw.environment)
    given = set(known.parameters) | set(known.parameter_defaults)
    complete = all(schema.has_default or name in given for name, schema in template.parameters.items())
    try:
        found = blueprints.drawn(_with_stand_ins(raw, template, given), identity, most=settings.max_stack_resources)
    except blueprints.UnknownType:
        if not unknown_types_pass:
            raise
        return blueprints.drawn(raw_without_resources(raw), identity, most=settings.max_stack_resources, strict=False)
    if complete:
        blueprints.require_valid(found)
    return found


def raw_without_resources(raw: Raw) -> Raw:
    """The template with its parameters only."""
    kept = {key: value for key, value in raw.template.items() if key.lower() not in {"resources", "outputs"}}
    return Raw(raw.id, kept, raw.environment, raw.files)


_STAND_INS = {"string": "", "number": 0, "comma_delimited_list": [], "json": {}, "boolean": False}


def _with_stand_ins(raw: Raw, template: Any, given: Collection[str]) -> Raw:
    """The template with something in the place of every parameter that is missing and has no constraint."""
    declared = dict(raw.template.get("parameters") or raw.template.get("Parameters") or {})
    for name, schema in template.parameters.items():
        if name not in given and not schema.has_default:
            word = "default" if template.is_hot else "Default"
            kind = "constraints" if template.is_hot else ""
            body = {key: value for key, value in declared[name].items() if key != kind}
            declared[name] = {**_unconstrained(body, is_hot=template.is_hot), word: _stand_in(schema)}
    section = "parameters" if template.is_hot else "Parameters"
    return Raw(raw.id, {**raw.template, section: declared} if declared else raw.template, raw.environment, raw.files)


def _unconstrained(body: dict[str, Any], *, is_hot: bool) -> dict[str, Any]:
    if is_hot:
        return body
    return {key: value for key, value in body.items() if key in {"Type", "Description", "NoEcho", "Label"}}


def _stand_in(schema: Any) -> Any:
    return _STAND_INS[schema.type]


def _nested(found: Blueprint, raw: Raw, settings: Settings, depth: int = 0) -> dict[str, Any]:
    """The parameters of the templates that stand for types."""
    shown: dict[str, Any] = {}
    for name, kind in found.kinds.items():
        if kind not in raw.files or not environments.is_template(kind) or depth >= settings.max_nested_depth:
            continue
        document = parsing.parse(raw.files[kind], limit=settings.max_template)
        inner = Raw(raw.id, document, {**raw.environment, "parameters": {}}, raw.files)
        below = checked(inner, settings)
        given = draft_properties(found, name)
        shown[name] = {
            "Type": found.wanted[name].type,
            "Description": below.template.description,
            "Parameters": {
                each: parameters.shown(schema, given.get(each))
                for each, schema in reading.read(document).parameters.items()
            },
        }
        deeper = _nested(below, inner, settings, depth + 1)
        if deeper:
            shown[name]["NestedParameters"] = deeper
    return shown


def nested(blueprint: Blueprint, name: str, stack: Stack, settings: Settings) -> tuple[Stack, Blueprint] | None:
    """The stack that a resource would be the parent of, and what it would be; None: there is none, or it cannot be told."""
    type = blueprint.types[name]
    if not isinstance(type, NestedStack) or stack.depth >= settings.max_nested_depth:
        return None
    child = type.preview(draft_properties(blueprint, name), blueprint.files)
    if child is None:
        return None
    environment = {**blueprint.environment.document, "parameters": dict(child.parameters)}
    raw = Raw(str(uuid.uuid4()), dict(child.template), environment, dict(blueprint.files))
    raw = _with_stand_ins(raw, reading.read(raw.template), set(child.parameters))
    below = msgspec.structs.replace(stack, name=f"{stack.name}-{name}", depth=stack.depth + 1)
    return below, blueprints.drawn(raw, sights.identity_of(below, settings), most=settings.max_stack_resources)


def draft_properties(blueprint: Blueprint, name: str) -> dict[str, Any]:
    """The properties of a resource as far as they are known before it is made."""
    type, place = blueprint.types[name], f"resources.{name}.properties"
    given = scopes.evaluate(blueprint.template, blueprint.scope(), blueprint.wanted[name].properties, place)
    if type.takes_any_property:
        return properties.without_unknown(given)
    return properties.without_unknown(
        properties.resolved(type.properties, properties.renamed(given, type.aliases), place)
    )
