"""The making and unmaking of port rows, for every operation that needs a port; decides nothing about who may.

What hangs on a port follows here: its addresses, the members of its groups, the names of its network, its floating IPs.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from boxship.core import clock
from boxship.core.db.database import Transaction
from boxship.core.http.call import new_id
from boxship.services.network import errors, model
from boxship.services.network.operations import allocation, groups
from boxship.services.network.schemas.ports import FixedIpWish
from boxship.services.network.store import addresses, removals, rows, tables
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import ports as store

MAC_TRIES = 16


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A port to be made, every value checked. ``fixed`` None: addresses by Neutron's rule; ``taken``: these, already taken."""

    network: model.Network
    project_id: str
    name: str = ""
    description: str = ""
    admin_state_up: bool = True
    mac: str | None = None
    device_id: str = ""
    device_owner: str = ""
    guarded: bool = False
    groups: tuple[str, ...] = ()
    dns_name: str = ""
    pairs: tuple[model.Pair, ...] = ()
    vnic_type: str = "normal"
    profile: dict[str, object] = {}
    host: str = ""
    dhcp_options: tuple[model.DhcpOption, ...] = ()
    preserved: bool = True
    tags: tuple[str, ...] = ()
    status: str = model.Status.DOWN


async def make(transaction: Transaction, draft: Draft, fixed: Sequence[FixedIpWish] | None = None) -> model.PortView:
    """A new port with its addresses. ``fixed`` None: addresses by Neutron's rule; empty: none.

    MacAddressInUse, and what ``allocation`` raises.
    """
    network_id = draft.network.id
    await allocation.lock(transaction, network_id)
    mac = await free_mac(transaction, network_id, draft.mac)
    subnets = (await networks_store.subnets_of(transaction, [network_id])).get(network_id, [])
    if fixed is None:
        taken = await allocation.choose(transaction, subnets, mac, draft.device_owner)
    else:
        taken = await allocation.honour(transaction, subnets, fixed, mac, network_id)
    return await insert(transaction, draft, mac, taken)


async def make_with(transaction: Transaction, draft: Draft, taken: Sequence[allocation.Taken]) -> model.PortView:
    """A new port that gets addresses which are taken already."""
    return await insert(transaction, draft, await free_mac(transaction, draft.network.id, draft.mac), taken)


async def insert(transaction: Transaction, draft: Draft, mac: str, taken: Sequence[allocation.Taken]) -> model.PortView:
    """The rows of a port, its addresses and memberships."""
    port = _row(draft, mac)
    had = [_address(port, subnet_id, key) for subnet_id, key in taken]
    await rows.insert(transaction, tables.ports, port)
    await addresses.insert(transaction, had)
    await store.join_groups(transaction, port.id, draft.groups)
    await groups.members_changed(transaction, draft.groups)
    ordered = tuple(sorted(had, key=lambda address: (len(address.key), address.key)))
    return model.PortView(port, ordered, tuple(sorted(draft.groups)))


def _row(draft: Draft, mac: str) -> model.Port:
    now = clock.now()
    return model.Port(
        id=new_id(),
        project_id=draft.project_id,
        network_id=draft.network.id,
        created_at=now,
        updated_at=now,
        revision_number=1,
        name=draft.name,
        description=draft.description,
        admin_state_up=draft.admin_state_up,
        mac_address=mac,
        device_id=draft.device_id,
        device_owner=draft.device_owner,
        port_security_enabled=draft.guarded,
        dns_name=draft.dns_name,
        pairs=draft.pairs,
        vnic_type=draft.vnic_type,
        profile=draft.profile,
        host=draft.host,
        sandbox="",
        interface="",
        preserved=draft.preserved,
        tags=draft.tags,
        generation=0,
        observed=0,
        status=draft.status,
        reason=None,
        dhcp_options=draft.dhcp_options,
    )


