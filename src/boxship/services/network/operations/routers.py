"""Routers: create, change, delete; their gateway and their routes. Legs in tenant networks are ``interfaces``'s."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import msgspec
from msgspec import UnsetType

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.network import errors, model
from boxship.services.network.operations import access, checks, groups, networks, wiring, zones
from boxship.services.network.schemas import routers as wire
from boxship.services.network.schemas.fields import given, known
from boxship.services.network.schemas.ports import FixedIpWish
from boxship.services.network.store import addresses, removals, rows, tables
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import routers as store


async def create_router(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.RouterCreate
) -> model.RouterView:
    """A new router, with its gateway if one is asked for. OverQuota, AvailabilityZoneNotFound, and what its gateway raises."""
    project_id = access.owner(caller, wish, "create_router")
    hints = await zones.hinted(transaction, settings, wish.availability_zone_hints)
    await access.quota(transaction, settings, "router", project_id)
    await groups.ensure_default(transaction, project_id)
    now = clock.now()
    router = model.Router(
        id=new_id(),
        project_id=project_id,
        created_at=now,
        updated_at=now,
        revision_number=1,
        name=wish.name,
        description=wish.description,
        admin_state_up=wish.admin_state_up,
        gateway_network_id=None,
        enable_snat=True,
        routes=(),
        tags=wish.tags,
        generation=1,
        observed=0,
        status=model.Status.ACTIVE,
        reason=None,
        zone_hints=hints,
    )
    await rows.insert(transaction, tables.routers, router)
    if wish.external_gateway_info is not None:
        router = await _regate(transaction, caller, router, wish.external_gateway_info, "create_router")
    transaction.wake(model.Kind.ROUTER, router.id)
    return (await store.views(transaction, [router]))[0]


async def list_routers(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.RouterView], listing.Page]:
    """The routers that the caller sees."""
    conditions = [] if caller.is_admin else [tables.routers.c.project_id == caller.project_id]
    source = (tables.routers, model.Router, store.ROUTER_COLUMNS)
    found, page = await access.listed(transaction, query, source, conditions)
    return await store.views(transaction, found), page


async def seen(transaction: Transaction, caller: Caller, id: str) -> model.Router:
    """The row of a router that the caller sees. RouterNotFound."""
    router = await rows.get(transaction, tables.routers, model.Router, id)
    if router is None or not caller.sees(router.project_id):
        raise errors.RouterNotFound(id)
    return router


async def get_router(transaction: Transaction, caller: Caller, id: str) -> model.RouterView:
    """One router. RouterNotFound."""
    return (await store.views(transaction, [await seen(transaction, caller, id)]))[0]


async def update_router(transaction: Transaction, caller: Caller, id: str, wish: wire.RouterUpdate) -> model.RouterView:
    """Change a router. InvalidRoutes, RouterExternalGatewayInUseByFloatingIp, and what its gateway raises."""
    router = await seen(transaction, caller, id)
    if not isinstance(wish.external_gateway_info, UnsetType):
        info = wish.external_gateway_info or wire.GatewayWish()
        router = await _regate(transaction, caller, router, info, "update_router")
    values = given(wish)
    values.pop("external_gateway_info", None)
    if "routes" in values:
        values["routes"] = await _routes(transaction, router, known(wish.routes) or ())
    return await _save(transaction, router, values)


async def change_routes(
    transaction: Transaction, caller: Caller, id: str, routes: Sequence[model.HostRoute], *, add: bool
) -> model.RouterView:
    """Add routes to a router, or take them from it; what is there, or gone, already is no error."""
    router = await seen(transaction, caller, id)
    asked = checks.host_routes(routes, None, "routes")
    if add:
        wanted = (*router.routes, *(route for route in asked if route not in router.routes))
    else:
        wanted = tuple(route for route in router.routes if route not in asked)
    return await _save(transaction, router, {"routes": await _routes(transaction, router, wanted)})


async def _save(transaction: Transaction, router: model.Router, values: dict[str, object]) -> model.RouterView:
    changed = msgspec.structs.replace(
        router, **values, updated_at=clock.now(), revision_number=router.revision_number + 1
    )
    await rows.change(transaction, tables.routers, router.id, **rows.differing(router, changed))
    await rows.wish(transaction, tables.routers, [router.id], model.Kind.ROUTER)
    return (await store.views(transaction, [changed]))[0]


async def _routes(
    transaction: Transaction, router: model.Router, asked: Sequence[model.HostRoute]
) -> tuple[model.HostRoute, ...]:
    """Routes whose next hops are in the router's networks and are not the router itself. InvalidRoutes."""
    found = checks.host_routes(asked, None, "routes")
    if not found:
        return ()
    reach, own = await _reach(transaction, router)
    for route in found:
        if not any(ipaddress.ip_address(route.nexthop) in cidr for cidr in reach):
            raise errors.InvalidRoutes(route.destination, route.nexthop, "the nexthop is not connected with router")
        if route.nexthop in own:
            raise errors.InvalidRoutes(route.destination, route.nexthop, "the nexthop is used by router")
    return found


