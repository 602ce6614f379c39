"""Functions that reach for something: parameters, resources, attributes, files."""

from __future__ import annotations

from typing import Any

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Evaluator, Function, follow, is_known


def get_param(it: Evaluator, arguments: Any) -> Any:
    """``get_param: name`` or ``[name, key or index, ...]``."""
    given = it.value(arguments)
    name, path = (given[0], given[1:]) if isinstance(given, list) and given else (given, [])
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(name, str):
        raise Invalid('Argument to "get_param" must be string or list')
    return follow(it.scope.parameter(name), path)


def get_resource(it: Evaluator, arguments: Any) -> Any:
    """``get_resource: name``."""
    name = it.value(arguments)
    if name is UNRESOLVED:
        return UNRESOLVED
    if not isinstance(name, str):
        raise Invalid('Argument to "get_resource" must be a string')
    return it.scope.reference(name)


def get_attr(it: Evaluator, arguments: Any) -> Any:
    """``get_attr: [resource, attribute, key or index, ...]``."""
    return _attribute(it, arguments, least=2)


def get_any_attr(it: Evaluator, arguments: Any) -> Any:
    """As ``get_attr``; ``[resource]`` alone is all attributes (since 2015-10-15)."""
    return _attribute(it, arguments, least=1)


def _attribute(it: Evaluator, arguments: Any, *, least: int) -> Any:
    given = it.value(arguments)
    if given is UNRESOLVED or (isinstance(given, list) and not is_known(given[:2])):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) < least or not all(isinstance(name, str) for name in given[:2]):
        wanted = (
            "[resource_name, attribute, (path), ...]" if least == 2 else "[resource_name, (attribute), (path), ...]"
        )
        raise Invalid(f'Arguments to "get_attr" must be of the form {wanted}')
    name = given[1] if len(given) > 1 else None
    return follow(it.scope.attribute(given[0], name, given[2:]), given[2:])


def get_file(it: Evaluator, arguments: Any) -> Any:
    """``get_file: name``: only of the files that came with the template."""
    name = it.value(arguments)
    if name is UNRESOLVED:
        return UNRESOLVED
    if not isinstance(name, str):
        raise Invalid('Argument to "get_file" must be a string')
    return it.scope.file(name)


def resource_facade(it: Evaluator, arguments: Any) -> Any:
    """``resource_facade: metadata | deletion_policy | update_policy``, of the resource whose template this is."""
    key = it.value(arguments)
    if not isinstance(key, str) or key not in {
        "metadata",
        "deletion_policy",
        "update_policy",
        "Metadata",
        "DeletionPolicy",
        "UpdatePolicy",
    }:
        raise Invalid(
            'Incorrect arguments to "resource_facade" should be one of: metadata, deletion_policy, update_policy'
        )
    return it.scope.facade({"Metadata": "metadata", "DeletionPolicy": "deletion_policy"}.get(key, key))


FUNCTIONS: dict[str, Function] = {
    "get_param": get_param,
    "get_resource": get_resource,
    "get_attr": get_attr,
    "get_file": get_file,
    "resource_facade": resource_facade,
}
