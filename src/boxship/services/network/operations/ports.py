"""Ports as callers ask for them: who may, with which values; the rows are ``wiring``'s."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import clock
from boxship.core import errors as core
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.network import errors, model
from boxship.services.network.operations import access, checks, forwarding_ends, groups, networks, plugs, wiring
from boxship.services.network.schemas import ports as wire
from boxship.services.network.schemas.fields import given, known
from boxship.services.network.store import ports as store
from boxship.services.network.store import routers as routers_store
from boxship.services.network.store import rows, tables

_SPECIAL = frozenset(("fixed_ips", "security_groups", "ip_address", "subnet_id"))


async def create_port(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.PortCreate, *, preserved: bool = True
) -> model.PortView:
    """A new port. NetworkNotFound, PolicyNotAuthorized, OverQuota, SecurityGroupNotFound and what ``wiring.make`` raises."""
    network = await networks.seen(transaction, caller, wish.network_id)
    project_id = access.owner(caller, wish, "create_port")
    _may_join(caller, network, "create_port")
    _may_set(caller, network, given(wish), "create_port")
    guarded = wish.port_security_enabled
    draft = wiring.Draft(
        network=network,
        project_id=project_id,
        name=wish.name,
        description=wish.description,
        admin_state_up=wish.admin_state_up,
        mac=checks.mac(wish.mac_address) if isinstance(wish.mac_address, str) else None,
        device_id=wish.device_id,
        device_owner=wish.device_owner,
        guarded=guarded if isinstance(guarded, bool) else network.port_security_enabled,
        dns_name=checks.dns_name(wish.dns_name),
        vnic_type=_vnic(wish.vnic_type),
        profile=dict(known(wish.profile) or {}),
        host=known(wish.host) or "",
        dhcp_options=checks.dhcp_options((), wish.extra_dhcp_opts or ()),
        preserved=preserved,
        tags=wish.tags,
    )
    pairs = _pairs(wish.allowed_address_pairs or (), draft.mac)
    chosen = await _groups(transaction, caller, draft, known(wish.security_groups), wish.security_groups is None)
    _fits_guard(guarded=draft.guarded, group_ids=chosen, pairs=pairs)
    await access.quota(transaction, settings, "port", project_id)
    fixed = None if isinstance(wish.fixed_ips, msgspec.UnsetType) else wish.fixed_ips
    made = await wiring.make(transaction, msgspec.structs.replace(draft, groups=chosen, pairs=pairs), fixed)
    if plugs.wanted(made.port):
        await plugs.follow(transaction, made.port, made.port)
        made = await get_port(transaction, caller, made.port.id)
    return await _with_own_mac(transaction, made)


def _may_join(caller: Caller, network: model.Network, rule: str) -> None:
    """PolicyNotAuthorized: on an external network of another project only an admin puts ports."""
    if not caller.sees(network.project_id) and not network.shared:
        raise errors.PolicyNotAuthorized(f"{rule}:network_id")


_OF_NETWORK_OWNER = ("mac_address", "port_security_enabled", "allowed_address_pairs")
"""Attributes by which a port could pose as another; on a shared network they are its owner's to grant."""
_OF_SERVICE = {"host": "binding:host_id", "profile": "binding:profile"}


def _may_set(caller: Caller, network: model.Network, values: Mapping[str, object], rule: str) -> None:
    """PolicyNotAuthorized: the values are more than this caller may ask for on this network."""
    for name, attribute in _OF_SERVICE.items():
        access.privileged(caller, f"{rule}:{attribute}", wanted=bool(values.get(name)))
    owner = str(values.get("device_owner") or "")
    access.privileged(caller, f"{rule}:device_owner", wanted=owner.startswith("network:"))
    # Whoever binds ports to hosts has their devices in hand anyway (as upstream: role service).
    if caller.sees(network.project_id) or caller.may(f"{rule}:binding:host_id"):
        return
    for name in _OF_NETWORK_OWNER:
        if values.get(name) not in (None, ()):
            raise errors.PolicyNotAuthorized(f"{rule}:{name}")
    fixed = values.get("fixed_ips")
    if isinstance(fixed, tuple) and any(wish.ip_address is not None for wish in fixed):
        raise errors.PolicyNotAuthorized(f"{rule}:fixed_ips:ip_address")


def _vnic(kind: str) -> str:
    if kind != "normal":
        raise errors.InvalidInput(f"'{kind}' is not supported; only 'normal' is.", field="binding:vnic_type")
    return kind


def _pairs(asked: Sequence[wire.PairWish], mac: str | None) -> tuple[model.Pair, ...]:
    """Pairs, canonical. DuplicateAddressPairInRequest; InvalidInput."""
    found = []
    for pair in asked:
        text = pair.ip_address
        if "/" in text:
            ip = str(checks.prefix(text, "allowed_address_pairs.ip_address"))
        else:
            ip = str(checks.address(text, "allowed_address_pairs.ip_address"))
        found.append(model.Pair(ip, checks.mac(pair.mac_address) if pair.mac_address else mac or ""))
    for at, entry in enumerate(found):
        if entry in found[:at]:
            raise errors.DuplicateAddressPairInRequest(entry.mac_address, entry.ip_address)
    return tuple(found)


