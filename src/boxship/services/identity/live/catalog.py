"""The catalog: the services of the program as Keystone lists services, endpoints and regions, made from the list in
``app.py``, so that they are never out of date and cannot be changed; behind them what admins added, which is read again only
when anything in the identity service has changed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from boxship.config import Settings
from boxship.core.db.database import Transaction
from boxship.core.service import Service
from boxship.services.identity import model, schemas
from boxship.services.identity.operations import catalog as operations
from boxship.services.identity.store import epochs

_INTERFACES = ("public", "internal", "admin")
_PROJECT = "%(project_id)s"


class Catalog:
    """Ids of the program's own parts are made from names, so that they stay the same."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url
        self._region = settings.region
        self._with_project, self._without_project = b"[]", b"[]"
        self._added: tuple[int, model.Parts] | None = None
        self.builtin = model.Parts()

    def fill(self, services: Sequence[Service]) -> None:
        """List these services, once all of them are made."""
        entries = [(kind, service) for service in services for kind in service.types]
        self.builtin = model.Parts(
            regions=(model.Region(id=self._region, description="", parent_region_id=None),),
            services=tuple(model.Service(id=_id(kind), type=kind, name=service.name) for kind, service in entries),
            endpoints=tuple(endpoint for kind, service in entries for endpoint in self._endpoints(kind, service)),
        )
        self._with_project = msgspec.json.encode(self._entries(self.builtin, {"project_id": _PROJECT}))
        self._without_project = msgspec.json.encode(self._entries(self.builtin, {}))

    def _endpoints(self, kind: str, service: Service) -> list[model.Endpoint]:
        return [
            model.Endpoint(
                id=_id(f"{kind}/{interface}"),
                service_id=_id(kind),
                interface=interface,
                region_id=self._region,
                url=self._url + service.endpoint,
            )
            for interface in _INTERFACES
        ]

    async def of(
        self, transaction: Transaction, project_id: str | None, user_id: str, *, epoch: int | None = None
    ) -> msgspec.Raw:
        """The catalog in a user's token, as JSON because every token has one; endpoints that need a project are left out
        where there is none. ``epoch`` is that of the transaction, where it is known."""
        added = await self._read(transaction, await epochs.epoch(transaction) if epoch is None else epoch)
        if added.services or added.endpoints:
            values = {"project_id": project_id, "tenant_id": project_id, "user_id": user_id}
            return msgspec.Raw(msgspec.json.encode(self._entries(self.builtin.with_those_of(added), values)))
        if project_id is None:
            return msgspec.Raw(self._without_project)
        return msgspec.Raw(self._with_project.replace(_PROJECT.encode(), project_id.encode()))

    async def _read(self, transaction: Transaction, epoch: int) -> model.Parts:
        if self._added is None or self._added[0] != epoch:
            self._added = (epoch, await operations.added(transaction))
        return self._added[1]

    def _entries(self, parts: model.Parts, values: Mapping[str, str | None]) -> list[schemas.Shown]:
        """Services that an admin added are there also without any endpoint, as in Keystone; the program's only with."""
        of_service: dict[str, list[schemas.Shown]] = {}
        for endpoint in parts.endpoints:
            url = operations.filled(endpoint.url, values) if endpoint.enabled else None
            if url is not None:
                of_service.setdefault(endpoint.service_id, []).append(_endpoint(endpoint, url))
        own = {service.id for service in self.builtin.services}
        return [
            {
                "id": service.id,
                "type": service.type,
                "name": service.name,
                "endpoints": of_service.get(service.id, []),
            }
            for service in parts.services
            if service.enabled and (service.id in of_service or service.id not in own)
        ]


def _endpoint(endpoint: model.Endpoint, url: str) -> schemas.Shown:
    return {
        "id": endpoint.id,
        "interface": endpoint.interface,
        "region": endpoint.region_id,
        "region_id": endpoint.region_id,
        "url": url,
    }


def _id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"boxship:catalog:{name}").hex
