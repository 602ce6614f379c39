"""Parameters of templates: their declarations, and the values that a caller gives them, converted and checked. Never looks
anything up: custom constraints are left to who uses the value.

Reference: https://docs.openstack.org/heat/latest/template_guide/hot_spec.html#parameters-section.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from boxship.core import errors
from boxship.services.orchestration.template import constraints
from boxship.services.orchestration.template.constraints import Constraint
from boxship.services.orchestration.template.errors import Invalid, StackValidationFailed, UserParameterMissing
from boxship.services.orchestration.template.model import ParameterSchema

MASK = "******"
_TYPES = {
    "string": "String",
    "number": "Number",
    "comma_delimited_list": "CommaDelimitedList",
    "json": "Json",
    "boolean": "Boolean",
}
_KEYS = {"type", "label", "description", "default", "hidden", "constraints", "immutable", "tags"}
_CFN_KEYS = {
    "Type": "type",
    "Description": "description",
    "Default": "default",
    "NoEcho": "hidden",
    "Label": "label",
    "ConstraintDescription": "",
    "AllowedValues": "",
    "AllowedPattern": "",
    "MinLength": "",
    "MaxLength": "",
    "MinValue": "",
    "MaxValue": "",
    "CustomConstraint": "",
}


def cfn_type(type: str) -> str:
    """HOT's word for a type as CFN and the validation of templates write it."""
    return _TYPES[type]


def read(declared: Mapping[Any, Any], *, is_hot: bool) -> dict[str, ParameterSchema]:
    """The declarations. Invalid: they are not well formed, or a default does not meet its own constraints."""
    section = "parameters" if is_hot else "Parameters"
    return {str(name): _schema(str(name), body, f"{section}.{name}", is_hot=is_hot) for name, body in declared.items()}


def _schema(name: str, body: Any, path: str, *, is_hot: bool) -> ParameterSchema:
    if not isinstance(body, dict):
        raise Invalid(f"Invalid parameter {name}: it must be a map", path=path)
    for key in body:
        if key not in (_KEYS if is_hot else _CFN_KEYS):
            raise Invalid(f"Invalid key '{str(key)[:80]}' for parameter ({name})", path=path)
    given = body if is_hot else {_CFN_KEYS[key]: value for key, value in body.items() if _CFN_KEYS[key]}
    types = _TYPES if is_hot else {spelled: own for own, spelled in _TYPES.items()}
    if given.get("type") not in types:
        known = ", ".join(types)
        raise Invalid(f"Invalid type ({str(given.get('type'))[:60]}); these are valid: {known}", path=f"{path}.type")
    schema = ParameterSchema(
        name=name,
        type=given["type"] if is_hot else types[given["type"]],
        label=given.get("label"),
        description=str(given.get("description") or ""),
        default=given.get("default"),
        has_default=given.get("default") is not None,
        hidden=_flag(given.get("hidden", False), f"{path}.hidden"),
        immutable=_flag(given.get("immutable", False), f"{path}.immutable"),
        tags=tuple(given.get("tags") or ()),
        constraints=_constraints(body, path) if is_hot else _cfn_constraints(body, path),
    )
    if schema.has_default:
        try:
            converted(schema, schema.default)
        except errors.BadRequest as error:
            raise Invalid(f"Invalid default {schema.default} ({error.sentence})", path=path) from error
    return schema


def _flag(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "false"}:
        return str(value).lower() == "true"
    raise Invalid(f'"{str(value)[:60]}" is not a valid boolean', path=path)


def _constraints(body: Mapping[str, Any], path: str) -> tuple[Constraint, ...]:
    given = body.get("constraints") or []
    if not isinstance(given, list):
        raise Invalid("Invalid parameter constraints, expected a list", path=f"{path}.constraints")
    return tuple(_constraint(each, f"{path}.constraints.{at}") for at, each in enumerate(given))


def _constraint(body: Any, path: str) -> Constraint:
    kinds = set(body) - {"description"} if isinstance(body, dict) else set()
    if len(kinds) != 1:
        raise Invalid("Invalid parameter constraints, expected a mapping with one constraint", path=path)
    kind = kinds.pop()
    value, description = body[kind], str(body.get("description") or "")
    try:
        return _of_kind(str(kind), value, description)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Invalid(f"Invalid {str(kind)[:40]} constraint: {error}", path=path) from error


def _of_kind(kind: str, value: Any, description: str) -> Constraint:
    if kind == "range":
        return constraints.Range(_number(value.get("min")), _number(value.get("max")), description)
    if kind == "length":
        least, most = _number(value.get("min")), _number(value.get("max"))
        return constraints.Length(
            None if least is None else int(least), None if most is None else int(most), description
        )
    if kind == "modulo":
        step, offset = int(value["step"]), int(value["offset"])
        if step == 0 or abs(offset) >= abs(step) or offset * step < 0:
            raise ValueError("offset must be smaller (by absolute value) than step")
        return constraints.Modulo(step, offset, description)
    if kind == "allowed_values" and isinstance(value, list):
        return constraints.AllowedValues(tuple(value), description)
    if kind == "allowed_pattern" and isinstance(value, str):
        constraints.compiled(value)
        return constraints.AllowedPattern(value, description)
    if kind == "custom_constraint" and isinstance(value, str):
        return constraints.Custom(value, description)
    raise ValueError(f"{kind[:60]!r} is not a constraint, or its value is of the wrong type")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _cfn_constraints(body: Mapping[str, Any], path: str) -> tuple[Constraint, ...]:
    description = str(body.get("ConstraintDescription") or "")
    made: list[Any] = []
    for kind, low, high in (("length", "MinLength", "MaxLength"), ("range", "MinValue", "MaxValue")):
        if low in body or high in body:
            made.append({kind: {"min": body.get(low), "max": body.get(high)}})
    for kind, key in (("allowed_values", "AllowedValues"), ("allowed_pattern", "AllowedPattern")):
        if key in body:
            made.append({kind: body[key]})
    if "CustomConstraint" in body:
        made.append({"custom_constraint": body["CustomConstraint"]})
    return tuple(_constraint(each | {"description": description}, path) for each in made)


