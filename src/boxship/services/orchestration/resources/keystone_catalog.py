"""The catalog, for admins: OS::Keystone::Region, Service, Endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from boxship.services.orchestration.resources.declaring import flag, text
from boxship.services.orchestration.resources.interface import ResourceType, RestResource, Work


class _Part(RestResource):
    service = "identity"
    admin = True
    change_method = "PATCH"
    renamed: Mapping[str, str] = {}
    """Properties that have another name in Keystone."""

    def body(self, it: Work) -> dict[str, Any]:
        return {self.renamed.get(name, name): value for name, value in super().body(it).items()}

    def changes(self, it: Work, changed: Mapping[str, Any]) -> dict[str, Any]:
        return {self.renamed.get(name, name): value for name, value in super().changes(it, changed).items()}


class Region(_Part):
    """A region; its id cannot be changed, and what is not fit for a URL is escaped in it."""

    name = "OS::Keystone::Region"
    since = "6.0.0"
    collection, key = "/regions", "region"
    names_itself = False
    renamed = {"parent_region": "parent_region_id"}
    properties = {
        "id": text("Its id; without one it is made up."),
        "parent_region": text("The region that it is a part of.", changes=True, finds="region"),
        "description": text("What it is.", changes=True),
        "enabled": flag("Whether it is in use.", default=True, changes=True),
    }

    def path(self, it: Work) -> str:
        return f"{self.collection}/{quote(str(it.physical_id), safe='')}"

    def body(self, it: Work) -> dict[str, Any]:
        made = super().body(it)
        if "id" in made:
            made["id"] = quote(made["id"])
        return made


class Service(_Part):
    """A service that the catalog lists."""

    name = "OS::Keystone::Service"
    since = "5.0.0"
    collection, key = "/services", "service"
    properties = {
        "name": text("Its name.", changes=True),
        "description": text("What it is for.", changes=True),
        "type": text("Its type, which says what it is spoken to with.", required=True, changes=True),
        "enabled": flag("Whether the catalog shows it.", default=True, changes=True),
    }


class Endpoint(_Part):
    """Where a service is reached."""

    name = "OS::Keystone::Endpoint"
    since = "5.0.0"
    collection, key = "/endpoints", "endpoint"
    renamed = {"region": "region_id", "service": "service_id"}
    properties = {
        "name": text("Its name.", changes=True),
        "region": text("The region.", changes=True, finds="region"),
        "service": text("The service.", required=True, changes=True, finds="service"),
        "interface": text("Whom it is for.", required=True, changes=True, among=("public", "internal", "admin")),
        "url": text("Its URL.", required=True, changes=True),
        "enabled": flag("Whether the catalog shows it.", default=True, changes=True),
    }


TYPES: tuple[ResourceType, ...] = (Region(), Service(), Endpoint())
