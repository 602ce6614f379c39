"""What the functions of a stack's template see: values that were gathered before. Never looks anything up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boxship.services.orchestration.template.conditions import Conditions
from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Collector, Evaluator, Reference, Scope
from boxship.services.orchestration.template.model import Template


@dataclass(frozen=True, slots=True)
class StackScope:
    """``references`` and ``attributes`` hold what is known; of other resources of ``names`` everything is UNRESOLVED."""

    parameters: Mapping[str, Any]
    files: Mapping[str, str]
    conditions: Conditions
    names: frozenset[str]
    references: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    facades: Mapping[str, Any] = field(default_factory=dict)

    def parameter(self, name: str) -> Any:
        """Invalid: there is no such parameter."""
        if name not in self.parameters:
            raise Invalid(f"The Parameter ({name[:100]}) was not provided.")
        return self.parameters[name]

    def reference(self, resource: str) -> Any:
        """Invalid: there is no such resource."""
        self._require(resource)
        return self.references.get(resource, UNRESOLVED)

    def attribute(self, resource: str, name: str | None, path: Sequence[Any]) -> Any:
        """Invalid: there is no such resource."""
        del path
        self._require(resource)
        return self.attributes.get((resource, name or ""), UNRESOLVED)

    def _require(self, resource: str) -> None:
        if resource not in self.names:
            raise Invalid(f'The specified reference "{resource[:100]}" is incorrect.')

    def file(self, name: str) -> str:
        """Invalid: no such file came with the template."""
        if name not in self.files:
            raise Invalid(f'No content found in the "files" section for get_file path: {name[:200]}')
        return self.files[name]

    def condition(self, name: str) -> bool:
        return self.conditions.condition(name)

    def facade(self, key: str) -> Any:
        """Invalid: this template is not that of a resource."""
        if not self.facades:
            raise Invalid("resource_facade has a meaning only in the template of a resource")
        return self.facades.get(key, {})


def _evaluator(template: Template, scope: Scope) -> Evaluator:
    version = template.version
    return Evaluator(version.functions, scope, template.mappings, version.condition_functions)


def evaluate(template: Template, scope: StackScope, node: Any, place: str) -> Any:
    """The node with its functions evaluated. Invalid: they cannot be; the sentence names the place."""
    evaluator = _evaluator(template, scope)
    try:
        return evaluator.value(node)
    except Invalid as error:
        within = f"{place}.{error.field}" if error.field else place
        raise Invalid(error.args[0].removeprefix(f"{error.field}: "), path=within) from error


def references(template: Template, scope: StackScope, node: Any, place: str) -> list[Reference]:
    """All that the node asks of resources. Invalid: as ``evaluate``."""
    collector = Collector(scope)
    evaluator = _evaluator(template, collector)
    try:
        evaluator.value(node)
    except Invalid as error:
        within = f"{place}.{error.field}" if error.field else place
        raise Invalid(error.args[0].removeprefix(f"{error.field}: "), path=within) from error
    for reference in collector.found:
        if reference.resource not in scope.names:
            raise Invalid(f'The specified reference "{reference.resource[:100]}" (in {place}) is incorrect.')
    return list(collector.found)
