"""Compose files laid over one another, and services over those that they extend: what comes later wins, maps are joined, lists
grow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.cli.compose.files import Wrong

_REPLACED = frozenset({"command", "entrypoint", "test"})
"""Lists that are one value."""
_PAIRS = frozenset({"environment", "labels"})
"""Maps that may be lists of ``NAME=value``."""
_NAMED = frozenset({"depends_on", "networks"})
"""Maps that may be lists of names."""
_SECTIONS = ("services", "networks", "volumes", "secrets", "configs")
Document = Mapping[str, Any]


def merged(under: Document, over: Document) -> dict[str, Any]:
    """Two files as one."""
    found = {**under, **over}
    for section in _SECTIONS:
        if isinstance(under.get(section), dict) and isinstance(over.get(section), dict):
            found[section] = _entries(under[section], over[section])
    return found


def _entries(under: Document, over: Document) -> dict[str, Any]:
    """The entries of a section, whatever they are called."""
    found = {**under, **over}
    for name in under.keys() & over.keys():
        both = isinstance(under[name], dict) and isinstance(over[name], dict)
        found[name] = _joined(under[name], over[name]) if both else over[name] or under[name]
    return found


def extended(document: Document) -> dict[str, Any]:
    """The file with each service that ``extends`` another one of it laid over that. Wrong: there is no such service, it is in
    another file, or a service extends itself in the end."""
    services = document.get("services")
    if not isinstance(services, dict):
        return dict(document)
    return {**document, "services": {name: _resolved(services, name, ()) for name in services}}


def _resolved(services: Document, name: str, above: tuple[str, ...]) -> Any:
    service = services[name]
    if not isinstance(service, dict) or service.get("extends") is None:
        return service
    path, given = f"services.{name}.extends", service["extends"]
    if isinstance(given, dict) and given.get("file") is not None:
        raise Wrong(f"{path}.file", "a service extends one of the same file only; name both files with -f.")
    other = given.get("service") if isinstance(given, dict) else given
    if not isinstance(other, str) or other not in services:
        raise Wrong(path, f"there is no service {other}.")
    if other in (*above, name):
        raise Wrong(path, f"{other} extends itself in the end.")
    base = _resolved(services, other, (*above, name))
    return _joined(
        base if isinstance(base, dict) else {}, {key: value for key, value in service.items() if key != "extends"}
    )


def _joined(under: Document, over: Document) -> dict[str, Any]:
    found = dict(under)
    for key, value in over.items():
        found[key] = _over(key, under[key], value) if key in under else value
    return found


def _over(key: str, under: Any, over: Any) -> Any:
    """What one value becomes of two."""
    if under is None or over is None or key in _REPLACED:
        return under if over is None else over
    if key in _PAIRS:
        first, second = _as_pairs(under), _as_pairs(over)
        return {**first, **second} if isinstance(first, dict) and isinstance(second, dict) else over
    if key in _NAMED:
        under, over = _as_names(key, under), _as_names(key, over)
    if isinstance(under, dict) and isinstance(over, dict):
        return _joined(under, over)
    if key in {"env_file", "dns"}:
        under, over = _as_list(under), _as_list(over)
    if not isinstance(under, list) or not isinstance(over, list):
        return over
    if key == "volumes":
        places = {_place(each) for each in over}
        return [*(each for each in under if _place(each) not in places), *over]
    return [*under, *(each for each in over if each not in under)]


def _as_pairs(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return value
    split = (each.partition("=") for each in value)
    return {name: given if sign else None for name, sign, given in split}


def _as_names(key: str, value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return value
    return {each: {"condition": "service_started"} if key == "depends_on" else None for each in value}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _place(mount: Any) -> Any:
    """Where a volume is in the container."""
    if isinstance(mount, dict):
        return mount.get("target")
    parts = str(mount).split(":")
    return parts[1] if len(parts) > 1 else parts[0]
