"""Subnets: ranges of addresses with a gateway, name servers and routes; and the name service that the first one brings."""

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
from boxship.services.network.operations import (
    access,
    allocation,
    checks,
    names,
    networks,
    sharing,
    subnetpools,
    wiring,
)
from boxship.services.network.schemas import networks as wire
from boxship.services.network.schemas.fields import given
from boxship.services.network.store import addresses, rows, tables
from boxship.services.network.store import networks as store
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import routers as routers_store


async def create_subnet(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.SubnetCreate
) -> model.Subnet:
    """A new subnet. NetworkNotFound, InvalidInput and the errors of pools, OverQuota."""
    network = await networks.seen(transaction, caller, wish.network_id)
    access.own(caller, network.project_id, "create_subnet")
    project_id = access.owner(caller, wish, "create_subnet") if wish.owner else network.project_id
    await allocation.lock(transaction, network.id)
    subnet = read(await subnetpools.cut(transaction, caller, wish, project_id), project_id)
    await _apart(transaction, subnet)
    _roomy(network, subnet)
    await access.quota(transaction, settings, "subnet", project_id)
    return await insert(transaction, network, subnet)


async def insert(transaction: Transaction, network: model.Network, subnet: model.Subnet) -> model.Subnet:
    """The rows of a subnet, its free addresses, and an address for the network's name service."""
    await rows.insert(transaction, tables.subnets, subnet)
    await addresses.add_free(transaction, subnet.id, checks.free_ranges(subnet.allocation_pools, ()))
    if subnet.enable_dhcp and not network.external:
        await names.join(transaction, network, subnet)
    await _follow(transaction, network.id)
    return subnet


def read(wish: wire.SubnetCreate, project_id: str) -> model.Subnet:
    """A subnet as it is stored, checked in itself."""
    if wish.cidr is None:
        raise errors.InvalidInput("A subnet has a cidr, or is cut from a subnet pool.", field="cidr")
    cidr = checks.subnet_cidr(wish.cidr, wish.version)
    _modes(wish, cidr)
    gateway = _gateway(wish, cidr)
    if isinstance(wish.allocation_pools, UnsetType):
        found = checks.default_pools(cidr, gateway)
    else:
        found = checks.pools(wish.allocation_pools, cidr, gateway)
    now = clock.now()
    return model.Subnet(
        id=new_id(),
        project_id=project_id,
        network_id=wish.network_id,
        ip_version=wish.version,
        cidr=str(cidr),
        created_at=now,
        updated_at=now,
        revision_number=0,
        name=wish.name,
        description=wish.description,
        gateway_ip=None if gateway is None else str(gateway),
        enable_dhcp=wish.enable_dhcp,
        ipv6_ra_mode=wish.ipv6_ra_mode,
        ipv6_address_mode=wish.ipv6_address_mode,
        allocation_pools=found,
        dns_nameservers=checks.nameservers(wish.dns_nameservers, wish.version),
        host_routes=checks.host_routes(wish.host_routes, wish.version, "host_routes"),
        service_types=wish.service_types,
        tags=wish.tags,
        cursor=_before(found, cidr),
        subnetpool_id=wish.subnetpool_id,
    )


def _before(pools: Sequence[model.Pool], cidr: model.Range) -> str:
    """The key before the first address to be given out, so that the search begins at it."""
    first = min((addresses.key(pool.start) for pool in pools), default="")
    return addresses.moved(first, -1) if first else cidr.network_address.packed.hex()


def _gateway(wish: wire.SubnetCreate, cidr: model.Range) -> model.Ip | None:
    """As asked, or the first usable address; of a range of one there is none."""
    if isinstance(wish.gateway_ip, str):
        return checks.gateway(wish.gateway_ip, cidr)
    if wish.gateway_ip is None or cidr.num_addresses == 1:
        return None
    return type(cidr.network_address)(checks.usable(cidr)[0])


