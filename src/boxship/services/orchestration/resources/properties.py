"""Properties of resources: what a template gives, checked against the schema of the type, converted, with defaults filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from boxship.services.orchestration.resources.interface import Kind, Property
from boxship.services.orchestration.template import constraints
from boxship.services.orchestration.template.errors import StackValidationFailed
from boxship.services.orchestration.template.evaluation import UNRESOLVED
from boxship.services.orchestration.template.parameters import boolean, json_value, number


def resolved(schema: Mapping[str, Property], given: Any, place: str) -> dict[str, Any]:
    """All properties of the schema; None where there is neither a value nor a default. What is UNRESOLVED stays so.

    StackValidationFailed: one is unknown, missing, of the wrong type or out of its constraints; the sentence names it.
    """
    if given is UNRESOLVED:
        return dict.fromkeys(schema, UNRESOLVED)
    if not isinstance(given, dict):
        raise StackValidationFailed(f"Property error: it must be a map, not {_short(given)}", field=place)
    for name in given:
        if name not in schema:
            raise StackValidationFailed(f"Property error: Unknown Property {str(name)[:100]}", field=place)
    return {name: _one(entry, given.get(name), f"{place}.{name}", name) for name, entry in schema.items()}


def renamed(given: Any, aliases: Mapping[str, str]) -> Any:
    """Properties with those that are called by an earlier name called by their present one."""
    if not isinstance(given, dict) or not aliases.keys() & given.keys():
        return given
    return {aliases.get(name, name): value for name, value in given.items()}


def _one(schema: Property, given: Any, place: str, name: str) -> Any:
    if given is None:
        if schema.required:
            raise StackValidationFailed(f"Property error: Property {name} not assigned", field=place)
        return _default(schema)
    return converted(schema, given, place)


def _default(schema: Property) -> Any:
    if schema.default is None and schema.kind is Kind.MAP and schema.fields is not None:
        return None
    return schema.default


def converted(schema: Property, given: Any, place: str) -> Any:
    """One value as its schema has it. StackValidationFailed: it does not hold."""
    if given is UNRESOLVED:
        return UNRESOLVED
    try:
        value = _CONVERSIONS[schema.kind](given)
    except (TypeError, ValueError) as error:
        raise StackValidationFailed(f"Property error: {error}", field=place) from error
    if isinstance(value, dict) and schema.fields is not None:
        value = resolved(schema.fields, value, place)
    if isinstance(value, list) and schema.items is not None:
        value = [_one(schema.items, each, f"{place}[{at}]", str(at)) for at, each in enumerate(value)]
    for constraint in schema.constraints:
        reason = constraints.sentence(constraint, value)
        if reason:
            raise StackValidationFailed(f"Property error: {reason}", field=place)
    return value


def _string(value: Any) -> str:
    if isinstance(value, dict | list):
        raise ValueError(f"Value must be a string; got {_short(value)}")
    return str(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    try:
        if float(value) == int(float(value)):
            return int(float(value))
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"Value '{_short(value)}' is not an integer")


def _list(value: Any) -> list[Any]:
    read = json_value(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    if not isinstance(read, list):
        raise ValueError(f'"{_short(value)}" is not a list')
    return read


def _map(value: Any) -> dict[str, Any]:
    read = json_value(value) if isinstance(value, str) and value.strip() else value
    if read == "":
        return {}
    if not isinstance(read, dict):
        raise ValueError(f'"{_short(value)}" is not a map')
    return read


def _as_it_is(value: Any) -> Any:
    return value


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=repr)
    return text[:100]


_CONVERSIONS = {
    Kind.STRING: _string,
    Kind.INTEGER: _integer,
    Kind.NUMBER: number,
    Kind.BOOLEAN: boolean,
    Kind.LIST: _list,
    Kind.MAP: _map,
    Kind.ANY: _as_it_is,
}


def without_unknown(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with everything UNRESOLVED as None, so that they can be shown."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if value is UNRESOLVED:
        return None
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
