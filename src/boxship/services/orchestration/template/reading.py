"""A document as a template: its sections, resources and outputs. Checks the form; what functions say is seen when they are
evaluated.

Reference: https://docs.openstack.org/heat/latest/template_guide/hot_spec.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.services.orchestration.template import parameters, versions
from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.model import Definition, Output, Template
from boxship.services.orchestration.template.versions import Flavour, Version

_SECTIONS = {
    "description": "Description",
    "parameters": "Parameters",
    "parameter_groups": "ParameterGroups",
    "conditions": "Conditions",
    "mappings": "Mappings",
    "resources": "Resources",
    "outputs": "Outputs",
}
"""The sections, as HOT and as CFN write them; HOT has no mappings and CFN no parameter groups."""
_RESOURCE = {
    "type": "Type",
    "properties": "Properties",
    "metadata": "Metadata",
    "depends_on": "DependsOn",
    "deletion_policy": "DeletionPolicy",
    "update_policy": "UpdatePolicy",
    "description": "Description",
    "condition": "Condition",
    "external_id": "ExternalId",
}
_POLICIES = {"delete": "Delete", "retain": "Retain", "snapshot": "Snapshot"}
LONGEST_NAME = 255
NO_DESCRIPTION = "No description"
_NO_OUTPUT_DESCRIPTION = "No description given"


def read(document: Mapping[str, Any]) -> Template:
    """The template. Invalid: it is none; the sentence names the place."""
    version = _version(document)
    spelled = _spelling(_SECTIONS, version)
    known = {name for key, name in spelled.items() if version.flavour is not Flavour.HOT or key != "mappings"}
    for section in document:
        if section not in known | {version.field}:
            raise Invalid(f"The template section is invalid: {str(section)[:80]}")
        if section == spelled["conditions"] and not version.has_conditions:
            raise Invalid(f"The template section is invalid: {section}")
    declared = _section(document, spelled["parameters"])
    return Template(
        version=version,
        description=str(document.get(spelled["description"]) or NO_DESCRIPTION),
        parameters=parameters.read(declared, is_hot=version.flavour is Flavour.HOT),
        groups=_groups(document.get(spelled["parameter_groups"]), declared),
        conditions=_section(document, spelled["conditions"]),
        mappings=_section(document, spelled["mappings"]),
        resources={
            str(name): _definition(str(name), body, version, spelled["resources"])
            for name, body in _section(document, spelled["resources"]).items()
        },
        outputs={
            str(name): _output(str(name), body, version, spelled["outputs"])
            for name, body in _section(document, spelled["outputs"]).items()
        },
        document=document,
    )


def _version(document: Mapping[str, Any]) -> Version:
    for flavour, field in versions._FIELDS.items():
        if field in document:
            return versions.of(flavour, document[field])
    raise Invalid("Template version was not provided")


def _spelling(names: Mapping[str, str], version: Version) -> dict[str, str]:
    return {key: key if version.flavour is Flavour.HOT else spelled for key, spelled in names.items()}


def _section(document: Mapping[str, Any], name: str) -> dict[Any, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise Invalid(f'"{name}" must be a map, not a {type(section).__name__}', path=name)
    return section


def _definition(name: str, body: Any, version: Version, section: str) -> Definition:
    path = f"{section}.{name}"
    if not name or len(name) > LONGEST_NAME or "/" in name:
        raise Invalid(f'a resource name is of 1 to {LONGEST_NAME} characters and may not contain "/"', path=path[:300])
    if not isinstance(body, dict):
        raise Invalid(f"a resource must be a map, not a {type(body).__name__}", path=path)
    spelled = _spelling(_RESOURCE, version)
    for key in body:
        if key not in spelled.values():
            raise Invalid(f'"{str(key)[:80]}" is not a valid keyword inside a resource definition', path=path)
    type_ = body.get(spelled["type"])
    if type_ is None:
        raise Invalid(f"Each resource must contain a {spelled['type']} key.", path=path)
    if not isinstance(type_, str) or not type_:
        raise Invalid(f"Resource {name} type must be a string", path=f"{path}.{spelled['type']}")
    return Definition(
        name=name,
        type=type_,
        properties=_map_or_function(body, spelled["properties"], path),
        metadata=_map_or_function(body, spelled["metadata"], path),
        depends_on=_names(body.get(spelled["depends_on"]), f"{path}.{spelled['depends_on']}"),
        deletion_policy=_policy(body.get(spelled["deletion_policy"]), version, f"{path}.{spelled['deletion_policy']}"),
        update_policy=_map_or_function(body, spelled["update_policy"], path),
        condition=_condition(body.get(spelled["condition"]), version, path),
        external_id=body.get(spelled["external_id"]),
        description=str(body.get(spelled["description"]) or ""),
    )


def _map_or_function(body: Mapping[str, Any], key: str, path: str) -> Any:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f'"{key}" must be a map, not a {type(value).__name__}', path=f"{path}.{key}")
    return value


def _names(value: Any, path: str) -> tuple[str, ...]:
    names = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise Invalid("it must be the name of a resource or a list of names", path=path)
    return tuple(dict.fromkeys(names))


def _policy(value: Any, version: Version, path: str) -> Any:
    if value is None:
        return "Delete"
    if not isinstance(value, str):
        return value
    known = {**_POLICIES, **{name: name for name in _POLICIES.values()}}
    if value not in known:
        allowed = ", ".join(_POLICIES if version.flavour is Flavour.HOT else _POLICIES.values())
        raise Invalid(f'Invalid deletion policy "{value[:60]}"; these are valid: {allowed}', path=path)
    return known[value]


def _condition(value: Any, version: Version, path: str) -> Any:
    if value is not None and not version.has_conditions:
        raise Invalid('"condition" is not a valid keyword inside a resource definition', path=path)
    return value


def _output(name: str, body: Any, version: Version, section: str) -> Output:
    path = f"{section}.{name}"
    spelled = _spelling({"description": "Description", "value": "Value", "condition": "Condition"}, version)
    if not isinstance(body, dict):
        raise Invalid(f"an output must be a map, not a {type(body).__name__}", path=path)
    for key in body:
        if key not in spelled.values():
            raise Invalid(f'"{str(key)[:80]}" is not a valid keyword inside an output definition', path=path)
    if spelled["value"] not in body:
        raise Invalid(f'Each output definition must contain a "{spelled["value"]}" key.', path=path)
    description = str(body.get(spelled["description"]) or _NO_OUTPUT_DESCRIPTION)
    condition = _condition(body.get(spelled["condition"]), version, path)
    return Output(name, body[spelled["value"]], description, condition)


def _groups(value: Any, declared: Mapping[Any, Any]) -> tuple[Mapping[str, Any], ...]:
    """Each parameter is in one group at most, and is there."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Invalid("The parameter_groups should be a list.", path="parameter_groups")
    seen: set[str] = set()
    for at, group in enumerate(value):
        path = f"parameter_groups.{at}"
        if not isinstance(group, dict) or not isinstance(group.get("parameters"), list):
            raise Invalid("The parameters must be provided for each parameter group.", path=path)
        for name in group["parameters"]:
            if name not in declared:
                raise Invalid(
                    f"The grouped parameter {str(name)[:80]} does not reference a valid parameter.", path=path
                )
            if name in seen:
                raise Invalid(f"The {name} parameter must be assigned to one parameter group only.", path=path)
            seen.add(name)
    return tuple(value)
