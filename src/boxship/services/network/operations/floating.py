"""Floating IPs: addresses of the external network that lead to ports behind routers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import msgspec
from msgspec import UnsetType

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.network import errors, model
from boxship.services.network.operations import access, allocation, checks, forwarding_ends, networks, ports, wiring
from boxship.services.network.schemas import routers as wire
from boxship.services.network.schemas.fields import given, known
from boxship.services.network.schemas.ports import FixedIpWish
from boxship.services.network.store import addresses, rows, tables
from boxship.services.network.store import forwarding as forwarding_store
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import routers as store


class Target(msgspec.Struct, frozen=True):
    """Where a floating IP leads: a port, one of its addresses, and the router between."""

    port_id: str | None = None
    fixed_ip_address: str | None = None
    router_id: str | None = None


async def create_floating(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.FloatingCreate
) -> model.FloatingView:
    """A new floating IP, leading to a port if one is named. ExternalIpAddressExhausted, and what ``_target`` raises."""
    project_id = access.owner(caller, wish, "create_floatingip")
    access.privileged(caller, "create_floatingip:floating_ip_address", wanted=bool(wish.floating_ip_address))
    network = await networks.seen(transaction, caller, wish.floating_network_id)
    if not network.external:
        raise errors.InvalidInput(f"Network {network.id} is not a valid external network", field="floating_network_id")
    await access.quota(transaction, settings, "floatingip", project_id)
    id = new_id()
    port, ip = await _outside(transaction, network, id, wish)
    now = clock.now()
    row = model.FloatingIP(
        id=id,
        project_id=project_id,
        floating_network_id=network.id,
        floating_port_id=port.id,
        floating_ip_address=ip,
        created_at=now,
        updated_at=now,
        revision_number=1,
        description=wish.description,
        router_id=None,
        port_id=None,
        fixed_ip_address=None,
        dns_name=checks.dns_name(wish.dns_name),
        dns_domain=checks.dns_domain(wish.dns_domain),
        tags=wish.tags,
        status=model.Status.DOWN,
    )
    target = await _target(transaction, caller, row, wish.port_id, wish.fixed_ip_address)
    await rows.insert(transaction, tables.floating, _led(row, target))
    await _wake(transaction, [target.router_id])
    return (await store.floating_views(transaction, [_led(row, target)]))[0]


def _led(row: model.FloatingIP, target: Target) -> model.FloatingIP:
    return msgspec.structs.replace(row, **msgspec.structs.asdict(target))


async def _outside(
    transaction: Transaction, network: model.Network, id: str, wish: wire.FloatingCreate
) -> tuple[model.Port, str]:
    """The port that has the address on the external network. ExternalIpAddressExhausted."""
    await allocation.lock(transaction, network.id)
    found = (await networks_store.subnets_of(transaction, [network.id])).get(network.id, [])
    usable = [subnet for subnet in found if subnet.ip_version == 4 and wish.subnet_id in {None, subnet.id}]
    if not usable:
        raise errors.ExternalIpAddressExhausted(network.id)
    try:
        if wish.floating_ip_address:
            fixed = FixedIpWish(ip_address=wish.floating_ip_address)
            taken = (await allocation.honour(transaction, usable, [fixed], "", network.id))[0]
        else:
            taken = (await allocation.choose(transaction, usable, "", model.Owner.FLOATING))[0]
    except errors.IpAddressGenerationFailure as error:
        raise errors.ExternalIpAddressExhausted(network.id) from error
    draft = wiring.Draft(
        network=network, project_id="", device_id=id, device_owner=model.Owner.FLOATING, preserved=False, status="N/A"
    )
    made = await wiring.make_with(transaction, draft, [taken])
    return made.port, addresses.text(taken[1])


async def _target(
    transaction: Transaction, caller: Caller, row: model.FloatingIP, port_id: str | None, fixed_ip: str | None
) -> Target:
    """Where it is to lead.

    PortNotFound, InvalidInput, FloatingIPPortAlreadyAssociated, ExternalGatewayForFloatingIPNotFound.
    """
    if port_id is None:
        if fixed_ip is not None:
            raise errors.InvalidInput("fixed_ip_address cannot be specified without a port_id", field="port_id")
        return Target()
    view = await ports.get_port(transaction, caller, port_id)
    if view.port.project_id != row.project_id and not caller.is_admin:
        raise errors.InvalidInput(f"Port {port_id} is of another project than the floating IP", field="port_id")
    address = _inside(view, fixed_ip)
    await _alone(transaction, row, address)
    router_id = await router_between(transaction, row.floating_network_id, address)
    if router_id is None:
        raise errors.ExternalGatewayForFloatingIPNotFound(row.floating_network_id, address.subnet_id, port_id)
    return Target(port_id, address.ip, router_id)


def _inside(view: model.PortView, fixed_ip: str | None) -> model.Address:
    """The IPv4 address of the port that is meant. InvalidInput: it has none, or several and none was named."""
    had = [address for address in view.addresses if ipaddress.ip_address(address.ip).version == 4]
    port_id = view.port.id
    if fixed_ip is not None:
        wanted = str(checks.address(fixed_ip, "fixed_ip_address", 4))
        had = [address for address in had if address.ip == wanted]
        if not had:
            raise errors.InvalidInput(f"Port {port_id} does not have fixed ip {fixed_ip}", field="fixed_ip_address")
    if not had:
        raise errors.InvalidInput(f"Port {port_id} has no fixed IPv4 addresses", field="port_id")
    if len(had) > 1:
        raise errors.InvalidInput(
            f"Port {port_id} has multiple fixed IPv4 addresses. "
            "Must provide a specific IPv4 address when assigning a floating IP",
            field="fixed_ip_address",
        )
    return had[0]


async def _alone(transaction: Transaction, row: model.FloatingIP, address: model.Address) -> None:
    floating = tables.floating
    others = await store.floating_of(
        transaction,
        floating.c.port_id == address.port_id,
        floating.c.fixed_ip_address == address.ip,
        floating.c.floating_network_id == row.floating_network_id,
        floating.c.id != row.id,
    )
    for other in others:
        raise errors.FloatingIPPortAlreadyAssociated(
            (row.floating_ip_address, row.id), address.port_id, address.ip, other.floating_network_id
        )


async def router_between(transaction: Transaction, network_id: str, address: model.Address) -> str | None:
    """The router between: it has a leg in the subnet and its gateway on the floating network; the gateway's owner first."""
    subnet = await rows.get(transaction, tables.subnets, model.Subnet, address.subnet_id)
    found = []
    for leg, ip in await store.legs_on_subnet(transaction, address.subnet_id):
        router = await rows.get(transaction, tables.routers, model.Router, leg.router_id)
        if router and router.gateway_network_id == network_id:
            found.append((subnet is None or ip != subnet.gateway_ip, router.id))
    return min(found)[1] if found else None


