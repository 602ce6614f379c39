"""Networks: create, change, delete; and finding what a caller may see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.network import errors, model
from boxship.services.network.operations import access, checks, groups, sharing, zones
from boxship.services.network.schemas import networks as wire
from boxship.services.network.schemas.fields import given
from boxship.services.network.store import networks as store
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import rbac as rbac_store
from boxship.services.network.store import removals, rows, tables
from boxship.services.network.store import routers as routers_store

DEFAULT_MTU = 1500
LEAST_MTU_V6 = 1280
"""What IPv6 needs (RFC 8200, section 5)."""
TUNNELLED_MTU = 1450
"""What is left of that for tenants where it travels between hosts: VXLAN over IPv4 takes 50 bytes (RFC 7348)."""
_OF_ADMIN = {
    "shared": "shared",
    "external": "router:external",
    "is_default": "is_default",
    "network_type": "provider:network_type",
    "segmentation_id": "provider:segmentation_id",
}


async def create_network(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.NetworkCreate
) -> model.NetworkView:
    """A new network. PolicyNotAuthorized, OverQuota, AvailabilityZoneNotFound, NoNetworkAvailable."""
    project_id = access.owner(caller, wish, "create_network")
    _may_set(caller, given(wish), "create_network")
    domain = checks.dns_domain(wish.dns_domain)
    hints = await zones.hinted(transaction, settings, wish.availability_zone_hints)
    wish = msgspec.structs.replace(wish, availability_zone_hints=hints)
    if not wish.external and wish.frame is None and settings.shared:
        wish = msgspec.structs.replace(wish, mtu=TUNNELLED_MTU)
    await access.quota(transaction, settings, "network", project_id)
    await groups.ensure_default(transaction, project_id)
    return model.NetworkView(await insert(transaction, project_id, wish, domain), ())


async def insert(
    transaction: Transaction, project_id: str, wish: wire.NetworkCreate, domain: str = ""
) -> model.Network:
    """The row of a network, with a segment of its own. NoNetworkAvailable: there is none left."""
    id, now = new_id(), clock.now()
    segment = await _segment(transaction, id, wish)
    network = model.Network(
        id=id,
        project_id=project_id,
        segment=segment,
        created_at=now,
        updated_at=now,
        revision_number=1,
        name=wish.name,
        description=wish.description,
        admin_state_up=wish.admin_state_up,
        shared=wish.shared,
        external=wish.external,
        is_default=wish.is_default,
        mtu=wish.frame or DEFAULT_MTU,
        port_security_enabled=wish.port_security_enabled,
        dns_domain=domain,
        tags=wish.tags,
        generation=1,
        observed=0,
        status=model.Status.ACTIVE,
        reason=None,
        zone_hints=wish.availability_zone_hints,
    )
    await rows.insert(transaction, tables.networks, network)
    await sharing.follow_network(transaction, None, network)
    transaction.wake(model.Kind.NETWORK, id)
    return network


async def _segment(transaction: Transaction, id: str, wish: wire.NetworkCreate) -> int:
    """The segment that an operator chose, or the next one. InvalidInput: a network of this kind is of another type, and external
    ones have no segment to choose."""
    kind = wire.network_type(external=wish.external)
    if wish.network_type not in {None, kind}:
        which = "an external network" if wish.external else "a network that is not external"
        raise errors.InvalidInput(f"{which} is of the type {kind}", field="provider:network_type")
    if wish.segment is None:
        found = await store.take_segment(transaction, id)
        if found is None:
            raise errors.NoNetworkAvailable
        return found
    if wish.external:
        raise errors.InvalidInput("an external network has none", field="provider:segmentation_id")
    if not await store.reserve_segment(transaction, id, wish.segment):
        raise errors.SegmentInUse(wish.segment)
    return wish.segment


def _may_set(caller: Caller, values: Mapping[str, object], rule: str) -> None:
    for name, attribute in _OF_ADMIN.items():
        access.privileged(caller, f"{rule}:{attribute}", wanted=bool(values.get(name)))


async def of(transaction: Transaction, id: str) -> model.Network:
    """The network of a row that names it, whoever asks."""
    network = await rows.get(transaction, tables.networks, model.Network, id)
    if network is None:
        raise errors.NetworkNotFound(id)
    return network


async def seen(transaction: Transaction, caller: Caller, id: str) -> model.Network:
    """The network as it is for the caller: its own, shared with it or external for it. NetworkNotFound: none of these."""
    network = await sharing.network_as_seen(transaction, caller, await of(transaction, id))
    if network is None:
        raise errors.NetworkNotFound(id)
    return network


async def views(transaction: Transaction, caller: Caller, found: Sequence[model.Network]) -> list[model.NetworkView]:
    """The networks with the subnets that the caller sees: an external network shows its own to admins only."""
    ids = await store.subnet_ids(transaction, [network.id for network in found])
    return [
        model.NetworkView(network, ids.get(network.id, ()) if _subnets_seen(caller, network) else ())
        for network in await sharing.networks_as_seen(transaction, caller, found)
    ]


def _subnets_seen(caller: Caller, network: model.Network) -> bool:
    return caller.sees(network.project_id) or network.shared


async def list_networks(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.NetworkView], listing.Page]:
    """The networks that the caller sees."""
    conditions = [] if caller.is_admin else [store.visible(caller.project_id)]
    source = (tables.networks, model.Network, store.NETWORK_COLUMNS)
    found, page = await access.listed(transaction, query, source, conditions)
    return await views(transaction, caller, found), page


async def get_network(transaction: Transaction, caller: Caller, id: str) -> model.NetworkView:
    """One network. NetworkNotFound."""
    return (await views(transaction, caller, [await seen(transaction, caller, id)]))[0]


async def update_network(
    transaction: Transaction, caller: Caller, id: str, wish: wire.NetworkUpdate
) -> model.NetworkView:
    """Change a network. PolicyNotAuthorized, NetworkInUse, NetworkMTUSubnetConflict: too small for its IPv6 subnets."""
    network = await seen(transaction, caller, id)
    access.own(caller, network.project_id, "update_network")
    values = given(wish)
    _may_set(caller, values, "update_network")
    if wish.frame is not None:
        values["mtu"] = wish.frame
    if isinstance(wish.dns_domain, str):
        values["dns_domain"] = checks.dns_domain(wish.dns_domain)
    changed = msgspec.structs.replace(
        network, **values, updated_at=clock.now(), revision_number=network.revision_number + 1
    )
    await may_turn(transaction, network, changed)
    await _roomy(transaction, network, changed)
    await rows.change(transaction, tables.networks, id, **rows.differing(network, changed))
    await sharing.follow_network(transaction, network, changed)
    await rows.wish(transaction, tables.networks, [id], model.Kind.NETWORK)
    if changed.mtu != network.mtu:
        await rows.wish(transaction, tables.ports, await _wired(transaction, id), model.Kind.PORT)
        await rows.wish(
            transaction, tables.routers, await routers_store.routers_on_network(transaction, id), model.Kind.ROUTER
        )
    if (changed.mtu, changed.dns_domain) != (network.mtu, network.dns_domain):
        await rows.wish(transaction, tables.names, [id], model.Kind.NAMES)
    return (await views(transaction, caller, [changed]))[0]


async def _roomy(transaction: Transaction, before: model.Network, network: model.Network) -> None:
    if before.mtu > network.mtu and network.mtu < LEAST_MTU_V6:
        subnets = (await store.subnets_of(transaction, [network.id])).get(network.id, [])
        if any(subnet.ip_version == 6 for subnet in subnets):
            raise errors.NetworkMTUSubnetConflict(network.mtu)


async def _wired(transaction: Transaction, id: str) -> list[str]:
    return [port.id for port in await ports_store.in_network(transaction, id) if port.sandbox]


async def may_turn(transaction: Transaction, network: model.Network, changed: model.Network) -> None:
    """What others rely on does not change under them: being external, being shared. NetworkInUse."""
    if network.external and not changed.external and await _ports_but_names(transaction, network.id):
        raise errors.NetworkInUse(network.id, "Routers or floating IPs use it as their external network.")
    if network.shared and not changed.shared:
        policies = await rbac_store.of_object(transaction, network.id)
        gone = [row for row in policies if (row.action, row.target) == (model.Access.SHARED, sharing.EVERYBODY)]
        if await sharing.bereft(transaction, network.project_id, gone):
            raise errors.NetworkInUse(network.id, "Other projects have ports on it.")


async def _ports_but_names(transaction: Transaction, id: str) -> list[model.Port]:
    return await ports_store.in_network(transaction, id, owners=[model.Owner.DHCP])


async def delete_network(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a network with its subnets, its name service and the floating IPs that lead nowhere. NetworkInUse: there are other
    ports on it."""
    from boxship.services.network.operations import floating, subnets

    network = await seen(transaction, caller, id)
    access.own(caller, network.project_id, "delete_network")
    idle = await floating.idle(transaction, id) if network.external else []
    kept = {row.floating_port_id for row in idle}
    if any(port.id not in kept for port in await _ports_but_names(transaction, id)):
        raise errors.NetworkInUse(id)
    for row in idle:
        await floating.drop(transaction, row)
    for subnet in (await store.subnets_of(transaction, [id])).get(id, []):
        await subnets.drop(transaction, subnet)
    await rbac_store.drop(transaction, id)
    await rows.delete(transaction, tables.networks, id)
    await removals.add(transaction, model.Removal(model.Kind.NETWORK, id, "", ""))