def converted(schema: ParameterSchema, given: Any) -> Any:
    """A value as the type has it. BadRequest: it is not of the type, or a constraint does not hold."""
    try:
        value = _CONVERSIONS[schema.type](given)
    except (TypeError, ValueError) as error:
        raise StackValidationFailed(f"Parameter '{schema.name}' is invalid: {error}") from error
    for constraint in schema.constraints:
        reason = constraints.sentence(constraint, value)
        if reason:
            raise StackValidationFailed(f"Parameter '{schema.name}' is invalid: {reason}")
    return value


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if not isinstance(value, str | int | float):
        raise ValueError(f"Value must be a string; got {json.dumps(value)[:100]}")
    return str(value)


def number(value: Any) -> int | float:
    """A number as text or number. ValueError: it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"Value '{value}' is not a number")
    try:
        return value if isinstance(value, int | float) else int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError as error:
        raise ValueError(f"could not convert string to float: {value!r}") from error


def boolean(value: Any) -> bool:
    """A boolean in any of OpenStack's spellings. ValueError: it is none."""
    text = str(value).strip().lower()
    if text in {"t", "true", "on", "y", "yes", "1"}:
        return True
    if text in {"f", "false", "off", "n", "no", "0"}:
        return False
    raise ValueError(
        f"Unrecognized value '{str(value)[:60]}', acceptable values are: '0', '1', 'f', 'false', 'n', "
        "'no', 'off', 'on', 't', 'true', 'y', 'yes'"
    )


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    raise ValueError("Value must be a comma-delimited list string")


def json_value(value: Any) -> Any:
    """A list or map, also as text. ValueError: it is none."""
    if isinstance(value, dict | list):
        return value
    if value is None or value == "":
        return {}
    if not isinstance(value, str):
        raise ValueError("Value must be valid JSON")
    try:
        read = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Value must be valid JSON: {error}") from error
    if not isinstance(read, dict | list):
        raise ValueError("Value must be valid JSON")
    return read


_CONVERSIONS = {
    "string": _string,
    "number": number,
    "comma_delimited_list": _list,
    "json": json_value,
    "boolean": boolean,
}


def resolve(
    schemas: Mapping[str, ParameterSchema],
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    pseudo: Mapping[str, Any],
    *,
    strict: bool = True,
) -> dict[str, Any]:
    """The value of every parameter: what is given, else the environment's default, else the template's.

    UserParameterMissing: there is none; not ``strict``: it is left out. StackValidationFailed: one that the template does not
    have, or a value that does not hold.
    """
    unknown = [name for name in given if name not in schemas]
    if unknown and strict:
        raise StackValidationFailed(f"The Parameter ({str(unknown[0])[:100]}) was not defined in template.")
    values: dict[str, Any] = dict(pseudo)
    for name, schema in schemas.items():
        value = given.get(name, defaults.get(name))
        if value is None and not schema.has_default:
            if strict:
                raise UserParameterMissing(name)
            continue
        values[name] = converted(schema, schema.default if value is None else value)
    return values


def as_shown(schemas: Mapping[str, ParameterSchema], values: Mapping[str, Any]) -> dict[str, str]:
    """Values as a stack shows them: text, with hidden ones masked."""
    return {
        name: MASK if name in schemas and schemas[name].hidden else as_text(value) for name, value in values.items()
    }


def as_text(value: Any) -> str:
    """A value as text: lists joined by commas, maps as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def shown(schema: ParameterSchema, value: Any = None) -> dict[str, Any]:
    """The declaration as the validation of templates shows it."""
    body: dict[str, Any] = {
        "Type": cfn_type(schema.type),
        "Description": schema.description,
        "NoEcho": "true" if schema.hidden else "false",
        "Label": schema.label or schema.name,
    }
    if schema.has_default:
        body["Default"] = schema.default
    if value is not None:
        body["Value"] = MASK if schema.hidden else value
    if schema.tags:
        body["Tags"] = list(schema.tags)
    return body | _shown_constraints(schema.constraints)


def _shown_constraints(given: Iterable[Constraint]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for each in given:
        match each:
            case constraints.Length(least, most) | constraints.Range(least, most):
                kind = "Length" if isinstance(each, constraints.Length) else "Value"
                body |= {f"{end}{kind}": bound for end, bound in (("Min", least), ("Max", most)) if bound is not None}
            case constraints.AllowedValues(values):
                body["AllowedValues"] = list(values)
            case constraints.AllowedPattern(pattern):
                body["AllowedPattern"] = pattern
            case constraints.Modulo(step, offset):
                body["Modulo"] = {"step": step, "offset": offset}
            case constraints.Custom(name):
                body["CustomConstraint"] = name
            case _:
                pass
        if each.description:
            body["ConstraintDescription"] = each.description
    return body