def _modes(wish: wire.SubnetCreate, cidr: model.Range) -> None:
    """The IPv6 modes: only for IPv6, equal where both are said, and EUI-64 only in a /64."""
    modes = {"ipv6_ra_mode": wish.ipv6_ra_mode, "ipv6_address_mode": wish.ipv6_address_mode}
    for field, mode in modes.items():
        if mode is None:
            continue
        if cidr.version == 4:
            raise errors.InvalidInput(f"{field} is not valid when ip_version is 4", field=field)
        if not wish.enable_dhcp:
            raise errors.InvalidInput(f"{field} cannot be set when enable_dhcp is False", field=field)
        if mode != "dhcpv6-stateful" and cidr.prefixlen != 64:
            raise errors.InvalidInput(f"Invalid CIDR {cidr} for IPv6 address mode: it must be a /64", field="cidr")
    if None not in modes.values() and len(set(modes.values())) > 1:
        raise errors.InvalidInput(
            f"ipv6_ra_mode set to '{wish.ipv6_ra_mode}' with ipv6_address_mode set to '{wish.ipv6_address_mode}' "
            "is not valid: both must be the same",
            field="ipv6_ra_mode",
        )


def _roomy(network: model.Network, subnet: model.Subnet) -> None:
    if subnet.ip_version == 6 and network.mtu < networks.LEAST_MTU_V6:
        raise errors.NetworkMTUSubnetConflict(network.mtu)


async def _apart(transaction: Transaction, subnet: model.Subnet) -> None:
    """The range overlaps with no other of the network (InvalidInput), and all are from one pool, or from none
    (NetworkSubnetPoolAffinityError)."""
    cidr = ipaddress.ip_network(subnet.cidr)
    for other in (await store.subnets_of(transaction, [subnet.network_id])).get(subnet.network_id, []):
        if other.ip_version != subnet.ip_version:
            continue
        if other.subnetpool_id != subnet.subnetpool_id:
            raise errors.NetworkSubnetPoolAffinityError
        if cidr.overlaps(ipaddress.ip_network(other.cidr)):
            raise errors.InvalidInput(
                f"Requested subnet with cidr: {cidr} for network: {subnet.network_id} overlaps with another subnet",
                field="cidr",
            )


async def list_subnets(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.Subnet], listing.Page]:
    """The subnets that the caller sees; ``shared=`` is about their networks."""
    conditions = [] if caller.is_admin else [store.subnet_visible(caller.project_id)]
    if query.one("shared") is not None:
        conditions.append(store.subnet_shared_with(caller.project_id, wanted=query.flag("shared")))
    source = (tables.subnets, model.Subnet, store.SUBNET_COLUMNS)
    return await access.listed(transaction, query, source, conditions, frozenset(("shared",)))


async def get_subnet(transaction: Transaction, caller: Caller, id: str) -> model.Subnet:
    """One subnet. SubnetNotFound."""
    subnet = await rows.get(transaction, tables.subnets, model.Subnet, id)
    if subnet is None:
        raise errors.SubnetNotFound(id)
    if not await sharing.may_use(transaction, caller, subnet.project_id, subnet.network_id):
        raise errors.SubnetNotFound(id)
    return subnet


async def update_subnet(transaction: Transaction, caller: Caller, id: str, wish: wire.SubnetUpdate) -> model.Subnet:
    """Change a subnet. GatewayIpInUse: a router has the present gateway; and the errors of making one."""
    subnet = await get_subnet(transaction, caller, id)
    access.own(caller, subnet.project_id, "update_subnet")
    await allocation.lock(transaction, subnet.network_id)
    changed = _changed(subnet, wish)
    if changed.gateway_ip != subnet.gateway_ip:
        await _gateway_free(transaction, subnet)
    await rows.change(transaction, tables.subnets, id, **rows.differing(subnet, changed))
    if changed.allocation_pools != subnet.allocation_pools:
        taken = await addresses.keys(transaction, id)
        await addresses.set_free(transaction, id, checks.free_ranges(changed.allocation_pools, taken))
    await _turn_names(transaction, subnet, changed)
    await _rewire(transaction, id)
    await _follow(transaction, subnet.network_id)
    return changed


def _changed(subnet: model.Subnet, wish: wire.SubnetUpdate) -> model.Subnet:
    cidr = ipaddress.ip_network(subnet.cidr)
    values = given(wish)
    if isinstance(wish.gateway_ip, str):
        values["gateway_ip"] = str(checks.gateway(wish.gateway_ip, cidr))
    text = values.get("gateway_ip", subnet.gateway_ip)
    gateway = checks.address(str(text), "gateway_ip") if text is not None else None
    asked = subnet.allocation_pools if isinstance(wish.allocation_pools, UnsetType) else wish.allocation_pools
    values["allocation_pools"] = checks.pools(asked, cidr, gateway)
    if not isinstance(wish.dns_nameservers, UnsetType):
        values["dns_nameservers"] = checks.nameservers(wish.dns_nameservers, subnet.ip_version)
    if not isinstance(wish.host_routes, UnsetType):
        values["host_routes"] = checks.host_routes(wish.host_routes, subnet.ip_version, "host_routes")
    return msgspec.structs.replace(subnet, **values, updated_at=clock.now(), revision_number=subnet.revision_number + 1)


