"""Functions in templates, evaluated against a scope that knows parameters, resources and files. Bounded: what one evaluation
makes may not exceed a fixed size, whatever the template says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from boxship.services.orchestration.template.errors import Invalid

MOST = 8 * 1024 * 1024
"""Characters and elements that one evaluation may make."""


class _Sentinel:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


UNRESOLVED: Final[Any] = _Sentinel("UNRESOLVED")
"""A value that is not known yet: it depends on a resource that is not there. Functions of it are not known either."""
OMIT: Final[Any] = _Sentinel("OMIT")
"""The value of an ``if`` without an else: its place in a list or map is left out."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a template says of a resource: the whole (``get_resource``) or an attribute with the path into it."""

    resource: str
    attribute: str | None = None
    path: tuple[Any, ...] = ()


class Scope(Protocol):
    """What functions may ask. Names that do not exist are Invalid."""

    def parameter(self, name: str) -> Any: ...

    def reference(self, resource: str) -> Any: ...

    def attribute(self, resource: str, name: str | None, path: Sequence[Any]) -> Any:
        """The attribute, or all of them (None), without the path; the path only tells which part is wanted."""
        ...

    def file(self, name: str) -> str: ...

    def condition(self, name: str) -> bool: ...

    def facade(self, key: str) -> Any: ...


Function = Callable[["Evaluator", Any], Any]


class Evaluator:
    """Evaluates the values of one template."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        scope: Scope,
        mappings: Mapping[str, Any] | None = None,
        deciding: Mapping[str, Function] | None = None,
    ) -> None:
        self.scope = scope
        self.mappings = mappings or {}
        self._functions = functions
        self._deciding = functions if deciding is None else deciding
        self._made = 0
        self._path: list[str] = []

    def value(self, node: Any, at: str | None = None) -> Any:
        """The node with all functions in it evaluated; ``at`` is its place in what is around it. Invalid names the place."""
        if at is None:
            return self._value(node)
        self._path.append(at)
        value = self._value(node)
        self._path.pop()
        return value

    def decision(self, node: Any) -> Any:
        """A condition with the functions evaluated that conditions have."""
        before, self._functions = self._functions, self._deciding
        try:
            return self._value(node)
        finally:
            self._functions = before

    def _value(self, node: Any) -> Any:
        if isinstance(node, dict):
            name = next(iter(node)) if len(node) == 1 else None
            if isinstance(name, str) and name in self._functions:
                return self._call(name, node[name])
            made = {key: self.value(value, str(key)) for key, value in node.items()}
            return {key: value for key, value in made.items() if value is not OMIT}
        if isinstance(node, list):
            made_list = [self.value(value, str(at)) for at, value in enumerate(node)]
            return [value for value in made_list if value is not OMIT]
        return node

    def _call(self, name: str, arguments: Any) -> Any:
        try:
            self._path.append(name)
            value = self._functions[name](self, arguments)
        except Invalid as error:
            if error.field:
                raise
            raise Invalid(error.sentence, path=".".join(self._path)) from error
        self._path.pop()
        self.spend(value)
        return value

    def spend(self, made: Any) -> None:
        """Count what a function made. Invalid: it is too much."""
        self._made += len(made) if isinstance(made, str | list | dict) else 1
        if self._made > MOST:
            raise Invalid("The functions of the template make more than is allowed.")


def is_known(value: Any) -> bool:
    """Whether nothing in the value is UNRESOLVED."""
    if isinstance(value, dict):
        return all(is_known(each) for each in value.values())
    if isinstance(value, list):
        return all(is_known(each) for each in value)
    return value is not UNRESOLVED


def follow(value: Any, path: Sequence[Any]) -> Any:
    """What is at the path in a value; None where there is nothing."""
    for step in path:
        if value is UNRESOLVED or step is UNRESOLVED:
            return UNRESOLVED
        if isinstance(value, dict):
            value = value.get(step, value.get(str(step)) if not isinstance(step, dict | list) else None)
        elif isinstance(value, list | str) and str(step).lstrip("-").isdigit():
            value = value[int(step)] if -len(value) <= int(step) < len(value) else None
        else:
            return None
    return value


class Collector:
    """A scope that only notes which resources are asked for; everything of them is UNRESOLVED."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.found: dict[Reference, None] = {}

    def parameter(self, name: str) -> Any:
        return self._scope.parameter(name)

    def reference(self, resource: str) -> Any:
        self.found[Reference(resource)] = None
        return UNRESOLVED

    def attribute(self, resource: str, name: str | None, path: Sequence[Any]) -> Any:
        hashable = tuple(step for step in path if isinstance(step, str | int))
        self.found[Reference(resource, name or "", hashable)] = None
        return UNRESOLVED

    def file(self, name: str) -> str:
        return self._scope.file(name)

    def condition(self, name: str) -> bool:
        return self._scope.condition(name)

    def facade(self, key: str) -> Any:
        return self._scope.facade(key)
