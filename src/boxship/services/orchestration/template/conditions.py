"""Conditions: which resources, outputs and values a template wants. They depend on parameters alone, so they are known at
once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import Evaluator
from boxship.services.orchestration.template.functions import logic
from boxship.services.orchestration.template.model import Definition, Output, Template


class Conditions:
    """The conditions of a template with these values of its parameters."""

    def __init__(self, template: Template, parameters: Mapping[str, Any]) -> None:
        self._template = template
        self._parameters = parameters
        self._known: dict[str, bool] = {}
        self._open: list[str] = []

    def parameter(self, name: str) -> Any:
        """Invalid: there is no such parameter."""
        if name not in self._parameters:
            raise Invalid(f"The Parameter ({name[:100]}) was not provided.")
        return self._parameters[name]

    def reference(self, resource: str) -> Any:
        raise Invalid(f'A condition cannot refer to the resource "{resource[:100]}"')

    def attribute(self, resource: str, name: str | None, path: Sequence[Any]) -> Any:
        del name, path
        return self.reference(resource)

    def file(self, name: str) -> str:
        raise Invalid(f'A condition cannot read the file "{name[:100]}"')

    def facade(self, key: str) -> Any:
        raise Invalid(f"A condition cannot ask for the {key} of a resource")

    def condition(self, name: str) -> bool:
        """Whether it holds. Invalid: there is no such condition, or it depends on itself."""
        if name in self._known:
            return self._known[name]
        if name not in self._template.conditions:
            raise Invalid(f'Invalid condition "{name[:100]}"')
        if name in self._open:
            raise Invalid(f"Circular definition for condition {name}", path=f"conditions.{name}")
        self._open.append(name)
        self._known[name] = self.holds(self._template.conditions[name], f"conditions.{name}")
        self._open.pop()
        return self._known[name]

    def holds(self, condition: Any, place: str) -> bool:
        """Whether a condition, given by name or as a function, holds; ``place`` is for the sentence."""
        if condition is None:
            return True
        evaluator = Evaluator(self._template.version.condition_functions, self, self._template.mappings)
        try:
            return bool(logic.truth(evaluator, condition))
        except Invalid as error:
            raise Invalid(error.sentence, path="" if error.field.startswith("conditions.") else place) from error

    def all(self) -> dict[str, bool]:
        """Every condition by name. Invalid: one cannot be decided."""
        return {name: self.condition(str(name)) for name in self._template.conditions}

    def wanted(self) -> dict[str, Definition]:
        """The resources that are to be there."""
        found = self._template.resources.items()
        return {name: each for name, each in found if self.holds(each.condition, f"resources.{name}.condition")}

    def outputs(self) -> dict[str, Output]:
        """The outputs that are to be there."""
        found = self._template.outputs.items()
        return {name: each for name, each in found if self.holds(each.condition, f"outputs.{name}.condition")}
