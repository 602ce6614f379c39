"""The door of the network service: what other services may ask of it, within their own transaction.

A container's ports: ``create_port`` or ``find_port``, then ``bind_port`` wires and holds it; ``plugs`` tells when it is;
``delete_port`` or, for a port that a user made, ``unbind_port`` ends it. The holder is woken when a port changes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import sqlalchemy as sa
from msgspec import UNSET

from boxship.config import Settings
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.core.db.holds import Resource
from boxship.services.network import errors, model, plan
from boxship.services.network.operations import groups, networks, ports, subnets
from boxship.services.network.schemas import groups as groups_wire
from boxship.services.network.schemas import networks as networks_wire
from boxship.services.network.schemas import ports as ports_wire
from boxship.services.network.store import networks as networks_store
from boxship.services.network.store import ports as ports_store
from boxship.services.network.store import removals, rows, tables

EXTERNAL = "public"
"""The name of the external network that an installation begins with; DevStack's, so that copied commands work."""


class FixedAddress(msgspec.Struct, frozen=True):
    """An address of a port: ``version`` 4 or 6."""

    ip: str
    subnet_id: str
    version: int


class Plug(msgspec.Struct, frozen=True, kw_only=True):
    """A port as its holder sees it.

    ``active``: wired in its sandbox. ``preserved``: it was there before the holder came, so it is unbound and not
    deleted when the holder goes.
    """

    port_id: str
    network_id: str
    mac: str
    addresses: tuple[FixedAddress, ...]
    active: bool
    reason: str | None
    nameservers: tuple[str, ...]
    domain: str
    mtu: int
    preserved: bool
    security_groups: tuple[str, ...]


class PortWish(msgspec.Struct, frozen=True, kw_only=True):
    """A port to be made. ``fixed_ips`` are addresses; empty: taken from the network's subnets, one of each IP version.
    ``groups`` are ids; None: the default group."""

    network_id: str
    fixed_ips: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    name: str = ""
    dns_name: str = ""


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a port is wired: the host, the sandbox (network namespace) and the interface in it; ``holder`` is who needs it."""

    device_id: str
    device_owner: str
    host: str
    sandbox: str
    interface: str
    holder: Resource


class Described(msgspec.Struct, frozen=True):
    """What another service tells of a device of its own to that device, at the metadata address; empty: it does not say."""

    name: str = ""
    hostname: str = ""
    meta: Mapping[str, str] = {}
    keys: Mapping[str, str] = {}
    """SSH keys, by name."""
    user_data: bytes | None = None


Describe = Callable[[Transaction, str, str], Awaitable[Described | None]]
"""Asked with ``device_owner`` and ``device_id`` of a port; None: it is not this service's."""


async def find_network(transaction: Transaction, caller: Caller, name_or_id: str) -> str:
    """The id of a network that the caller sees. NetworkNotFound; NotUnique where several have the name."""
    seen = () if caller.is_admin else (networks_store.visible(caller.project_id),)
    found = await _find(transaction, tables.networks, name_or_id, *seen)
    if not found:
        raise errors.NetworkNotFound(name_or_id)
    return _only("network", name_or_id, found)


async def find_port(transaction: Transaction, caller: Caller, name_or_id: str) -> str:
    """The id of a port of the caller. PortNotFound; NotUnique where several have the name."""
    found = await _find(transaction, tables.ports, name_or_id, *_own(caller, tables.ports))
    if not found:
        raise errors.PortNotFound(name_or_id)
    return _only("port", name_or_id, found)


async def find_groups(transaction: Transaction, caller: Caller, names_or_ids: Sequence[str]) -> tuple[str, ...]:
    """The ids of security groups of the caller's project, in order. SecurityGroupNotFound; NotUnique."""
    await groups.ensure_default(transaction, caller.project)
    ids = []
    for name_or_id in names_or_ids:
        found = await _find(transaction, tables.groups, name_or_id, tables.groups.c.project_id == caller.project)
        if not found:
            raise errors.SecurityGroupNotFound(name_or_id)
        ids.append(_only("security group", name_or_id, found))
    return tuple(dict.fromkeys(ids))


