"""What a stack is to be, worked out of its stored template: parameters, conditions, resources, and what comes before what. Pure
but for a cache; the same for everybody who looks."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boxship.services.orchestration.model import Raw
from boxship.services.orchestration.resources import properties, registry
from boxship.services.orchestration.resources.interface import ResourceType
from boxship.services.orchestration.template import environments, parameters, parsing, reading, scopes
from boxship.services.orchestration.template.conditions import Conditions
from boxship.services.orchestration.template.environments import Environment
from boxship.services.orchestration.template.errors import Invalid, StackValidationFailed
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Evaluator, Reference
from boxship.services.orchestration.template.model import Definition, Output, Template
from boxship.services.orchestration.template.scopes import StackScope

_KEPT = 200
"""Blueprints that are remembered."""


class UnknownType(StackValidationFailed):
    """There is no such type of resources."""

    def __init__(self, kind: str, place: str) -> None:
        super().__init__(f"The Resource Type ({kind[:200]}) could not be found.", field=place)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a template may know of its stack (pseudo parameters)."""

    id: str
    name: str
    project_id: str
    region: str

    def parameters(self, *, is_hot: bool) -> dict[str, Any]:
        """By the names that the language has for them."""
        if is_hot:
            return {"OS::stack_id": self.id, "OS::stack_name": self.name, "OS::project_id": self.project_id}
        return {"AWS::StackId": self.arn, "AWS::StackName": self.name, "AWS::Region": self.region}

    @property
    def arn(self) -> str:
        """The stack as an ARN."""
        return f"arn:openstack:heat::{self.project_id}:stacks/{self.name}/{self.id}"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A template with its parameters. ``wanted`` are the resources that its conditions want, ``kinds`` what stands for their
    types, ``needs`` which others come before each."""

    identity: Identity
    template: Template
    environment: Environment
    files: Mapping[str, str]
    parameters: Mapping[str, Any]
    conditions: Conditions
    wanted: Mapping[str, Definition]
    outputs: Mapping[str, Output]
    types: Mapping[str, ResourceType]
    kinds: Mapping[str, str]
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    facades: Mapping[str, Any] = field(default_factory=dict)

    def scope(
        self, known: Mapping[str, Any] | None = None, attributes: Mapping[tuple[str, str], Any] | None = None
    ) -> StackScope:
        """What functions see."""
        return StackScope(
            self.parameters,
            self.files,
            self.conditions,
            frozenset(self.wanted),
            known or {},
            attributes or {},
            self.facades,
        )

    def references(self, node: Any, place: str) -> list[Reference]:
        """What a part of the template asks of resources."""
        return scopes.references(self.template, self.scope(), node, place)


_known: OrderedDict[tuple[str, Identity], Blueprint] = OrderedDict()


def of(raw: Raw, identity: Identity, *, most: int, facades: Mapping[str, Any] | None = None) -> Blueprint:
    """The blueprint of a stored template; ``most`` resources at the most. BadRequest: it is not valid."""
    key = (raw.id, identity)
    found = _known.get(key)
    if found is None:
        found = drawn(raw, identity, most=most, facades=facades)
        _known[key] = found
        if len(_known) > _KEPT:
            _known.popitem(last=False)
    _known.move_to_end(key)
    return found


def drawn(
    raw: Raw, identity: Identity, *, most: int, facades: Mapping[str, Any] | None = None, strict: bool = True
) -> Blueprint:
    """The blueprint of any template; not ``strict``: parameters may be missing. BadRequest: it is not valid."""
    parsing.check(raw.template)
    parsing.check(raw.environment)
    template = reading.read(raw.template)
    environment = environments.read(raw.environment)
    values = parameters.resolve(
        template.parameters,
        environment.parameters,
        environment.parameter_defaults,
        identity.parameters(is_hot=template.is_hot),
        strict=strict,
    )
    conditions = Conditions(template, values)
    conditions.all()
    wanted = conditions.wanted()
    if len(wanted) > most:
        raise StackValidationFailed(f"Maximum resources per stack exceeded: {len(wanted)} of at most {most}.")
    kinds = {name: environment.registry.find(each.type, name) for name, each in wanted.items()}
    types = {
        name: _type(wanted[name], kind, raw.files, "resources" if template.is_hot else "Resources")
        for name, kind in kinds.items()
    }
    plain = Blueprint(
        identity,
        template,
        environment,
        raw.files,
        values,
        conditions,
        wanted,
        conditions.outputs(),
        types,
        kinds,
        {},
        facades or {},
    )
    needs = _needs(plain)
    _require_order(needs)
    if not facades:  # those of nested stacks are judged when the parent asks for them
        for output in plain.outputs.values():
            plain.references(output.value, f"outputs.{output.name}.value")
    return dataclasses.replace(plain, needs=needs)


def _type(definition: Definition, kind: str, files: Mapping[str, str], section: str) -> ResourceType:
    found = registry.find(kind, files)
    if found is None:
        raise UnknownType(kind, f"{section}.{definition.name}")
    return found


def _needs(blueprint: Blueprint) -> dict[str, frozenset[str]]:
    needs: dict[str, set[str]] = {}
    for name, definition in blueprint.wanted.items():
        place = f"resources.{name}"
        for other in definition.depends_on:
            if other not in blueprint.template.resources:
                raise Invalid(f'The specified reference "{other[:100]}" (in {name}) is incorrect.', path=place)
        found = {other for other in definition.depends_on if other in blueprint.wanted}
        for part, node in (
            ("properties", definition.properties),
            ("metadata", definition.metadata),
            ("update_policy", definition.update_policy),
            ("deletion_policy", definition.deletion_policy),
        ):
            if node:
                found |= {each.resource for each in _asked(blueprint, node, f"{place}.{part}")}
        needs[name] = found
    _add_implied(blueprint, needs)
    return {name: frozenset(found) for name, found in needs.items()}


def _asked(blueprint: Blueprint, node: Any, place: str) -> list[Reference]:
    """What a part of a resource asks of others. BadRequest in the words that Heat has for a parameter that is not there."""
    try:
        return blueprint.references(node, place)
    except Invalid as error:
        if not error.field.endswith(".get_param"):
            raise
        said = error.sentence.removeprefix(f"{error.field}: ")
        raise StackValidationFailed(f"Property error: : {error.field.removesuffix('.get_param')}: : {said}") from error


def _add_implied(blueprint: Blueprint, needs: dict[str, set[str]]) -> None:
    """What types know to come before them although the template does not say so; never what would go round in a circle."""
    knowing = [name for name, each in blueprint.types.items() if type(each).needs is not ResourceType.needs]
    if not knowing:
        return
    half = {
        name: (
            blueprint.kinds[name],
            properties.renamed(_half_evaluated(blueprint, definition), blueprint.types[name].aliases),
        )
        for name, definition in blueprint.wanted.items()
    }
    for name in knowing:
        others = {other: found for other, found in half.items() if other != name}
        for other in blueprint.types[name].needs(half[name][1], others) - {name}:
            if not _leads(needs, other, name):
                needs[name].add(other)


class _Pointing(StackScope):
    """A scope in which a resource is a reference to it."""

    __slots__ = ()

    def reference(self, resource: str) -> Any:
        return Reference(resource)

    def attribute(self, resource: str, name: str | None, path: Sequence[Any]) -> Any:
        del resource, name, path
        return UNRESOLVED


def _half_evaluated(blueprint: Blueprint, definition: Definition) -> Mapping[str, Any]:
    scope = blueprint.scope()
    pointing = _Pointing(scope.parameters, scope.files, scope.conditions, scope.names)
    version = blueprint.template.version
    evaluator = Evaluator(version.functions, pointing, blueprint.template.mappings, version.condition_functions)
    value = evaluator.value(definition.properties)
    return value if isinstance(value, dict) else {}


def _leads(needs: Mapping[str, Iterable[str]], start: str, end: str) -> bool:
    """Whether ``start`` comes, by whatever way, after ``end``."""
    seen, waiting = {start}, [start]
    while waiting:
        for other in needs.get(waiting.pop(), ()):
            if other == end:
                return True
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return False


def order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The names, each after all that it needs; what goes round in a circle is left out."""
    left = {name: set(found) & set(needs) for name, found in needs.items()}
    dependents: dict[str, list[str]] = {}
    for name, found in left.items():
        for other in found:
            dependents.setdefault(other, []).append(name)
    ready = [name for name, found in left.items() if not found]
    ordered = []
    while ready:
        name = ready.pop()
        ordered.append(name)
        for other in dependents.get(name, ()):
            left[other].discard(name)
            if not left[other]:
                ready.append(other)
    return ordered


