"""Agents: what Neutron calls the parts of a host that make networks real. Here one program does it all, and the agents
of a host live while it does; so none is made, switched off, or given work by hand.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import msgspec

from boxship.config import Settings
from boxship.core import clock, hosts
from boxship.core.db.database import Transaction
from boxship.services.network import errors
from boxship.services.network.operations import zones
from boxship.services.network.schemas import agents as wire
from boxship.services.network.store import agents as store

_NAMESPACE = uuid.UUID("6d1f7a52-3c0e-5f0b-9f0e-0b6f0c1d7a11")


class Role(msgspec.Struct, frozen=True):
    """A part of a host, as Neutron's clients know it. ``zoned``: it belongs to an availability zone."""

    type: str
    binary: str
    topic: str
    zoned: bool


LINKS = Role("Linux bridge agent", "neutron-linuxbridge-agent", "N/A", zoned=False)
NAMES = Role("DHCP agent", "neutron-dhcp-agent", "dhcp_agent", zoned=True)
ROUTING = Role("L3 agent", "neutron-l3-agent", "l3_agent", zoned=True)


async def all_agents(transaction: Transaction, settings: Settings) -> list[wire.Agent]:
    """The agents of all hosts, but those that were removed and whose host gave no sign of life since."""
    figures, notes = await store.figures(transaction), await store.notes(transaction)
    now = await store.now(transaction)
    found = []
    for host in await zones.workers(transaction, settings):
        for role in (LINKS, NAMES, ROUTING):
            note = notes.get(_id(host.name, role))
            if note is None or note.forgotten is None or now - host.age > note.forgotten:
                told = _configurations(role, host, figures, host.name if settings.shared else None)
                found.append(_agent(host, role, settings, note, told))
    return found


def _id(host: str, role: Role) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{role.topic}/{host}"))


def _agent(
    host: hosts.Host, role: Role, settings: Settings, note: store.Note | None, configurations: dict[str, object]
) -> wire.Agent:
    seen = clock.now() - timedelta(seconds=host.age)
    started = seen - timedelta(seconds=host.up)
    return wire.Agent(
        id=_id(host.name, role),
        agent_type=role.type,
        binary=role.binary,
        topic=role.topic,
        host=host.name,
        availability_zone=host.zone if role.zoned else None,
        admin_state_up=True,
        alive=zones.alive(host, settings),
        created_at=clock.stamp_plain(started),
        started_at=clock.stamp_plain(started),
        heartbeat_timestamp=clock.stamp_plain(seen),
        description=(note.description if note else "") or None,
        configurations=configurations,
    )


def _configurations(role: Role, host: hosts.Host, figures: store.Figures, only: str | None) -> dict[str, object]:
    """What the agents say of themselves, in the words of upstream's. ``only``: the host to count; None: all is this one's."""

    def count(counts: store.Counts) -> int:
        return sum(number for name, number in counts.items() if only in {None, name})

    if role is LINKS:
        tunnels = bool(host.tunnel_address)
        return {
            "devices": count(figures.wired),
            "tunnel_types": ["vxlan"] if tunnels else [],
            "tunneling_ip": host.tunnel_address or None,
            "l2_population": tunnels,
        }
    if role is NAMES:
        return {
            "dhcp_driver": "dnsmasq",
            "networks": count(figures.networks),
            "subnets": count(figures.subnets),
            "ports": count(figures.ports),
        }
    return {
        "agent_mode": "legacy",
        "routers": count(figures.routers),
        "ex_gw_ports": count(figures.gateways),
        "interfaces": count(figures.interfaces),
        "floating_ips": count(figures.floating),
    }


async def get(transaction: Transaction, settings: Settings, id: str) -> wire.Agent:
    """One agent. AgentNotFound."""
    for agent in await all_agents(transaction, settings):
        if agent.id == id:
            return agent
    raise errors.AgentNotFound(id)


async def update(transaction: Transaction, settings: Settings, id: str, wish: wire.AgentUpdate) -> wire.Agent:
    """Describe an agent. AgentNotFound; InvalidInput: it is to be switched off, which no agent can be."""
    await get(transaction, settings, id)
    if wish.admin_state_up is False:
        raise errors.InvalidInput(
            "An agent cannot be switched off; stop Boxship on its host instead.", field="admin_state_up"
        )
    if not isinstance(wish.description, msgspec.UnsetType):
        await store.describe(transaction, id, wish.description or "")
    return await get(transaction, settings, id)


async def delete(transaction: Transaction, settings: Settings, id: str) -> None:
    """Remove an agent whose host is gone; it is there again when the host is. AgentNotFound, AgentInUse: the host lives."""
    agent = await get(transaction, settings, id)
    if agent.alive:
        raise errors.AgentInUse(id, agent.host)
    await store.forget(transaction, id)
