"""Short words for properties, so that the declaration of a type reads like a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.services.orchestration.resources.interface import Attribute, Kind, Property
from boxship.services.orchestration.template.constraints import AllowedValues, Constraint, Range


def text(description: str, **rest: Any) -> Property:
    """A string; ``among`` names the values that it may have."""
    return _property(Kind.STRING, description, rest)


def whole(description: str, least: float | None = None, most: float | None = None, **rest: Any) -> Property:
    """A whole number in bounds."""
    if least is not None or most is not None:
        rest["constraints"] = (Range(least, most),)
    return _property(Kind.INTEGER, description, rest)


def flag(description: str, **rest: Any) -> Property:
    """A boolean."""
    return _property(Kind.BOOLEAN, description, rest)


def texts(description: str, **rest: Any) -> Property:
    """A list of strings; ``finds`` is of each."""
    item = Property(Kind.STRING, finds=rest.pop("finds", None))
    return _property(Kind.LIST, description, {**rest, "items": item})


def rows(description: str, fields: Mapping[str, Property], **rest: Any) -> Property:
    """A list of maps with these fields."""
    return _property(Kind.LIST, description, {**rest, "items": Property(Kind.MAP, fields=fields)})


def row(description: str, fields: Mapping[str, Property], **rest: Any) -> Property:
    """A map with these fields."""
    return _property(Kind.MAP, description, {**rest, "fields": fields})


def pairs(description: str, **rest: Any) -> Property:
    """A map of whatever one likes."""
    return _property(Kind.MAP, description, rest)


def anything(description: str, **rest: Any) -> Property:
    """Any value."""
    return _property(Kind.ANY, description, rest)


def _property(kind: Kind, description: str, rest: dict[str, Any]) -> Property:
    given: tuple[Constraint, ...] = rest.pop("constraints", ())
    if "among" in rest:
        given = (*given, AllowedValues(tuple(rest.pop("among"))))
    changes = rest.pop("changes", False)
    return Property(kind, description, constraints=given, update_allowed=changes, **rest)


def told(**descriptions: str) -> dict[str, Attribute]:
    """Attributes whose values are text."""
    return {name: Attribute(description) for name, description in descriptions.items()}
