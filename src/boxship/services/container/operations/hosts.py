"""Hosts and their services: seen by admins, who also say whether a host is given new containers."""

from __future__ import annotations

import uuid
from typing import Any

from boxship.config import Settings
from boxship.core import clock, hosts
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.container.store import containers as containers_store
from boxship.services.container.store import hosts as store

KIND = "container_host"


def identity(hostname: str) -> str:
    """The id of the host of this name: always the same one."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, hostname))


async def register(transaction: Transaction, settings: Settings, hostname: str) -> None:
    """Make a host known, and its service up. Repeatable: what an admin said of it stays."""
    now = clock.now()
    found = await store.named(transaction, hostname)
    if found is None:
        await transaction.serialise("container hosts")  # programs on several hosts may start at once on one database
        found = await store.named(transaction, hostname)
    if found is not None:
        await store.update(transaction, found.id, last_seen_up=now, zone=settings.availability_zone)
        return
    host = model.Host(
        id=identity(hostname),
        number=await store.next_number(transaction),
        hostname=hostname,
        created_at=now,
        zone=settings.availability_zone,
        last_seen_up=now,
    )
    await store.insert(transaction, host)


async def find(transaction: Transaction, name: str) -> tuple[model.Host, model.Share]:
    """The host of this name or id, and what is promised of it. ComputeNodeNotFound."""
    found = await store.named(transaction, name)
    if found is None:
        raise container_errors.ComputeNodeNotFound(name)
    return found, (await containers_store.shares(transaction)).get(found.hostname, model.Share())


async def show_all(transaction: Transaction, query: Query) -> tuple[list[tuple[model.Host, model.Share]], listing.Page]:
    """A page of hosts, each with what is promised of it."""
    page = listing.page(query, store.SORTS, default_sort="hostname")
    found, shares = await store.page(transaction, page), await containers_store.shares(transaction)
    return [(host, shares.get(host.hostname, model.Share())) for host in found], page


async def services(transaction: Transaction, settings: Settings) -> list[tuple[model.Host, bool]]:
    """All hosts, and whether their service is up."""
    now, here = clock.now(), settings.host_name
    known = await store.everything(transaction)
    return [(host, host.is_up(now, settings.host_down_after, here)) for host in known]


async def zones(transaction: Transaction) -> list[str]:
    """The availability zones that hosts are in, sorted."""
    return sorted({host.zone for host in await store.everything(transaction)})


async def change_service(transaction: Transaction, host: str, binary: str, **values: Any) -> None:
    """Write what an admin says of a service. ZunServiceNotFound."""
    found = await _service(transaction, host, binary)
    await store.update(transaction, found.id, updated_at=clock.now(), **values)


async def delete_service(transaction: Transaction, host: str, binary: str) -> None:
    """Forget a host and its service. One that lives registers itself again, enabled; what was on one that never comes back
    can be deleted from then on. ZunServiceNotFound."""
    await store.forget(transaction, (await _service(transaction, host, binary)).id)
    await hosts.forget(transaction, host)


async def _service(transaction: Transaction, host: str, binary: str) -> model.Host:
    found = await store.named(transaction, host)
    if found is None or found.hostname != host or binary != model.HOST_SERVICE:
        raise container_errors.ZunServiceNotFound(host, binary)
    return found
