"""Templates as frozen types: what a document says, with functions still in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boxship.services.orchestration.template.constraints import Constraint
from boxship.services.orchestration.template.versions import Flavour, Version


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """One parameter as the template declares it. ``type`` is HOT's word for it."""

    name: str
    type: str
    label: str | None = None
    description: str = ""
    default: Any = None
    has_default: bool = False
    hidden: bool = False
    immutable: bool = False
    tags: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """One resource as the template has it; what is ``raw`` may hold functions."""

    name: str
    type: str
    properties: Any = field(default_factory=dict)
    metadata: Any = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    deletion_policy: Any = "Delete"
    update_policy: Any = field(default_factory=dict)
    condition: Any = None
    external_id: Any = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """One output; its value may hold functions."""

    name: str
    value: Any
    description: str = ""
    condition: Any = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template. ``document`` is what it was read from."""

    version: Version
    description: str
    parameters: Mapping[str, ParameterSchema]
    groups: tuple[Mapping[str, Any], ...]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    resources: Mapping[str, Definition]
    outputs: Mapping[str, Output]
    document: Mapping[str, Any]

    @property
    def is_hot(self) -> bool:
        return self.version.flavour is Flavour.HOT