async def list_floating(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.FloatingView], listing.Page]:
    """The floating IPs that the caller sees."""
    conditions = [] if caller.is_admin else [tables.floating.c.project_id == caller.project_id]
    source = (tables.floating, model.FloatingIP, store.FLOATING_COLUMNS)
    found, page = await access.listed(transaction, query, source, conditions)
    return await store.floating_views(transaction, found), page


async def seen(transaction: Transaction, caller: Caller, id: str) -> model.FloatingIP:
    """The row of a floating IP that the caller sees. FloatingIPNotFound."""
    row = await rows.get(transaction, tables.floating, model.FloatingIP, id)
    if row is None or not caller.sees(row.project_id):
        raise errors.FloatingIPNotFound(id)
    return row


async def get_floating(transaction: Transaction, caller: Caller, id: str) -> model.FloatingView:
    """One floating IP. FloatingIPNotFound."""
    return (await store.floating_views(transaction, [await seen(transaction, caller, id)]))[0]


async def update_floating(
    transaction: Transaction, caller: Caller, id: str, wish: wire.FloatingUpdate
) -> model.FloatingView:
    """Lead a floating IP elsewhere or nowhere; a change without ``port_id`` leaves it where it leads, but one that says
    nothing at all lets go of the port (which was the only change there was, once)."""
    row = await seen(transaction, caller, id)
    if not given(wish):
        wish = wire.FloatingUpdate(port_id=None)
    changed = msgspec.structs.replace(row, updated_at=clock.now(), revision_number=row.revision_number + 1)
    values = given(wish)
    if "description" in values:
        changed = msgspec.structs.replace(changed, description=values["description"])
    if await _may_lead(transaction, id, wish):
        port_id = row.port_id if isinstance(wish.port_id, UnsetType) else wish.port_id
        fixed = None if isinstance(wish.fixed_ip_address, UnsetType) else wish.fixed_ip_address
        target = await _target(transaction, caller, row, port_id, fixed)
        changed = _led(changed, target)
        if changed.router_id is None:
            changed = msgspec.structs.replace(changed, status=str(model.Status.DOWN))
    await rows.change(transaction, tables.floating, id, **rows.differing(row, changed))
    await _wake(transaction, [row.router_id, changed.router_id])
    return (await store.floating_views(transaction, [changed]))[0]


async def _may_lead(transaction: Transaction, id: str, wish: wire.FloatingUpdate) -> bool:
    """Whether the change says where the floating IP leads as a whole. FipInUseByPortForwarding: its ports lead somewhere."""
    if isinstance(wish.port_id, UnsetType) and isinstance(wish.fixed_ip_address, UnsetType):
        return False
    await forwarding_ends.lock(transaction)
    if not await forwarding_store.any_of(transaction, id):
        return True
    if wish.port_id is None and not known(wish.fixed_ip_address):
        return False
    raise errors.FipInUseByPortForwarding(id)


async def _wake(transaction: Transaction, router_ids: Iterable[str | None]) -> None:
    await rows.wish(transaction, tables.routers, [id for id in router_ids if id], model.Kind.ROUTER)


async def disassociate_port(transaction: Transaction, port_id: str) -> None:
    """Floating IPs that led to this port lead nowhere."""
    found = await store.floating_of(transaction, tables.floating.c.port_id == port_id)
    for row in found:
        nowhere = msgspec.structs.asdict(Target())
        await rows.change(transaction, tables.floating, row.id, **nowhere, status=str(model.Status.DOWN))
    await _wake(transaction, [row.router_id for row in found])


async def delete_floating(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a floating IP. FloatingIPNotFound, FipInUseByPortForwarding."""
    row = await seen(transaction, caller, id)
    await forwarding_ends.lock(transaction)
    if await forwarding_store.any_of(transaction, id):
        raise errors.FipInUseByPortForwarding(id)
    await drop(transaction, row)


async def idle(transaction: Transaction, network_id: str) -> list[model.FloatingIP]:
    """The floating IPs of an external network that lead nowhere; they go with the network, as upstream."""
    floating = tables.floating.c
    nowhere = (floating.port_id.is_(None), floating.router_id.is_(None))
    return await rows.find(
        transaction, tables.floating, model.FloatingIP, floating.floating_network_id == network_id, *nowhere
    )


async def drop(transaction: Transaction, row: model.FloatingIP) -> None:
    """Remove a floating IP with its port, whoever asks."""
    await rows.delete(transaction, tables.floating, row.id)
    await _wake(transaction, [row.router_id])
    port = await rows.get(transaction, tables.ports, model.Port, row.floating_port_id)
    if port is not None:
        await wiring.drop(transaction, port)