async def _with_own_mac(transaction: Transaction, view: model.PortView) -> model.PortView:
    """A pair without a MAC means the port's own, which may only be known once it is made."""
    port = view.port
    if all(pair.mac_address for pair in port.pairs):
        return view
    pairs = tuple(model.Pair(pair.ip_address, pair.mac_address or port.mac_address) for pair in port.pairs)
    await rows.change(transaction, tables.ports, port.id, pairs=pairs)
    return msgspec.structs.replace(view, port=msgspec.structs.replace(port, pairs=pairs))


async def _groups(
    transaction: Transaction, caller: Caller, draft: wiring.Draft, asked: Sequence[str] | None, none: bool
) -> tuple[str, ...]:
    """The groups asked for; not said: the project's default, if the port is guarded."""
    default = await groups.ensure_default(transaction, draft.project_id)
    if asked is not None:
        return await groups.chosen(transaction, caller, draft.project_id, asked)
    network_port = draft.device_owner.startswith("network:")
    return (default,) if draft.guarded and not none and not network_port else ()


def _fits_guard(*, guarded: bool, group_ids: Sequence[str], pairs: Sequence[model.Pair]) -> None:
    """A port that is not guarded has no groups and needs no pairs."""
    if group_ids and not guarded:
        raise errors.PortSecurityAndIPRequiredForSecurityGroups
    if pairs and not guarded:
        raise errors.AddressPairAndPortSecurityRequired


async def list_ports(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.PortView], listing.Page]:
    """The ports that the caller sees, its own and those on its networks: three queries for any number."""
    conditions = [] if caller.is_admin else [store.visible(caller.project_id)]
    conditions += _special(query)
    source = (tables.ports, model.Port, store.COLUMNS)
    found, page = await access.listed(transaction, query, source, conditions, _SPECIAL)
    return await store.views(transaction, found), page


def _special(query: Query) -> list[sa.ColumnElement[bool]]:
    """``fixed_ips=`` with ``ip_address=A``, ``ip_address_substr=T`` or ``subnet_id=S`` (all must hold), and
    ``security_groups=G`` (one must)."""
    conditions = []
    for value in query.all("fixed_ips"):
        name, _, wanted = value.partition("=")
        if name == "ip_address":
            conditions.append(store.having_address(ip=_canonical(wanted)))
        elif name == "ip_address_substr":
            conditions.append(store.having_address(part=wanted))
        elif name == "subnet_id":
            conditions.append(store.having_address(subnet_id=wanted))
        else:
            raise core.BadRequest(
                f"'{value}' is none of ip_address=..., ip_address_substr=... and subnet_id=...", field="fixed_ips"
            )
    conditions += [store.having_address(ip=_canonical(wanted)) for wanted in query.all("ip_address")]
    conditions += [store.having_address(subnet_id=wanted) for wanted in query.all("subnet_id")]
    wanted_groups = query.all("security_groups")
    return conditions + ([store.in_groups(wanted_groups)] if wanted_groups else [])