def _address(port: model.Port, subnet_id: str, key: str) -> model.Address:
    return model.Address(port.id, port.network_id, subnet_id, key, addresses.text(key))


async def free_mac(transaction: Transaction, network_id: str, wanted: str | None) -> str:
    """The MAC asked for, or a random one that is free in the network (fa:16:3e is OpenStack's). MacAddressInUse."""
    if wanted is not None:
        if await mac_taken(transaction, network_id, wanted):
            raise errors.MacAddressInUse(network_id, wanted)
        return wanted
    for _ in range(MAC_TRIES):
        tail = secrets.token_bytes(3)
        mac = f"fa:16:3e:{tail[0]:02x}:{tail[1]:02x}:{tail[2]:02x}"
        if not await mac_taken(transaction, network_id, mac):
            return mac
    raise errors.NoNetworkAvailable


async def mac_taken(transaction: Transaction, network_id: str, mac: str) -> bool:
    """Whether a port of the network has this MAC."""
    ports = tables.ports
    return await rows.exists(transaction, ports, ports.c.network_id == network_id, ports.c.mac_address == mac)


async def readdress(transaction: Transaction, view: model.PortView, wishes: Sequence[FixedIpWish]) -> None:
    """Give a port the addresses asked for; those that it has and that are asked for by address it keeps."""
    port = view.port
    await allocation.lock(transaction, port.network_id)
    kept, rest = _kept(view.addresses, wishes)
    await free(transaction, [address for address in view.addresses if address not in kept])
    subnets = (await networks_store.subnets_of(transaction, [port.network_id])).get(port.network_id, [])
    taken = await allocation.honour(transaction, subnets, rest, port.mac_address, port.network_id)
    await addresses.insert(transaction, [_address(port, subnet_id, key) for subnet_id, key in taken])


def _kept(had: Sequence[model.Address], wishes: Sequence[FixedIpWish]) -> tuple[list[model.Address], list[FixedIpWish]]:
    """The addresses that stay, and the wishes that they do not meet."""
    kept: list[model.Address] = []
    rest = []
    for wish in wishes:
        met = next((address for address in had if address not in kept and _meets(address, wish)), None)
        if met is None:
            rest.append(wish)
        else:
            kept.append(met)
    return kept, rest


def _meets(address: model.Address, wish: FixedIpWish) -> bool:
    return wish.subnet_id in {None, address.subnet_id} and wish.ip_address in {None, address.ip}


async def free(transaction: Transaction, had: Sequence[model.Address]) -> None:
    """Take addresses from their port and make them free."""
    if not had:
        return
    await addresses.delete(transaction, had)
    for address in had:
        subnet = await rows.get(transaction, tables.subnets, model.Subnet, address.subnet_id)
        if subnet is not None:
            await addresses.give_back(transaction, subnet.id, subnet.allocation_pools, address.key)


async def drop(transaction: Transaction, port: model.Port) -> None:
    """Delete a port: its row goes now, its cable when the reconciler comes to it."""
    view = (await store.views(transaction, [port]))[0]
    await allocation.lock(transaction, port.network_id)
    await free(transaction, view.addresses)
    await store.delete(transaction, port.id)
    await groups.members_changed(transaction, view.groups)
    await names_changed(transaction, port)
    if port.generation:
        await removals.add(
            transaction, model.Removal(model.Kind.PORT, port.id, port.network_id, port.sandbox, port.host)
        )


async def names_changed(transaction: Transaction, port: model.Port) -> None:
    """A wired port came, went or changed: names and DHCP of its network follow."""
    if port.sandbox:
        await rows.wish(transaction, tables.names, [port.network_id], model.Kind.NAMES)


async def rewire(transaction: Transaction, ports: Sequence[model.Port]) -> None:
    """What wired ports are to be has changed; ports in no sandbox have nothing to make real."""
    await rows.wish(transaction, tables.ports, [port.id for port in ports if port.sandbox], model.Kind.PORT)
