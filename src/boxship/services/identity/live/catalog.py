"""The catalog: the services of the program as Keystone lists services, endpoints and regions. Made from the list in
``app.py``, so that it is never out of date and cannot be changed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from boxship.config import Settings
from boxship.core.service import Service
from boxship.services.identity import schemas

_INTERFACES = ("public", "internal", "admin")
_PROJECT = "%(project_id)s"


class Catalog:
    """Ids are made from names, so that they stay the same."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url
        self._region = settings.region
        self._entries: list[tuple[str, Service]] = []
        self._with_project, self._without_project = b"[]", b"[]"

    def fill(self, services: Sequence[Service]) -> None:
        """List these services, once all of them are made."""
        self._entries = [(kind, service) for service in services for kind in service.types]
        everywhere = [(kind, service) for kind, service in self._entries if _PROJECT not in service.endpoint]
        self._with_project = msgspec.json.encode(self._catalog(self._entries))
        self._without_project = msgspec.json.encode(self._catalog(everywhere))

    def of(self, project_id: str | None) -> msgspec.Raw:
        """The catalog in a token, as JSON because every token has one; endpoints that need a project are left out where
        there is none."""
        if project_id is None:
            return msgspec.Raw(self._without_project)
        return msgspec.Raw(self._with_project.replace(_PROJECT.encode(), project_id.encode()))

    def _catalog(self, entries: Sequence[tuple[str, Service]]) -> list[schemas.Shown]:
        return [
            {"id": _id(kind), "type": kind, "name": service.name, "endpoints": self._endpoints(kind, service)}
            for kind, service in entries
        ]

    def _endpoints(self, kind: str, service: Service) -> list[schemas.Shown]:
        return [
            {
                "id": _id(f"{kind}/{interface}"),
                "interface": interface,
                "region": self._region,
                "region_id": self._region,
                "url": self._url + service.endpoint,
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
            for endpoint in self._endpoints(kind, service)
        ]

    def regions(self) -> list[schemas.Shown]:
        """The one region."""
        return [{"id": self._region, "description": "", "parent_region_id": None, "links": {}}]


def _id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"boxship:catalog:{name}").hex
