"""Legs of routers in tenant networks: added and removed by subnet or by port."""

from __future__ import annotations

import ipaddress
import uuid

from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.network import errors, model
from boxship.services.network.operations import access, allocation, networks, ports, routers, subnets, wiring
from boxship.services.network.schemas import routers as wire
from boxship.services.network.store import forwarding as forwarding_store
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import routers as store
from boxship.services.network.store import rows, tables


async def add(
    transaction: Transaction, caller: Caller, router_id: str, wish: wire.InterfaceWish
) -> wire.InterfaceChange:
    """Give a router a leg. InvalidInput, PortInUse, IpAddressAlreadyAllocated, SubnetNotFound, PortNotFound."""
    router = await routers.seen(transaction, caller, router_id)
    if (wish.subnet_id is None) == (wish.port_id is None):
        raise errors.InvalidInput("Either subnet_id or port_id must be specified, and not both", field="subnet_id")
    if wish.subnet_id is not None:
        view = await _by_subnet(transaction, caller, router, wish.subnet_id)
    else:
        view = await _by_port(transaction, caller, router, _identifier(str(wish.port_id)))
    await rows.insert(transaction, tables.legs, model.Leg(view.port.id, router.id, is_gateway=False))
    await rows.revise(transaction, tables.routers, router.id)
    await rows.wish(transaction, tables.routers, [router.id], model.Kind.ROUTER)
    return _told(router, view)


def _identifier(text: str) -> str:
    """InvalidInput: it can be no port's, so it is the request that is wrong."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise errors.InvalidInput(f"'{text[:40]}' is not a valid UUID", field="port_id") from error


def _told(router: model.Router, view: model.PortView) -> wire.InterfaceChange:
    ids = tuple(dict.fromkeys(address.subnet_id for address in view.addresses))
    project_id = router.project_id
    return wire.InterfaceChange(
        router.id, project_id, project_id, view.port.id, view.port.network_id, ids[0] if ids else "", ids
    )


async def _by_subnet(transaction: Transaction, caller: Caller, router: model.Router, subnet_id: str) -> model.PortView:
    """A new port with the gateway address of the subnet."""
    subnet = await subnets.get_subnet(transaction, caller, subnet_id)
    network = await networks.of(transaction, subnet.network_id)
    # The gateway of a network that others share is its owner's to place: whoever has it carries their traffic.
    access.own(caller, network.project_id, "add_router_interface")
    if subnet.gateway_ip is None:
        raise errors.InvalidInput("Subnet for router interface must have a gateway IP", field="subnet_id")
    await _may_serve(transaction, router, [subnet])
    draft = wiring.Draft(
        network=network,
        project_id=router.project_id,
        device_id=router.id,
        device_owner=model.Owner.INTERFACE,
        preserved=False,
        status=model.Status.ACTIVE,
    )
    await allocation.lock(transaction, network.id)
    taken = await allocation.certain(transaction, subnet, subnet.gateway_ip)
    return await wiring.make_with(transaction, draft, [taken])


async def _by_port(transaction: Transaction, caller: Caller, router: model.Router, port_id: str) -> model.PortView:
    """A port of the caller that nobody uses becomes the leg."""
    view = await ports.get_port(transaction, caller, port_id)
    port = view.port
    if port.device_id or port.sandbox:
        raise errors.PortInUse(port.id, f"It is in use by {port.device_owner or 'device'} {port.device_id}.")
    if not view.addresses:
        raise errors.InvalidInput("Router port must have at least one fixed IP", field="port_id")
    network = await networks.of(transaction, port.network_id)
    access.own(caller, network.project_id, "add_router_interface")
    found = await rows.find(
        transaction,
        tables.subnets,
        model.Subnet,
        tables.subnets.c.id.in_([address.subnet_id for address in view.addresses]),
    )
    await _may_serve(transaction, router, found)
    values = {"device_id": router.id, "device_owner": str(model.Owner.INTERFACE), "status": str(model.Status.ACTIVE)}
    await rows.change(transaction, tables.ports, port.id, **values)
    return view


async def _may_serve(transaction: Transaction, router: model.Router, wanted: list[model.Subnet]) -> None:
    """InvalidInput: an external subnet, one that the router serves already, or one that overlaps with another leg's."""
    legs = await store.legs_of(transaction, [router.id])
    ranges = tables.subnets
    conditions = ports_store.subnets_with_ports([leg.port_id for leg, _ in legs])
    served = await rows.find(transaction, ranges, model.Subnet, conditions)
    for subnet in wanted:
        if (await networks.of(transaction, subnet.network_id)).external:
            raise errors.InvalidInput("A router interface cannot be on an external network", field="subnet_id")
        for other in served:
            _apart(subnet, other)


