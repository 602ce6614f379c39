"""The door of the network service: what other services may ask of it. Signatures first; the bodies follow."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from boxship.config import Settings
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.db.holds import Resource


class FixedAddress(msgspec.Struct, frozen=True):
    """An address of a port: ``version`` 4 or 6."""

    ip: str
    subnet_id: str
    version: int


class Plug(msgspec.Struct, frozen=True, kw_only=True):
    """A port as its holder sees it. ``active``: wired in its sandbox. ``preserved``: it was there before the holder came,
    so it is unbound and not deleted when the holder goes."""

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
    """A port to be made. ``fixed_ips`` are addresses; empty: one is taken from the network's subnets. ``groups`` None: the default group."""

    network_id: str
    fixed_ips: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    name: str = ""
    dns_name: str = ""


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a port is wired: the sandbox (network namespace) and the interface in it; ``holder`` is who needs it."""

    device_id: str
    device_owner: str
    sandbox: str
    interface: str
    holder: Resource


async def find_network(transaction: Transaction, caller: Caller, name_or_id: str) -> str:
    """The id of a network that the caller sees. NetworkNotFound; Conflict where several have the name."""
    raise NotImplementedError


async def find_port(transaction: Transaction, caller: Caller, name_or_id: str) -> str:
    """The id of a port of the caller. PortNotFound; Conflict where several have the name."""
    raise NotImplementedError


async def find_groups(transaction: Transaction, caller: Caller, names_or_ids: Sequence[str]) -> tuple[str, ...]:
    """The ids of security groups, in order. SecurityGroupNotFound; Conflict where several have a name."""
    raise NotImplementedError


async def default_network(transaction: Transaction, caller: Caller) -> str:
    """The project's first own network that has a subnet. Conflict: there is none."""
    raise NotImplementedError


async def create_port(transaction: Transaction, caller: Caller, settings: Settings, wish: PortWish) -> str:
    """A new port of the caller's project; its id. Errors as POST /ports."""
    raise NotImplementedError


async def bind_port(transaction: Transaction, port_id: str, binding: Binding) -> None:
    """Wish the port wired into a sandbox, and hold it. PortInUse: bound to another device."""
    raise NotImplementedError


async def unbind_port(transaction: Transaction, port_id: str, holder: Resource) -> None:
    """Let go of a port that stays: its wiring is undone. Repeatable."""
    raise NotImplementedError


async def delete_port(transaction: Transaction, port_id: str, holder: Resource) -> None:
    """Let go of a port and delete it. Repeatable."""
    raise NotImplementedError


async def plugs(transaction: Transaction, port_ids: Sequence[str]) -> list[Plug]:
    """The ports with these ids that are there, in the order asked."""
    raise NotImplementedError


async def set_groups(transaction: Transaction, caller: Caller, port_id: str, groups: Sequence[str]) -> None:
    """Replace the security groups (ids) of a port of the caller."""
    raise NotImplementedError


async def bootstrap(transaction: Transaction, settings: Settings, project_id: str) -> None:
    """The external network ``public`` with the subnet ``settings.external_cidr``, owned by this project; once."""
    raise NotImplementedError
