"""The name service of a network: which port it is on and in which subnets. Its records follow from the ports."""

from __future__ import annotations

from collections.abc import Sequence

from boxship.core.db.database import Transaction
from boxship.services.network import errors, model
from boxship.services.network.operations import allocation, wiring
from boxship.services.network.schemas.ports import FixedIpWish
from boxship.services.network.store import addresses, removals, rows, tables
from boxship.services.network.store import ports as ports_store


async def join(transaction: Transaction, network: model.Network, subnet: model.Subnet) -> None:
    """Give the name service an address in the subnet, and make it with the first; a full subnet goes without."""
    found = await rows.get(transaction, tables.names, model.Names, network.id)
    if found is None:
        await _start(transaction, network, subnet)
        return
    view = await ports_store.view(transaction, found.port_id)
    if view is None or any(address.subnet_id == subnet.id for address in view.addresses):
        return
    kept = [FixedIpWish(subnet_id=address.subnet_id, ip_address=address.ip) for address in view.addresses]
    try:
        await wiring.readdress(transaction, view, [*kept, FixedIpWish(subnet_id=subnet.id)])
    except errors.IpAddressGenerationFailure:
        return
    await rows.wish(transaction, tables.names, [network.id], model.Kind.NAMES)


async def _start(transaction: Transaction, network: model.Network, subnet: model.Subnet) -> None:
    draft = wiring.Draft(
        network=network,
        project_id=network.project_id,
        device_id=f"dhcp-{network.id}",
        device_owner=model.Owner.DHCP,
        preserved=False,
    )
    try:
        made = await wiring.make(transaction, draft, [FixedIpWish(subnet_id=subnet.id)])
    except errors.IpAddressGenerationFailure:
        return
    await rows.insert(transaction, tables.names, model.Names(network.id, made.port.id, 1, 0, None))
    transaction.wake(model.Kind.NAMES, network.id)


async def leave(transaction: Transaction, subnet: model.Subnet) -> None:
    """Take the name service's address in the subnet; with the last one the name service goes."""
    found = await rows.get(transaction, tables.names, model.Names, subnet.network_id)
    view = await ports_store.view(transaction, found.port_id) if found else None
    if found is None or view is None:
        return
    here = [address for address in view.addresses if address.subnet_id == subnet.id]
    if len(here) < len(view.addresses):
        await allocation.lock(transaction, subnet.network_id)
        await wiring.free(transaction, here)
        await rows.wish(transaction, tables.names, [found.id], model.Kind.NAMES)
        return
    await rows.delete(transaction, tables.names, found.id)
    await wiring.drop(transaction, view.port)
    if await removals.get(transaction, model.Kind.NAMES, found.id) is None:
        await removals.add(transaction, model.Removal(model.Kind.NAMES, found.id, found.id, "", found.host))


async def addresses_of(transaction: Transaction, network_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The addresses of the name service of each network that has one."""
    found = await rows.find(transaction, tables.names, model.Names, tables.names.c.id.in_(network_ids))
    had = await addresses.of_ports(transaction, [names.port_id for names in found])
    return {names.id: tuple(address.ip for address in had.get(names.port_id, ())) for names in found}