def _require_order(needs: Mapping[str, frozenset[str]]) -> None:
    placed = set(order(needs))
    stuck = sorted(set(needs) - placed)
    if stuck:
        circle = ", ".join(stuck[:10])
        raise StackValidationFailed(f"Circular Dependency Found: {circle}")


def require_valid(blueprint: Blueprint) -> None:
    """That the properties of all resources hold, as far as they can be known. BadRequest names resource and property."""
    scope = blueprint.scope()
    section = "resources" if blueprint.template.is_hot else "Resources"
    part = "properties" if blueprint.template.is_hot else "Properties"
    for name, definition in blueprint.wanted.items():
        place = f"{section}.{name}.{part}"
        given = scopes.evaluate(blueprint.template, scope, definition.properties, place)
        type = blueprint.types[name]
        if type.takes_any_property:
            continue
        checked = properties.resolved(type.properties, properties.renamed(given, type.aliases), place)
        require_sound(type, checked, blueprint.identity.region, place)
        _require_attributes(blueprint, name, definition)


def require_sound(type: ResourceType, checked: Mapping[str, Any], region: str, place: str) -> None:
    """That the properties go together, and can be had in this region. StackValidationFailed: they cannot."""
    wrong = type.check_properties(checked)
    if wrong:
        raise StackValidationFailed(wrong, field=place)
    type.check_region(checked, region)


def _require_attributes(blueprint: Blueprint, name: str, definition: Definition) -> None:
    for each in blueprint.references(definition.properties, f"resources.{name}.properties"):
        require_attribute(blueprint, each)


def require_attribute(blueprint: Blueprint, reference: Reference) -> None:
    """That the resource has the attribute. StackValidationFailed: it has not."""
    if not reference.attribute:
        return
    type = blueprint.types[reference.resource]
    if reference.attribute in {*type.attributes, "show"} or type.takes_any_attribute:
        return
    raise StackValidationFailed(
        f"The Referenced Attribute ({reference.resource} {reference.attribute[:100]}) is incorrect."
    )