def _apart(subnet: model.Subnet, other: model.Subnet) -> None:
    if other.id == subnet.id:
        raise errors.InvalidInput(f"Router already has a port on subnet {subnet.id}", field="subnet_id")
    mine, theirs = ipaddress.ip_network(subnet.cidr), ipaddress.ip_network(other.cidr)
    if mine.version == theirs.version and mine.overlaps(theirs):
        raise errors.InvalidInput(
            f"Cidr {mine} of subnet {subnet.id} overlaps with cidr {theirs} of subnet {other.id}", field="subnet_id"
        )


async def remove(
    transaction: Transaction, caller: Caller, router_id: str, wish: wire.InterfaceWish
) -> wire.InterfaceChange:
    """Take a leg from a router; its port goes with it.

    RouterInterfaceNotFound, RouterInterfaceNotFoundForSubnet, RouterInterfaceInUseByFloatingIP,
    RouterInterfaceInUseByRoute.
    """
    router = await routers.seen(transaction, caller, router_id)
    leg = await _leg(transaction, router, wish)
    view = await ports_store.view(transaction, leg.port_id)
    if view is None:
        raise errors.RouterInterfaceNotFound(router_id, leg.port_id)
    if wish.subnet_id is not None and all(address.subnet_id != wish.subnet_id for address in view.addresses):
        raise errors.InvalidInput(f"Subnet {wish.subnet_id} is not the port's", field="subnet_id")
    for address in view.addresses:
        await _unused(transaction, router, address.subnet_id)
    await routers.remove_leg(transaction, leg, view.port)
    await rows.revise(transaction, tables.routers, router.id)
    return _told(router, view)


async def _leg(transaction: Transaction, router: model.Router, wish: wire.InterfaceWish) -> model.Leg:
    if wish.port_id is not None:
        leg = await store.leg_of_port(transaction, wish.port_id)
        if leg is None or leg.router_id != router.id or leg.is_gateway:
            raise errors.RouterInterfaceNotFound(router.id, wish.port_id)
        return leg
    if wish.subnet_id is None:
        raise errors.InvalidInput("Either subnet_id or port_id must be specified", field="subnet_id")
    for leg, _ in await store.legs_on_subnet(transaction, wish.subnet_id):
        if leg.router_id == router.id:
            return leg
    raise errors.RouterInterfaceNotFoundForSubnet(router.id, wish.subnet_id)


async def _unused(transaction: Transaction, router: model.Router, subnet_id: str) -> None:
    """Floating IPs and routes of the router may need its leg."""
    floating = await store.floating_of(transaction, tables.floating.c.router_id == router.id)
    targets = await ports_store.addresses_in(transaction, subnet_id)
    forwarded = await forwarding_store.any_into(transaction, router.id, subnet_id)
    if forwarded or any((row.port_id, row.fixed_ip_address) in targets for row in floating):
        raise errors.RouterInterfaceInUseByFloatingIP(router.id, subnet_id)
    subnet = await rows.get(transaction, tables.subnets, model.Subnet, subnet_id)
    if subnet and any(
        ipaddress.ip_address(route.nexthop) in ipaddress.ip_network(subnet.cidr) for route in router.routes
    ):
        raise errors.RouterInterfaceInUseByRoute(router.id, subnet_id)
