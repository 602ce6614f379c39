"""The catalog: the services of the program as Keystone lists services, endpoints and regions. Made from the list in
``app.py``, so that it is never out of date and cannot be changed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from boxship.config import Settings
from boxship.core.service import Service
from boxship.services.identity import schemas

_INTERFACES = ("public", "internal", "admin")


class Catalog:
    """Ids are made from names, so that they stay the same."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url
        self._region = settings.region
        self._entries: list[tuple[str, Service]] = []

    def fill(self, services: Sequence[Service]) -> None:
        """List these services, once all of them are made."""
        self._entries = [(kind, service) for service in services for kind in service.types]

    def of(self, project_id: str | None) -> list[schemas.Shown]:
        """The catalog in a token; endpoints that need a project are left out where there is none."""
        return [
            {"id": _id(kind), "type": kind, "name": service.name, "endpoints": endpoints}
            for kind, service in self._entries
            if (endpoints := self._endpoints(kind, service, project_id))
        ]

    def _endpoints(self, kind: str, service: Service, project_id: str | None) -> list[schemas.Shown]:
        if "%(project_id)s" in service.endpoint and project_id is None:
            return []
        url = self._url + service.endpoint.replace("%(project_id)s", project_id or "")
        return [
            {
                "id": _id(f"{kind}/{interface}"),
                "interface": interface,
                "region": self._region,
                "region_id": self._region,
                "url": url,
            }
            for interface in _INTERFACES
        ]

    def services(self) -> list[schemas.Shown]:
        """The rows of GET /v3/services."""
        return [
            {"id": _id(kind), "type": kind, "name": service.name, "enabled": True, "description": "", "links": {}}
            for kind, service in self._entries
        ]

    def endpoints(self) -> list[schemas.Shown]:
        """The rows of GET /v3/endpoints."""
        return [
            endpoint | {"service_id": _id(kind), "enabled": True, "links": {}}
            for kind, service in self._entries
            for endpoint in self._endpoints(kind, service, "%(project_id)s")
        ]

    def regions(self) -> list[schemas.Shown]:
        """The one region."""
        return [{"id": self._region, "description": "", "parent_region_id": None, "links": {}}]


def _id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"boxship:catalog:{name}").hex