def _canonical(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


async def see_port(transaction: Transaction, caller: Caller, id: str) -> model.PortView:
    """One port of the caller, or on its network: who lets others onto a network sees what they put there. PortNotFound."""
    view = await store.view(transaction, id)
    if view is None:
        raise errors.PortNotFound(id)
    if not caller.sees(view.port.project_id):
        owner = await rows.project(transaction, tables.networks, view.port.network_id)
        if not caller.sees(owner):
            raise errors.PortNotFound(id)
    return view


async def get_port(transaction: Transaction, caller: Caller, id: str) -> model.PortView:
    """One port of the caller. PortNotFound."""
    view = await store.view(transaction, id)
    if view is None or not caller.sees(view.port.project_id):
        raise errors.PortNotFound(id)
    return view


async def update_port(transaction: Transaction, caller: Caller, id: str, wish: wire.PortUpdate) -> model.PortView:
    """Change a port. PortNotFound, PolicyNotAuthorized, PortInUse, and what making one raises."""
    view = await get_port(transaction, caller, id)
    network = await networks.of(transaction, view.port.network_id)
    values = given(wish)
    _may_set(caller, network, values | ({"mac_address": ""} if wish.mac_address is None else {}), "update_port")
    changed = await _changed(transaction, view.port, wish, values)
    group_ids = await _regrouped(transaction, caller, view, values)
    _fits_guard(guarded=changed.port_security_enabled, group_ids=group_ids, pairs=changed.pairs)
    await rows.change(transaction, tables.ports, id, **rows.differing(view.port, changed))
    if isinstance(wish.fixed_ips, tuple):
        await wiring.readdress(transaction, view, wish.fixed_ips)
        await forwarding_ends.follow(transaction, id)
    if set(group_ids) != set(view.groups):
        await store.set_groups(transaction, id, group_ids)
    await plugs.follow(transaction, view.port, changed)
    await _follow(transaction, view, changed, group_ids, moved="fixed_ips" in values)
    return await get_port(transaction, caller, id)


async def _changed(
    transaction: Transaction, port: model.Port, wish: wire.PortUpdate, values: dict[str, object]
) -> model.Port:
    """The row with the new values, each checked."""
    for name in ("fixed_ips", "security_groups", "allowed_address_pairs", "extra_dhcp_opts"):
        values = {key: value for key, value in values.items() if key != name}
    if not isinstance(wish.mac_address, msgspec.UnsetType):
        values["mac_address"] = await _new_mac(transaction, port, wish.mac_address)
    if isinstance(wish.dns_name, str):
        values["dns_name"] = checks.dns_name(wish.dns_name)
    if isinstance(wish.vnic_type, str):
        values["vnic_type"] = _vnic(wish.vnic_type)
    if "host" in values:
        values["host"] = values["host"] or ""
    if "profile" in values:
        values["profile"] = values["profile"] or {}
    if not isinstance(wish.allowed_address_pairs, msgspec.UnsetType):
        mac = str(values.get("mac_address", port.mac_address))
        values["pairs"] = _pairs(wish.allowed_address_pairs or (), mac)
    if isinstance(wish.extra_dhcp_opts, tuple):
        values["dhcp_options"] = checks.dhcp_options(port.dhcp_options, wish.extra_dhcp_opts)
    return msgspec.structs.replace(port, **values, updated_at=clock.now(), revision_number=port.revision_number + 1)


async def _new_mac(transaction: Transaction, port: model.Port, text: str | None) -> str:
    """The MAC asked for, or another random one for None. PortInUse: the port is plugged in. MacAddressInUse."""
    mac = None if text is None else checks.mac(text)
    if mac == port.mac_address:
        return mac
    if port.sandbox:
        raise errors.PortInUse(port.id, "Its MAC address cannot change while it is plugged in.")
    return await wiring.free_mac(transaction, port.network_id, mac)


async def _regrouped(
    transaction: Transaction, caller: Caller, view: model.PortView, values: Mapping[str, object]
) -> tuple[str, ...]:
    """The groups that the port is to be in."""
    if "security_groups" not in values:
        return view.groups
    asked = values["security_groups"]
    ids = asked if isinstance(asked, tuple) else ()
    return await groups.chosen(transaction, caller, view.port.project_id, ids)


async def _follow(
    transaction: Transaction, before: model.PortView, changed: model.Port, group_ids: Sequence[str], *, moved: bool
) -> None:
    """Wake what depends on what changed: the cable, groups of which it is a member, names, the router of a leg."""
    await wiring.rewire(transaction, [changed])
    if moved or set(before.groups) != set(group_ids):
        await groups.members_changed(transaction, {*before.groups, *group_ids})
    served = before.port.dns_name or changed.dns_name or before.port.dhcp_options != changed.dhcp_options
    if (served or moved) and changed.sandbox:
        await rows.wish(transaction, tables.names, [changed.network_id], model.Kind.NAMES)
    leg = await routers_store.leg_of_port(transaction, changed.id)
    if leg is not None:
        await rows.wish(transaction, tables.routers, [leg.router_id], model.Kind.ROUTER)
    if changed.device_owner == model.Owner.DHCP:
        await rows.wish(transaction, tables.names, [changed.network_id], model.Kind.NAMES)


async def delete_port(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a port of the caller, or on its network. PortInUse: somebody holds it; ServicePortInUse: it is a router's or a
    network's own."""
    port = (await see_port(transaction, caller, id)).port
    await _deletable(transaction, port)
    await let_go(transaction, port)


async def _deletable(transaction: Transaction, port: model.Port) -> None:
    if await routers_store.leg_of_port(transaction, port.id) is not None:
        raise errors.ServicePortInUse(port.id, f"has device owner {port.device_owner}")
    if await rows.exists(transaction, tables.floating, tables.floating.c.floating_port_id == port.id):
        raise errors.ServicePortInUse(port.id, f"has device owner {port.device_owner}")
    if await rows.exists(transaction, tables.names, tables.names.c.port_id == port.id):
        raise errors.ServicePortInUse(port.id, f"has device owner {port.device_owner}")
    users = await holds.holders(transaction, (model.Kind.PORT, port.id))
    if users:
        kind, holder = users[0]
        raise errors.PortInUse(port.id, f"It is plugged into {kind} {holder}.")


async def let_go(transaction: Transaction, port: model.Port) -> None:
    """Delete a port that nobody needs; floating IPs that led to it lead nowhere."""
    from boxship.services.network.operations import floating

    await floating.disassociate_port(transaction, port.id)
    await forwarding_ends.keep(transaction, port.id, ())
    await wiring.drop(transaction, port)
