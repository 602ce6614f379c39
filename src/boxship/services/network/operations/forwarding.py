"""Port forwardings: single ports of a floating IP that lead to ports of addresses behind one router.

A floating IP either leads to one address as a whole or has forwardings; then its router is that of all of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import msgspec
from msgspec import UnsetType

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.network import errors, model
from boxship.services.network.operations import access, checks, floating, forwarding_ends, ports
from boxship.services.network.schemas import forwarding as wire
from boxship.services.network.schemas.fields import known, whole
from boxship.services.network.store import forwarding as store
from boxship.services.network.store import routers as routers_store
from boxship.services.network.store import rows, tables

PROTOCOLS = ("tcp", "udp", "sctp", "dccp")
"""Protocols with ports that the kernel translates."""

MOST = 500
"""Forwardings of one floating IP."""

WIDEST = 1024
"""Ports of a range that leads to other ports one to one: each is an entry in a map of the kernel."""

Span = tuple[int, int]
"""The first and the last port."""


async def list_forwardings(
    transaction: Transaction, caller: Caller, floatingip_id: str, query: Query
) -> tuple[list[model.Forwarding], listing.Page]:
    """The forwardings of a floating IP. FloatingIPNotFound."""
    await floating.seen(transaction, caller, floatingip_id)
    source = (tables.forwardings, model.Forwarding, store.COLUMNS)
    return await access.listed(transaction, query, source, [tables.forwardings.c.floatingip_id == floatingip_id])


async def get_forwarding(transaction: Transaction, caller: Caller, place: tuple[str, str]) -> model.Forwarding:
    """One forwarding (ids of floating IP and forwarding). FloatingIPNotFound, PortForwardingNotFound."""
    floatingip_id, id = place
    await floating.seen(transaction, caller, floatingip_id)
    row = await rows.get(transaction, tables.forwardings, model.Forwarding, id)
    if row is None or row.floatingip_id != floatingip_id:
        raise errors.PortForwardingNotFound(id)
    return row


async def create_forwarding(
    transaction: Transaction, caller: Caller, floatingip_id: str, wish: wire.ForwardingCreate
) -> model.Forwarding:
    """A new forwarding. FloatingIPNotFound, FloatingIPPortAlreadyAssociated, PortNotFound, and what ``_checked`` raises."""
    owner = await floating.seen(transaction, caller, floatingip_id)
    await forwarding_ends.lock(transaction)
    if await rows.count(transaction, tables.forwardings, tables.forwardings.c.floatingip_id == owner.id) >= MOST:
        raise errors.OverQuota("port_forwarding")
    for field in ("internal_port_id", "protocol"):
        if isinstance(getattr(wish, field), UnsetType):
            raise errors.bad_forwarding(f"{field} is required", field)
    blank = model.Forwarding(
        id=new_id(),
        floatingip_id=owner.id,
        created_at=clock.now(),
        internal_port_id="",
        internal_ip_address="",
        protocol="",
        internal_port=0,
        internal_last=0,
        external_port=0,
        external_last=0,
        description="",
    )
    row = await _checked(transaction, caller, owner, _read(blank, wish))
    await rows.insert(transaction, tables.forwardings, row)
    return row


def _read(row: model.Forwarding, wish: wire.ForwardingWish) -> model.Forwarding:
    """The row with what was wished for; ports are right in themselves. BadRequest."""
    external = _span(
        wish.external_port, wish.external_port_range, "external_port", _said(row.external_port, row.external_last)
    )
    internal = _span(
        wish.internal_port, wish.internal_port_range, "internal_port", _said(row.internal_port, row.internal_last)
    )
    width, inside = external[1] - external[0], internal[1] - internal[0]
    if inside not in {0, width}:
        raise errors.bad_forwarding(
            "Invalid ranges of internal and/or external ports. "
            "The relation between internal and external ports must be N-N or 1-N",
            "internal_port_range",
        )
    if inside and internal[0] != external[0] and inside >= WIDEST:
        raise errors.bad_forwarding(
            f"A range that leads to other ports one to one has at most {WIDEST} ports", "external_port_range"
        )
    moved = wish.internal_port_id if isinstance(wish.internal_port_id, str) else row.internal_port_id
    address = row.internal_ip_address if moved == row.internal_port_id else ""
    return msgspec.structs.replace(
        row,
        internal_port_id=moved,
        internal_ip_address=known(wish.internal_ip_address) or address,
        protocol=_protocol(wish, row),
        internal_port=internal[0],
        internal_last=internal[1],
        external_port=external[0],
        external_last=external[1],
        description=row.description if isinstance(wish.description, UnsetType) else wish.description,
    )


def _said(first: int, last: int) -> Span | None:
    return (first, last) if first else None


def _span(number: int | str | UnsetType | None, text: str | UnsetType | None, field: str, before: Span | None) -> Span:
    """The ports of either spelling; without any those from before. BadRequest."""
    single = whole(None if isinstance(number, UnsetType) else number, field, 1, 65535)
    if isinstance(text, str):
        first, _, last = text.partition(":")
        found = int(first), int(last or first)
        if not 1 <= found[0] <= found[1] <= 65535:
            raise errors.bad_forwarding(f"{text} is not a range of ports from 1 to 65535", f"{field}_range")
        if single is not None and found != (single, single):
            raise errors.bad_forwarding(f"{field} {single} is not the range {text}", field)
        return found
    if single is not None:
        return single, single
    if before is None:
        raise errors.bad_forwarding(f"{field} or {field}_range is required", field)
    return before


def _protocol(wish: wire.ForwardingWish, row: model.Forwarding) -> str:
    if isinstance(wish.protocol, UnsetType):
        return row.protocol
    for name in PROTOCOLS:
        if wish.protocol.lower() in {name, str(model.PROTOCOLS[name])}:
            return name
    raise errors.bad_forwarding(f"{wish.protocol} is none of the protocols {', '.join(PROTOCOLS)}", "protocol")


async def _checked(
    transaction: Transaction, caller: Caller, owner: model.FloatingIP, row: model.Forwarding
) -> model.Forwarding:
    """The row with its address, the floating IP led to its router.

    PortNotFound, PortHasBindingFloatingIP, FloatingIPPortAlreadyAssociated; BadRequest: the port has not got the address,
    no router leads there, another forwarding has the ports.
    """
    view = await ports.get_port(transaction, caller, row.internal_port_id)
    if view.port.project_id != owner.project_id and not caller.is_admin:
        raise errors.PortNotFound(row.internal_port_id)
    if view.port.device_owner.startswith("network:"):
        raise errors.bad_forwarding(f"The port {view.port.id} is a {view.port.device_owner}", "internal_port_id")
    address = _inside(view, row.internal_ip_address)
    row = msgspec.structs.replace(row, internal_ip_address=address.ip)
    if owner.port_id is not None:
        raise errors.FloatingIPPortAlreadyAssociated(
            (owner.floating_ip_address, owner.id), view.port.id, address.ip, owner.floating_network_id
        )
    for bound in await routers_store.floating_of(transaction, tables.floating.c.port_id == view.port.id):
        raise errors.PortHasBindingFloatingIP((bound.floating_ip_address, bound.id), view.port.id, address.ip)
    await _apart(transaction, row)
    await _lead(transaction, owner, row, address)
    return row


def _inside(view: model.PortView, wanted: str) -> model.Address:
    """The IPv4 address of the port that is meant, or its first. BadRequest."""
    had = [address for address in view.addresses if ipaddress.ip_address(address.ip).version == 4]
    if not had:
        raise errors.bad_forwarding(
            f"Requested internal port {view.port.id} must allocate an IPv4 address at least", "internal_port_id"
        )
    if not wanted:
        return had[0]
    text = str(checks.address(wanted, "internal_ip_address", 4))
    for address in had:
        if address.ip == text:
            return address
    raise errors.bad_forwarding(
        f"Requested internal IP address {text} is not suitable for internal neutron port {view.port.id}, as its "
        f"fixed_ips are {', '.join(address.ip for address in had)}",
        "internal_ip_address",
    )


async def _apart(transaction: Transaction, row: model.Forwarding) -> None:
    """Ports outside are one forwarding's, and so are those of an address inside. BadRequest."""
    table = tables.forwardings
    same = (table.c.protocol == row.protocol, table.c.id != row.id)
    outside = await rows.find(transaction, table, model.Forwarding, *same, table.c.floatingip_id == row.floatingip_id)
    _collide((row.external_port, row.external_last), _externals(outside), "external_port")
    to_port = table.c.internal_port_id == row.internal_port_id
    into = await rows.find(
        transaction, table, model.Forwarding, *same, to_port, table.c.internal_ip_address == row.internal_ip_address
    )
    _collide((row.internal_port, row.internal_last), _internals(into), "internal_port")


