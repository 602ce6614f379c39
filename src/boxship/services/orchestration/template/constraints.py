"""Constraints on parameters and properties, with the sentences that Heat uses for them. Never looks anything up: a custom
constraint only carries its name.

Reference: https://docs.openstack.org/heat/latest/template_guide/hot_spec.html#parameter-constraints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Protocol

import re2

from boxship.services.orchestration.template.errors import Invalid

_LONGEST_PATTERN = 4096


class Constraint(Protocol):
    """One condition on a value."""

    @property
    def description(self) -> str:
        """What the template says about it; it is added to the sentence."""
        ...

    def check(self, value: Any) -> str | None:
        """Why the value does not hold; None where it does."""
        ...

    def shown(self) -> dict[str, Any]:
        """As schemas of resource types show it."""
        ...


def _text(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


@dataclass(frozen=True, slots=True)
class Range:
    """A number from ``least`` to ``most``, both included."""

    least: float | None = None
    most: float | None = None
    description: str = ""

    def check(self, value: Any) -> str | None:
        try:
            number = float(value)
        except (TypeError, ValueError):
            return f'Value "{value}" is not a number'
        if (self.least is not None and number < self.least) or (self.most is not None and number > self.most):
            least = _text(self.least) if self.least is not None else "-Infinity"
            most = _text(self.most) if self.most is not None else "Infinity"
            return f"{_text(number)} is out of range (min: {least}, max: {most})"
        return None

    def shown(self) -> dict[str, Any]:
        return {"range": _bounds(self.least, self.most)}


@dataclass(frozen=True, slots=True)
class Length:
    """Something with a length from ``least`` to ``most``, both included."""

    least: int | None = None
    most: int | None = None
    description: str = ""

    def check(self, value: Any) -> str | None:
        length = len(value) if isinstance(value, Sized) else len(str(value))
        if (self.least is not None and length < self.least) or (self.most is not None and length > self.most):
            least = self.least if self.least is not None else 0
            most = self.most if self.most is not None else "Infinity"
            return f"length ({length}) is out of range (min: {least}, max: {most})"
        return None

    def shown(self) -> dict[str, Any]:
        return {"length": _bounds(self.least, self.most)}


def _bounds(least: float | None, most: float | None) -> dict[str, float]:
    return {name: value for name, value in (("min", least), ("max", most)) if value is not None}


@dataclass(frozen=True, slots=True)
class Modulo:
    """A whole number that leaves ``offset`` when divided by ``step``."""

    step: int
    offset: int = 0
    description: str = ""

    def check(self, value: Any) -> str | None:
        try:
            number = int(value)
        except (TypeError, ValueError):
            return f'Value "{value}" is not an integer'
        if number % self.step != self.offset:
            return f"{number} is not a multiple of {self.step} with an offset of {self.offset}"
        return None

    def shown(self) -> dict[str, Any]:
        return {"modulo": {"step": self.step, "offset": self.offset}}


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """One of these; of a list, each of its elements."""

    values: tuple[Any, ...]
    description: str = ""

    def check(self, value: Any) -> str | None:
        given = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if all(each in self.values or str(each) in {str(known) for known in self.values} for each in given):
            return None
        known = ", ".join(str(known) for known in self.values)
        return f'"{value}" is not an allowed value [{known}]'

    def shown(self) -> dict[str, Any]:
        return {"allowed_values": list(self.values)}


@dataclass(frozen=True, slots=True)
class AllowedPattern:
    """Text that a regular expression matches as a whole. Matched in linear time: expressions come from tenants, too."""

    pattern: str
    description: str = ""

    def check(self, value: Any) -> str | None:
        if compiled(self.pattern).fullmatch(str(value)):
            return None
        return f'"{value}" does not match pattern "{self.pattern}"'

    def shown(self) -> dict[str, Any]:
        return {"allowed_pattern": self.pattern}


@dataclass(frozen=True, slots=True)
class Custom:
    """Something that another service knows, such as ``neutron.network``; whoever uses the value looks it up."""

    name: str
    description: str = ""

    def check(self, value: Any) -> str | None:  # noqa: ARG002 (what there is to check is not in the value)
        return None

    def shown(self) -> dict[str, Any]:
        return {"custom_constraint": self.name}


def compiled(pattern: str) -> Any:
    """The expression, which needs time linear in what it is matched against. Invalid: it is not one, or needs more."""
    if len(pattern) > _LONGEST_PATTERN:
        raise Invalid(f"A pattern has at most {_LONGEST_PATTERN} characters.", path="allowed_pattern")
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        raise Invalid(f"the pattern {pattern[:80]!r} cannot be used: {error}", path="allowed_pattern") from error


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return options


_OPTIONS = _quiet()


def sentence(constraint: Constraint, value: Any) -> str | None:
    """Why the value does not hold, with what the template says about the constraint."""
    reason = constraint.check(value)
    if reason and constraint.description:
        return constraint.description
    return reason


def described(given: Sequence[Constraint]) -> list[Mapping[str, Any]]:
    """All constraints as schemas show them."""
    return [{**each.shown(), **({"description": each.description} if each.description else {})} for each in given]