async def _reach(
    transaction: Transaction, router: model.Router
) -> tuple[list[ipaddress.IPv4Network | ipaddress.IPv6Network], set[str]]:
    """The ranges that the router is in, and its own addresses."""
    legs = await store.legs_of(transaction, [router.id])
    had = [
        address
        for found in (await addresses.of_ports(transaction, [leg.port_id for leg, _ in legs])).values()
        for address in found
    ]
    subnets = await rows.find(
        transaction, tables.subnets, model.Subnet, tables.subnets.c.id.in_({address.subnet_id for address in had})
    )
    return [ipaddress.ip_network(subnet.cidr) for subnet in subnets], {address.ip for address in had}


async def _regate(
    transaction: Transaction, caller: Caller, router: model.Router, info: wire.GatewayWish, rule: str
) -> model.Router:
    """Lead a router to another external network, to the same with other settings, or to none; the row as it then is."""
    network_id = known(info.network_id)
    fixed = known(info.external_fixed_ips)
    access.privileged(caller, f"{rule}:external_gateway_info:enable_snat", wanted=info.enable_snat is False)
    access.privileged(caller, f"{rule}:external_gateway_info:external_fixed_ips", wanted=bool(fixed))
    if network_id != router.gateway_network_id or fixed:
        await _ungate(transaction, router, keep=network_id)
        if network_id is not None:
            await _gate(transaction, caller, router, network_id, fixed)
    snat = known(info.enable_snat)
    changed = msgspec.structs.replace(router, gateway_network_id=network_id, enable_snat=True if snat is None else snat)
    await rows.change(transaction, tables.routers, router.id, **rows.differing(router, changed))
    return changed


async def _gate(
    transaction: Transaction, caller: Caller, router: model.Router, network_id: str, fixed: Sequence[FixedIpWish] | None
) -> None:
    """Make the port by which a router leaves; it belongs to no project, so that tenants do not meet it."""
    network = await networks.seen(transaction, caller, network_id)
    if not network.external:
        raise errors.InvalidInput(f"Network {network_id} is not an external network", field="external_gateway_info")
    if not (await networks_store.subnet_ids(transaction, [network_id])).get(network_id):
        raise errors.InvalidInput(f"Network {network_id} has no subnet", field="external_gateway_info")
    draft = wiring.Draft(
        network=network,
        project_id="",
        device_id=router.id,
        device_owner=model.Owner.GATEWAY,
        preserved=False,
        status=model.Status.ACTIVE,
    )
    made = await wiring.make(transaction, draft, fixed)
    await rows.insert(transaction, tables.legs, model.Leg(made.port.id, router.id, is_gateway=True))


async def _ungate(transaction: Transaction, router: model.Router, keep: str | None) -> None:
    """Remove the gateway port. RouterExternalGatewayInUseByFloatingIp: floating IPs need the network that goes."""
    if router.gateway_network_id is None:
        return
    floating = tables.floating
    needed = await rows.exists(
        transaction,
        floating,
        floating.c.router_id == router.id,
        floating.c.floating_network_id == router.gateway_network_id,
    )
    if needed and keep != router.gateway_network_id:
        raise errors.RouterExternalGatewayInUseByFloatingIp(router.id, router.gateway_network_id)
    for leg, port in await store.legs_of(transaction, [router.id]):
        if leg.is_gateway:
            await remove_leg(transaction, leg, port)


async def remove_leg(transaction: Transaction, leg: model.Leg, port: model.Port) -> None:
    """Take a leg from its router and delete its port; the network waits until the router has let go."""
    await store.delete_leg(transaction, leg.port_id)
    await wiring.drop(transaction, port)
    await removals.add(transaction, model.Removal(removals.LEG, leg.port_id, port.network_id, leg.router_id, port.host))
    await rows.wish(transaction, tables.routers, [leg.router_id], model.Kind.ROUTER)


async def delete_router(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a router and its gateway. RouterInUse: it still has legs in networks."""
    router = await seen(transaction, caller, id)
    legs = await store.legs_of(transaction, [id])
    if any(not leg.is_gateway for leg, _ in legs):
        raise errors.RouterInUse(id)
    await _ungate(transaction, router, keep=None)
    await rows.delete(transaction, tables.routers, id)
    await removals.add(transaction, model.Removal(model.Kind.ROUTER, id, "", "", router.host))