async def _gateway_free(transaction: Transaction, subnet: model.Subnet) -> None:
    for leg, ip in await routers_store.legs_on_subnet(transaction, subnet.id):
        if ip == subnet.gateway_ip:
            raise errors.GatewayIpInUse(ip, leg.port_id)


async def _turn_names(transaction: Transaction, before: model.Subnet, after: model.Subnet) -> None:
    """The name service has an address in subnets with DHCP only."""
    if after.enable_dhcp == before.enable_dhcp:
        return
    network = await networks.of(transaction, after.network_id)
    if after.enable_dhcp and not network.external:
        await names.join(transaction, network, after)
    elif not after.enable_dhcp:
        await names.leave(transaction, after)


async def _rewire(transaction: Transaction, subnet_id: str) -> None:
    """Ports with an address of the subnet have its gateway and routes."""
    ports = tables.ports
    found = await rows.find(
        transaction, ports, model.Port, ports.c.sandbox != "", ports_store.having_address(subnet_id=subnet_id)
    )
    await wiring.rewire(transaction, found)


async def _follow(transaction: Transaction, network_id: str) -> None:
    """The network (an external one has the gateways), its names and its routers are told of changed subnets."""
    await rows.revise(transaction, tables.networks, network_id)
    await rows.wish(transaction, tables.networks, [network_id], model.Kind.NETWORK)
    await rows.wish(transaction, tables.names, [network_id], model.Kind.NAMES)
    routers = await routers_store.routers_on_network(transaction, network_id)
    await rows.wish(transaction, tables.routers, routers, model.Kind.ROUTER)


async def delete_subnet(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a subnet. SubnetInUse: a port has an address of it (the name service's does not count, nor addresses that
    follow from the MAC, but for those of routers)."""
    subnet = await get_subnet(transaction, caller, id)
    access.own(caller, subnet.project_id, "delete_subnet")
    owner = tables.ports.c.device_owner
    counts = owner.in_(_ROUTERS) if subnet.is_slaac else owner != model.Owner.DHCP
    if await rows.exists(transaction, tables.ports, ports_store.having_address(subnet_id=id), counts):
        raise errors.SubnetInUse(id)
    if subnet.is_slaac:
        await _take_addresses(transaction, subnet)
    await drop(transaction, subnet)
    await _follow(transaction, subnet.network_id)


_ROUTERS = (model.Owner.INTERFACE, model.Owner.GATEWAY)


async def _take_addresses(transaction: Transaction, subnet: model.Subnet) -> None:
    """Ports lose what they have of the subnet, and those in use are wired anew."""
    await allocation.lock(transaction, subnet.network_id)
    ports = tables.ports
    holding = ports_store.having_address(subnet_id=subnet.id)
    found = await rows.find(transaction, ports, model.Port, holding, ports.c.device_owner != model.Owner.DHCP)
    had = await addresses.of_ports(transaction, [port.id for port in found])
    await addresses.delete(
        transaction, [address for entries in had.values() for address in entries if address.subnet_id == subnet.id]
    )
    await wiring.rewire(transaction, found)


async def drop(transaction: Transaction, subnet: model.Subnet) -> None:
    """Remove the rows of a subnet that nobody but the name service uses."""
    await allocation.lock(transaction, subnet.network_id)
    await names.leave(transaction, subnet)
    await addresses.set_free(transaction, subnet.id, ())
    await rows.delete(transaction, tables.subnets, subnet.id)


async def nameservers_of(transaction: Transaction, network_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What containers on each network are to ask for names: its name service, or else what its subnets say."""
    served = await names.addresses_of(transaction, network_ids)
    found = await store.subnets_of(transaction, network_ids)
    return {
        id: served.get(id) or tuple(dict.fromkeys(ip for subnet in found.get(id, []) for ip in subnet.dns_nameservers))
        for id in network_ids
    }