def _externals(found: Iterable[model.Forwarding]) -> list[Span]:
    return [(other.external_port, other.external_last) for other in found]


def _internals(found: Iterable[model.Forwarding]) -> list[Span]:
    return [(other.internal_port, other.internal_last) for other in found]


def _collide(span: Span, others: Iterable[Span], field: str) -> None:
    for other in others:
        if other[0] <= span[1] and span[0] <= other[1]:
            raise errors.bad_forwarding(
                f"There is a port collision with the {field}_range. The following ranges collide: "
                f"{other[0]}:{other[1]} and {span[0]}:{span[1]}",
                f"{field}_range",
            )


async def _lead(
    transaction: Transaction, owner: model.FloatingIP, row: model.Forwarding, address: model.Address
) -> None:
    """The router of the floating IP is the one that leads to the address. BadRequest: there is none, or it has another one."""
    router_id = await floating.router_between(transaction, owner.floating_network_id, address)
    if router_id is None:
        raise errors.bad_forwarding(
            f"External network {owner.floating_network_id} is not reachable from subnet {address.subnet_id}. Cannot set "
            f"Port forwarding for port {row.internal_port_id} with Floating IP {owner.id}",
            "internal_port_id",
        )
    others = [
        other for other in (await store.of_floating(transaction, [owner.id])).get(owner.id, ()) if other.id != row.id
    ]
    if others and owner.router_id != router_id:
        raise errors.bad_forwarding(
            f"The Floating IP {owner.id} had been set on router {owner.router_id}, the internal Neutron port "
            f"{row.internal_port_id} can not reach it",
            "internal_port_id",
        )
    await rows.change(transaction, tables.floating, owner.id, router_id=router_id)
    affected = [id for id in (owner.router_id, router_id) if id]
    await rows.wish(transaction, tables.routers, affected, model.Kind.ROUTER)


async def update_forwarding(
    transaction: Transaction, caller: Caller, place: tuple[str, str], wish: wire.ForwardingWish
) -> model.Forwarding:
    """Change a forwarding. As ``create_forwarding``, and PortForwardingNotFound."""
    await forwarding_ends.lock(transaction)
    before = await get_forwarding(transaction, caller, place)
    owner = await floating.seen(transaction, caller, place[0])
    after = await _checked(transaction, caller, owner, _read(before, wish))
    await rows.change(transaction, tables.forwardings, before.id, **rows.differing(before, after))
    return after


async def delete_forwarding(transaction: Transaction, caller: Caller, place: tuple[str, str]) -> None:
    """Delete a forwarding; a floating IP without any has no router. FloatingIPNotFound, PortForwardingNotFound."""
    await forwarding_ends.lock(transaction)
    await forwarding_ends.end(transaction, [await get_forwarding(transaction, caller, place)])
