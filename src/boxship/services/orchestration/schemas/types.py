"""The wire of resource types and template versions (API reference, "Resource types")."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from boxship.services.orchestration.resources.interface import Kind, Property, ResourceType
from boxship.services.orchestration.template import constraints
from boxship.services.orchestration.template.evaluation import Function
from boxship.services.orchestration.template.versions import Version

Document = dict[str, Any]


def support(type: ResourceType) -> Document:
    """Since when the type is there."""
    return {"status": "SUPPORTED", "version": type.since, "message": None, "previous_status": None}


def schema(type: ResourceType) -> Document:
    """All that a template can say of a type."""
    return {
        "resource_type": type.name,
        "properties": {name: property_(entry) for name, entry in type.properties.items()},
        "attributes": {
            **{
                name: {"description": entry.description, "type": _ATTRIBUTE_KINDS.get(entry.kind, entry.kind)}
                for name, entry in type.attributes.items()
            },
            "show": {"description": "Detailed information about resource.", "type": "map"},
        },
        "support_status": support(type),
    }


_ATTRIBUTE_KINDS = {Kind.ANY: "any"}


def property_(entry: Property) -> Document:
    """One property, with what is in it."""
    shown: Document = {
        "type": entry.kind,
        "required": entry.required,
        "update_allowed": entry.update_allowed,
        "immutable": entry.immutable,
    }
    if entry.description:
        shown["description"] = entry.description
    if entry.default is not None:
        shown["default"] = entry.default
    if entry.constraints:
        shown["constraints"] = constraints.described(entry.constraints)
    if entry.finds:
        shown.setdefault("constraints", []).append({"custom_constraint": entry.finds})
    if entry.items is not None:
        shown["schema"] = {"*": property_(entry.items)}
    if entry.fields is not None:
        shown["schema"] = {name: property_(field) for name, field in entry.fields.items()}
    return shown


_HOT_TYPES = {
    Kind.STRING: "string",
    Kind.INTEGER: "number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.LIST: "comma_delimited_list",
    Kind.MAP: "json",
    Kind.ANY: "json",
}
_CFN_TYPES = {
    "string": "String",
    "number": "Number",
    "boolean": "Boolean",
    "comma_delimited_list": "CommaDelimitedList",
    "json": "Json",
}


def template(type: ResourceType, *, is_hot: bool) -> Document:
    """A template that offers every property of the type as a parameter and every attribute as an output."""
    name = type.name.rpartition("::")[2]
    names = [key for key, entry in type.properties.items() if not entry.hidden]
    if is_hot:
        return {
            "heat_template_version": "2021-04-16",
            "description": f"Initial template of {name}",
            "parameters": {key: _hot_parameter(type.properties[key]) for key in names},
            "resources": {name: {"type": type.name, "properties": {key: {"get_param": key} for key in names}}},
            "outputs": {
                key: {"description": entry.description, "value": {"get_attr": [name, key]}}
                for key, entry in type.attributes.items()
            },
        }
    return {
        "HeatTemplateFormatVersion": "2012-12-12",
        "Description": f"Initial template of {name}",
        "Parameters": {key: _cfn_parameter(type.properties[key]) for key in names},
        "Resources": {name: {"Type": type.name, "Properties": {key: {"Ref": key} for key in names}}},
        "Outputs": {
            key: {"Description": entry.description, "Value": {"Fn::GetAtt": [name, key]}}
            for key, entry in type.attributes.items()
        },
    }


def _hot_parameter(entry: Property) -> Document:
    shown: Document = {"type": _HOT_TYPES[entry.kind]}
    if entry.description:
        shown["description"] = entry.description
    if entry.default is not None:
        shown["default"] = entry.default
    if entry.constraints:
        shown["constraints"] = constraints.described(entry.constraints)
    return shown


def _cfn_parameter(entry: Property) -> Document:
    shown: Document = {"Type": _CFN_TYPES[_HOT_TYPES[entry.kind]]}
    if entry.description:
        shown["Description"] = entry.description
    if entry.default is not None:
        shown["Default"] = entry.default
    return shown


def version(found: Version) -> Document:
    """One version of templates."""
    kind = "hot" if found.field == "heat_template_version" else "cfn"
    return {
        "version": f"{found.field}.{found.name}",
        "type": kind,
        "aliases": [f"{found.field}.{alias}" for alias in found.aliases],
    }


def functions(found: Mapping[str, Function]) -> list[Document]:
    """Functions with what they do."""
    return [
        {"functions": name, "description": _DESCRIPTIONS.get(name) or _first_line(function)}
        for name, function in sorted(found.items())
    ]


_DESCRIPTIONS = {"get_file": "A function for including a file inline."}
"""Sentences that clients' tests know."""


def _first_line(function: Function) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]
