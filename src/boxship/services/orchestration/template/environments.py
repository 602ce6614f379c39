"""Environments: parameters, their defaults, and which resource types stand for which; merged from several files.

Reference: https://docs.openstack.org/heat/latest/template_guide/environment.html.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from boxship.services.orchestration.template import parameters
from boxship.services.orchestration.template.errors import Invalid

SECTIONS = (
    "parameters",
    "parameter_defaults",
    "resource_registry",
    "encrypted_param_names",
    "event_sinks",
    "parameter_merge_strategies",
)
HOOKS = ("pre-create", "pre-update", "pre-delete", "post-create", "post-update", "post-delete")
RESTRICTED = ("update", "replace")
_MOST_STEPS = 20


@dataclass(frozen=True, slots=True)
class Registry:
    """Which type or template stands for a type, for all resources or for one; and where resources stop for a hook."""

    entries: Mapping[str, Any] = field(default_factory=dict)

    def find(self, type: str, name: str | None = None) -> str:
        """The type or the name of the template that stands for ``type`` (itself, where nothing does), for the resource
        ``name``. Invalid: it goes round in a circle."""
        for _ in range(_MOST_STEPS):
            target = self._target(type, name)
            if target is None or target == type:
                return type
            type, name = target, None
        raise Invalid(f"the entry for {type[:100]} leads back to itself", path="resource_registry")

    def _target(self, type: str, name: str | None) -> str | None:
        own = self._of(name).get(type) if name is not None else None
        if isinstance(own, str):
            return own
        exact = self.entries.get(type)
        if isinstance(exact, str) and type != "resources":
            return exact
        patterns = sorted((key for key in self.entries if isinstance(key, str) and key.endswith("*")), key=len)
        for pattern in reversed(patterns):
            target = self.entries[pattern]
            if type.startswith(pattern[:-1]) and isinstance(target, str):
                return target[:-1] + type[len(pattern) - 1 :] if target.endswith("*") else target
        return None

    def _of(self, name: str) -> dict[str, Any]:
        """What is said of one resource: under its name, or under a pattern that fits it."""
        found: dict[str, Any] = {}
        for pattern, body in (self.entries.get("resources") or {}).items():
            if isinstance(body, dict) and fnmatch.fnmatchcase(name, pattern):
                found |= body
        return found

    def hooks(self, name: str) -> frozenset[str]:
        """Where this resource waits for somebody to let it go on."""
        return frozenset(_listed(self._of(name).get("hooks")))

    def restricted(self, name: str) -> frozenset[str]:
        """What must not be done to this resource."""
        return frozenset(_listed(self._of(name).get("restricted_actions")))

    def below(self, name: str) -> Registry:
        """The registry of the stack nested in this resource."""
        inner = {key: value for key, value in self._of(name).items() if key not in {"hooks", "restricted_actions"}}
        named = {key: value for key, value in inner.items() if isinstance(value, dict)}
        own = {key: value for key, value in inner.items() if not isinstance(value, dict)}
        return Registry({**self.entries, **own, "resources": named})

    def templates(self) -> set[str]:
        """The names of the templates that it refers to."""
        return {target for target in self._all(self.entries) if is_template(target)}

    def _all(self, entries: Mapping[str, Any]) -> Iterable[str]:
        for value in entries.values():
            if isinstance(value, str):
                yield value
            elif isinstance(value, dict):
                yield from self._all(value)


def is_template(name: str) -> bool:
    """Whether a type is the name of a template."""
    return name.endswith((".yaml", ".yml", ".template", ".json")) or "://" in name


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value else []


@dataclass(frozen=True, slots=True)
class Environment:
    """What belongs to a template when it becomes a stack."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_defaults: Mapping[str, Any] = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)
    document: Mapping[str, Any] = field(default_factory=dict)


def read(document: Mapping[str, Any]) -> Environment:
    """The environment. Invalid: it has sections that there are not, or they are of the wrong form."""
    for section, body in document.items():
        if section not in SECTIONS:
            raise Invalid(f'environment has wrong section "{str(section)[:80]}"')
        wanted: type = list if section in {"encrypted_param_names", "event_sinks"} else dict
        if body is not None and not isinstance(body, wanted):
            raise Invalid(f"it must be a {'list' if wanted is list else 'map'}", path=f"environment.{section}")
    registry = document.get("resource_registry") or {}
    _check_resources(registry.get("resources"))
    given = document.get("parameters") or {}
    return Environment(
        parameters={str(name): value for name, value in given.items()},
        parameter_defaults=document.get("parameter_defaults") or {},
        registry=Registry(registry),
        document=document,
    )


def _check_resources(body: Any, path: str = "resource_registry.resources") -> None:
    if body is None:
        return
    if not isinstance(body, dict):
        raise Invalid("it must be a map", path=path)
    for name, entry in body.items():
        if name in {"hooks", "restricted_actions"}:
            known = HOOKS if name == "hooks" else RESTRICTED
            for each in _listed(entry):
                if each not in known:
                    raise Invalid(
                        f'Invalid hook type "{each[:60]}"; valid are: {", ".join(known)}', path=f"{path}.{name}"
                    )
        elif isinstance(entry, dict):
            _check_resources(entry, f"{path}.{name}")


def merge(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One environment of several: what comes later wins, but for parameters whose strategy says to merge."""
    merged: dict[str, Any] = {}
    for document in documents:
        read(document)
        strategies = document.get("parameter_merge_strategies") or {}
        for section, body in document.items():
            if section in {"parameters", "parameter_defaults"}:
                known = merged.setdefault(section, {})
                for name, value in (body or {}).items():
                    known[name] = _merged(known.get(name), value, strategies.get(name, strategies.get("default")))
            elif section in {"encrypted_param_names", "event_sinks"}:
                merged[section] = [*merged.get(section, []), *(body or [])]
            elif section == "resource_registry":
                merged[section] = _deep(merged.get(section, {}), body or {})
    return merged


def _merged(old: Any, new: Any, strategy: str | None) -> Any:
    """The value of a parameter that two files give."""
    if strategy not in {None, "overwrite", "merge", "deep_merge"}:
        raise Invalid(
            f'Invalid strategy "{str(strategy)[:60]}"; valid are: overwrite, merge, deep_merge',
            path="parameter_merge_strategies",
        )
    if strategy in {None, "overwrite"} or old is None:
        return new
    old, new = _structured(old), _structured(new)
    if isinstance(old, dict) and isinstance(new, dict):
        return _deep(old, new) if strategy == "deep_merge" else {**old, **new}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    return new if not isinstance(old, str) or not isinstance(new, str) else old + new


def _structured(value: Any) -> Any:
    """Text that stands for a list or map, as that."""
    if not isinstance(value, str):
        return value
    if value.strip().startswith(("{", "[")):
        try:
            return parameters.json_value(value)
        except ValueError:
            return value
    return value.split(",") if "," in value else value


def _deep(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _deep(old[key], value) if key in old else value for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    return new
