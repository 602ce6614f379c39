"""The end of port forwardings: one that is deleted, and those whose port or address goes."""

from __future__ import annotations

from collections.abc import Iterable

from boxship.core.db.database import Transaction
from boxship.services.network import model
from boxship.services.network.store import addresses, rows, tables
from boxship.services.network.store import forwarding as store


async def lock(transaction: Transaction) -> None:
    """One transaction at a time says what leads where: the ports outside and those inside are of different owners."""
    await transaction.serialise("network:forwardings")


async def end(transaction: Transaction, ended: Iterable[model.Forwarding]) -> None:
    """Delete forwardings; floating IPs that have none any more lead nowhere."""
    for row in ended:
        await rows.delete(transaction, tables.forwardings, row.id)
        owner = await rows.get(transaction, tables.floating, model.FloatingIP, row.floatingip_id)
        if owner is None or owner.router_id is None:
            continue
        if not await store.any_of(transaction, owner.id):
            await rows.change(transaction, tables.floating, owner.id, router_id=None, status=str(model.Status.DOWN))
        await rows.wish(transaction, tables.routers, [owner.router_id], model.Kind.ROUTER)


async def keep(transaction: Transaction, port_id: str, ips: Iterable[str]) -> None:
    """A port has these addresses from now on (none: it goes); forwardings to others end."""
    found = await store.to_port(transaction, port_id)
    if not found:
        return
    await lock(transaction)
    kept = set(ips)
    await end(transaction, [row for row in found if row.internal_ip_address not in kept])


async def follow(transaction: Transaction, port_id: str) -> None:
    """As ``keep``, with the addresses that the port has now."""
    had = (await addresses.of_ports(transaction, [port_id])).get(port_id, ())
    await keep(transaction, port_id, [address.ip for address in had])
