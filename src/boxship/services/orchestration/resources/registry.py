"""All types of resources, by name. A new family is a module with TYPES and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from boxship.services.orchestration.resources import heat
from boxship.services.orchestration.resources.interface import ResourceType

FAMILIES = (heat,)

TYPES: Mapping[str, ResourceType] = {each.name: each for family in FAMILIES for each in family.TYPES}


def find(kind: str, files: Mapping[str, str]) -> ResourceType | None:
    """The type of this name; None: there is none. ``files`` are those that came with the template."""
    del files
    return TYPES.get(kind)
