"""Answers devices that ask who they are at 169.254.169.254: the port is known by where the question comes in and from which
address. Never tells of one port to another."""

from __future__ import annotations

from collections.abc import Sequence

from boxship.config import Settings
from boxship.core import errors
from boxship.core.db.database import Database, Transaction
from boxship.drivers.linux.interface import Fabric, MetadataPage, MetadataQuestion
from boxship.services.network import model, plan, public
from boxship.services.network.live import pages
from boxship.services.network.operations import zones
from boxship.services.network.store import metadata as store
from boxship.services.network.store import rows, tables


class Metadata:
    """The answers of one host. ``describers`` are other services, asked in turn what they know of the device."""

    def __init__(
        self, database: Database, fabric: Fabric, settings: Settings, describers: Sequence[public.Describe] = ()
    ) -> None:
        self._database = database
        self._fabric = fabric
        self._settings = settings
        self._describers = describers

    async def begin(self) -> None:
        """Be asked from now on."""
        await self._fabric.answer_metadata(self.answer)

    async def answer(self, question: MetadataQuestion) -> MetadataPage:
        """The page, or 404 where there is none or nobody has the address; 503 while the database is away."""
        try:
            async with self._database.read() as transaction:
                device = await self._device(transaction, question)
        except errors.Unavailable:
            return MetadataPage(503, b"Try again.\n")
        found = pages.page(device, question.path) if device else None
        return MetadataPage(200, *found) if found else MetadataPage(404, b"There is no such page.\n")

    async def _device(self, transaction: Transaction, question: MetadataQuestion) -> pages.Device | None:
        if question.kind == "router":
            networks = await store.networks_inside(transaction, question.id)
        else:
            networks = [question.id]
        address = str(question.client)
        port = await store.port_at(transaction, networks, address)
        if port is None or port.device_owner.startswith("network:"):
            return None
        described = await self._described(transaction, port)
        network = await rows.get(transaction, tables.networks, model.Network, port.network_id)
        own = port.dns_name or f"host-{address.replace('.', '-')}"
        domain = plan.domain(network) if network else plan.DOMAIN
        return pages.Device(
            id=port.device_id or port.id,
            name=described.name or port.dns_name or port.name or own,
            hostname=described.hostname or f"{own}.{domain}",
            project_id=port.project_id,
            zone=await zones.of_host(transaction, self._settings, port.host),
            mac=port.mac_address,
            local_ipv4=address,
            public_ipv4=await store.floating_at(transaction, port.id, address),
            groups=await store.group_names(transaction, port.id),
            meta=described.meta,
            keys=described.keys,
            user_data=described.user_data,
        )

    async def _described(self, transaction: Transaction, port: model.Port) -> public.Described:
        for describe in self._describers:
            found = await describe(transaction, port.device_owner, port.device_id)
            if found is not None:
                return found
        return public.Described()