def _own(caller: Caller, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [] if caller.is_admin else [table.c.project_id == caller.project_id]


async def _find(
    transaction: Transaction, table: sa.Table, name_or_id: str, *conditions: sa.ColumnElement[bool]
) -> list[str]:
    return await rows.called(transaction, table, name_or_id, *conditions) if name_or_id else []


def _only(kind: str, name: str, found: list[str]) -> str:
    if len(found) > 1:
        raise errors.NotUnique(kind, name)
    return found[0]


async def default_network(transaction: Transaction, caller: Caller) -> str:
    """The project's first own network that has a subnet. NoDefaultNetwork: there is none."""
    found = await networks_store.first_with_subnet(transaction, caller.project)
    if found is None:
        raise errors.NoDefaultNetwork
    return found


async def create_port(transaction: Transaction, caller: Caller, settings: Settings, wish: PortWish) -> str:
    """A new port of the caller's project, that goes with its holder; its id. Errors as POST /ports."""
    asked = ports_wire.PortCreate(
        network_id=wish.network_id,
        name=wish.name,
        dns_name=wish.dns_name,
        fixed_ips=tuple(ports_wire.FixedIpWish(ip_address=ip) for ip in wish.fixed_ips) or UNSET,
        security_groups=UNSET if wish.groups is None else wish.groups,
    )
    return (await ports.create_port(transaction, caller, settings, asked, preserved=False)).port.id


async def bind_port(transaction: Transaction, port_id: str, binding: Binding) -> None:
    """Wish the port wired into a sandbox, and hold it. Repeatable with the same binding.

    PortNotFound; PortInUse: bound to another device.
    """
    port = await _port(transaction, port_id)
    elsewhere = port.device_id not in {"", binding.device_id} or port.sandbox == model.HOST_PLUG
    if elsewhere or port.device_owner.startswith("network:"):
        raise errors.PortInUse(port_id, f"It is bound to {port.device_owner or 'device'} {port.device_id}.")
    await holds.hold(transaction, (model.Kind.PORT, port_id), binding.holder)
    wired = {"sandbox": binding.sandbox, "interface": binding.interface}
    if port.sandbox == binding.sandbox and port.interface == binding.interface:
        return
    device = {"device_id": binding.device_id, "device_owner": binding.device_owner, "host": binding.host}
    await _rewire(transaction, port, **device, **wired)


async def _port(transaction: Transaction, port_id: str) -> model.Port:
    port = await rows.get(transaction, tables.ports, model.Port, port_id)
    if port is None:
        raise errors.PortNotFound(port_id)
    return port


async def _rewire(transaction: Transaction, port: model.Port, **wiring: str) -> None:
    """The cable changes: it is down until it is real, and the names that the network's ports have follow."""
    down = {"status": str(model.Status.DOWN), "reason": None, "generation": port.generation + 1}
    await rows.change(transaction, tables.ports, port.id, **wiring, **down)
    transaction.wake(model.Kind.PORT, port.id)
    await rows.wish(transaction, tables.names, [port.network_id], model.Kind.NAMES)


async def unbind_port(transaction: Transaction, port_id: str, holder: Resource) -> None:
    """Let go of a port that stays: its wiring is undone and its device forgotten. Repeatable; a port gone is no error."""
    await holds.release(transaction, (model.Kind.PORT, port_id), holder)
    port = await rows.get(transaction, tables.ports, model.Port, port_id)
    if port is None or not port.sandbox or await holds.holders(transaction, (model.Kind.PORT, port_id)):
        return
    await removals.add(transaction, model.Removal(model.Kind.PORT, port_id, port.network_id, port.sandbox, port.host))
    loose = {"device_id": "", "device_owner": "", "host": "", "sandbox": "", "interface": ""}
    await _rewire(transaction, port, **loose)


async def delete_port(transaction: Transaction, port_id: str, holder: Resource) -> None:
    """Let go of a port and delete it. Repeatable; a port that somebody else holds too stays."""
    await holds.release(transaction, (model.Kind.PORT, port_id), holder)
    port = await rows.get(transaction, tables.ports, model.Port, port_id)
    if port is None or await holds.holders(transaction, (model.Kind.PORT, port_id)):
        return
    await ports.let_go(transaction, port)


async def plugs(transaction: Transaction, port_ids: Sequence[str]) -> list[Plug]:
    """The ports with these ids that are there, in the order asked: six queries for any number."""
    found = await rows.find(transaction, tables.ports, model.Port, tables.ports.c.id.in_(port_ids))
    views = {view.port.id: view for view in await ports_store.views(transaction, found)}
    network_ids = sorted({port.network_id for port in found})
    on = tables.networks
    there = {row.id: row for row in await rows.find(transaction, on, model.Network, on.c.id.in_(network_ids))}
    nameservers = await subnets.nameservers_of(transaction, network_ids)
    return [
        _plug(views[id], there[views[id].port.network_id], nameservers[views[id].port.network_id])
        for id in port_ids
        if id in views
    ]


def _plug(view: model.PortView, network: model.Network, nameservers: tuple[str, ...]) -> Plug:
    port = view.port
    return Plug(
        port_id=port.id,
        network_id=port.network_id,
        mac=port.mac_address,
        addresses=tuple(
            FixedAddress(address.ip, address.subnet_id, ipaddress.ip_address(address.ip).version)
            for address in view.addresses
        ),
        active=bool(port.sandbox) and port.status == model.Status.ACTIVE,
        reason=port.reason,
        nameservers=nameservers,
        domain=plan.domain(network),
        mtu=network.mtu,
        preserved=port.preserved,
        security_groups=view.groups,
    )


async def set_groups(transaction: Transaction, caller: Caller, port_id: str, ids: Sequence[str]) -> None:
    """Replace the security groups (ids) of a port of the caller. PortNotFound, SecurityGroupNotFound."""
    await ports.update_port(transaction, caller, port_id, ports_wire.PortUpdate(security_groups=tuple(ids)))


async def create_open_group(
    transaction: Transaction, caller: Caller, settings: Settings, name: str, ports: Sequence[tuple[str, int]]
) -> str:
    """A new security group that lets anybody in on these pairs of protocol and port; its id. OverQuota."""
    view = await groups.create_group(transaction, caller, settings, groups_wire.GroupCreate(name=name))
    for ethertype in ("IPv4", "IPv6"):
        for protocol, port in ports:
            rule = groups_wire.RuleCreate(
                security_group_id=view.group.id,
                direction="ingress",
                ethertype=ethertype,
                protocol=protocol,
                port_range_min=port,
                port_range_max=port,
            )
            await groups.create_rule(transaction, caller, settings, rule)
    return view.group.id


async def discard_group(transaction: Transaction, group_id: str) -> None:
    """Delete a group that ``create_open_group`` made, unless its owner uses it elsewhere. Repeatable."""
    await groups.discard_group(transaction, group_id)


async def bootstrap(transaction: Transaction, settings: Settings, project_id: str) -> None:
    """The external network ``public`` with the subnet ``settings.external_cidr``, owned by this project; once.

    An operator who deletes it and makes another external one keeps the other.
    """
    if await networks_store.external(transaction) is not None:
        return
    network = await networks.insert(
        transaction, project_id, networks_wire.NetworkCreate(name=EXTERNAL, external=True, is_default=True)
    )
    wish = networks_wire.SubnetCreate(
        network_id=network.id,
        name=f"{EXTERNAL}-subnet",
        ip_version=4,
        cidr=settings.external_cidr,
        enable_dhcp=False,
    )
    await subnets.insert(transaction, network, subnets.read(wish, project_id))


async def sandbox_in_use(transaction: Transaction, sandbox: str) -> bool:
    """Whether any port, one that is being deleted included, is or is to be wired in this sandbox."""
    return await ports_store.is_in_sandbox(transaction, sandbox)
