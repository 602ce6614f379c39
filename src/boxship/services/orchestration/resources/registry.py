"""All types of resources, by name. A new family is a module with TYPES and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from boxship.services.orchestration.resources import (
    cinder,
    docker,
    glance,
    groups,
    heat,
    keystone,
    keystone_catalog,
    manila,
    nested,
    neutron,
    neutron_groups,
    neutron_routers,
    scaling,
    signals,
    software,
    zun,
)
from boxship.services.orchestration.resources.interface import ResourceType
from boxship.services.orchestration.template import environments

FAMILIES = (
    *(heat, groups, scaling, software, signals, keystone, keystone_catalog),
    *(neutron, neutron_routers, neutron_groups, cinder, manila, glance, zun, docker),
)

TYPES: Mapping[str, ResourceType] = {each.name: each for family in FAMILIES for each in family.TYPES}


def find(kind: str, files: Mapping[str, str]) -> ResourceType | None:
    """The type of this name; None: there is none. A template among ``files``, which came with the stack's, is a type, too."""
    if kind in files and environments.is_template(kind):
        return nested.TemplateResource(kind)
    return TYPES.get(kind)
