"""Changes to a container that stays as it is otherwise: name, limits, networks, security groups."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, structs

from boxship.core import errors
from boxship.core.http.call import Call
from boxship.services.container import errors as container_errors
from boxship.services.container import model, states
from boxship.services.container.operations import creation, placement, quotas
from boxship.services.container.operations.actions import ask, check_legal, note_action
from boxship.services.container.schemas import containers as schemas
from boxship.services.container.store import containers as store
from boxship.services.network import public as network


async def update(call: Call[Any], row: model.Container, request: schemas.UpdateRequest, action: str) -> None:
    """Write name and auto_heal, and wish the limits changed. QuotaExceeded, NoValidHost: project or host
    may not have so much."""
    check_legal(row, action)
    plain: dict[str, object] = {}
    if request.name is not UNSET:
        plain["name"] = request.name
    if request.auto_heal is not UNSET:
        plain["auto_heal"] = schemas.flag(request.auto_heal)
    if plain:
        await store.update(call.transaction, row.id, **plain)
    cpu, memory = _limits(row, request)
    if (cpu, memory) == (row.cpu, row.memory):
        await note_action(call.transaction, call.caller, call.request_id, row, action)
        return
    more = quotas.Demand(memory=(memory or 0) - (row.memory or 0), cpu=(cpu or 0) - (row.cpu or 0))
    await quotas.check(call.transaction, call.settings, row.project_id, more)
    growth = placement.PlacementWish(memory=more.memory, cpu=more.cpu)
    await placement.check_growth(call.transaction, call.settings, row.host, growth)
    await ask(call, row, action, counter="resizes", cpu=cpu, memory=memory)


def _limits(row: model.Container, request: schemas.UpdateRequest) -> tuple[float | None, int | None]:
    """CPUs and MiB as they are to be; what is not named stays. BadRequest: out of bounds."""
    cpu, memory = row.cpu, row.memory
    if request.cpu is not UNSET and request.cpu is not None:
        cpu = schemas.number(request.cpu, "cpu", schemas.MINIMUM_CPU, schemas.MAXIMUM_CPU)
    if request.memory is not UNSET and request.memory is not None:
        memory = int(schemas.number(request.memory, "memory", schemas.MINIMUM_MEMORY, schemas.MAXIMUM_MEMORY) or 0)
    return cpu, memory


async def rename(call: Call[Any], row: model.Container, name: str) -> None:
    """Give it another name (up to 1.13). Conflict: it is the same."""
    if name == row.name:
        raise errors.Conflict("The new name for the container is the same as the old name.")
    await store.update(call.transaction, row.id, name=name)
    await note_action(call.transaction, call.caller, call.request_id, row, "rename")


async def attach_network(call: Call[Any], row: model.Container, request: schemas.AttachRequest) -> None:
    """Plug a port into it: one of the caller's, or a new one with the security groups of the others.

    BadRequest: neither or both are named, or the network is connected already.
    """
    check_legal(row, "network_attach")
    if (request.network is None) == (request.port is None):
        raise errors.BadRequest("name either a network or a port", field="network")
    present = await network.plugs(call.transaction, [plug.port_id for plug in row.plugs])
    groups = tuple(dict.fromkeys(group for plug in present for group in plug.security_groups)) or None
    wish = network.PortWish(network_id="", groups=groups, dns_name=creation.label(row.hostname or row.name))
    net = schemas.NetRequest(
        network=request.network or UNSET, port=request.port or UNSET, v4_fixed_ip=request.fixed_ip or UNSET
    )
    plug = await creation.plug(call.transaction, call.caller, call.settings, (net, wish))
    if plug.network_id in {other.network_id for other in row.plugs}:
        raise errors.BadRequest(f"network {plug.network_id} is connected to the container already", field="network")
    taken = {other.interface for other in row.plugs}
    interface = next(name for name in (f"eth{at}" for at in range(len(taken) + 1)) if name not in taken)
    plug = structs.replace(plug, interface=interface)
    await creation.bind(call.transaction, plug, row)
    await ask(call, row, "network_attach", plugs=[*row.plugs, plug], task=states.TaskState.NETWORK_ATTACHING)


async def detach_network(call: Call[Any], row: model.Container, request: schemas.AttachRequest) -> None:
    """Unplug a port, or all ports on a network; borrowed ports stay, others go. BadRequest: it is not attached."""
    check_legal(row, "network_detach")
    if (request.network is None) == (request.port is None):
        raise errors.BadRequest("name either a network or a port", field="network")
    if request.port:
        port_id = await network.find_port(call.transaction, call.caller, request.port)
        leaving = [plug for plug in row.plugs if plug.port_id == port_id]
    else:
        network_id = await network.find_network(call.transaction, call.caller, request.network or "")
        leaving = [plug for plug in row.plugs if plug.network_id == network_id]
    if not leaving:
        name = request.port or request.network
        raise errors.BadRequest(f"{name} is not attached to the container", field="port" if request.port else "network")
    for plug in leaving:
        await creation.unplug(call.transaction, plug, row.id)
    plugs = [plug for plug in row.plugs if plug not in leaving]
    await ask(call, row, "network_detach", plugs=plugs, task=states.TaskState.NETWORK_DETACHING)


async def add_group(call: Call[Any], row: model.Container, name: str) -> None:
    """Put all its ports into a security group. BadRequest: they are."""
    check_legal(row, "add_security_group")
    (group,) = await network.find_groups(call.transaction, call.caller, (name,))
    present = await network.plugs(call.transaction, [plug.port_id for plug in row.plugs])
    if all(group in plug.security_groups for plug in present):
        raise container_errors.GroupThere(name)
    for plug in present:
        groups = dict.fromkeys((*plug.security_groups, group))
        await network.set_groups(call.transaction, call.caller, plug.port_id, tuple(groups))
    await ask(call, row, "add_security_group", task=states.TaskState.SG_ADDING)


async def remove_group(call: Call[Any], row: model.Container, name: str) -> None:
    """Take all its ports out of a security group. BadRequest: none is in it."""
    check_legal(row, "remove_security_group")
    (group,) = await network.find_groups(call.transaction, call.caller, (name,))
    present = await network.plugs(call.transaction, [plug.port_id for plug in row.plugs])
    members = [plug for plug in present if group in plug.security_groups]
    if not members:
        raise container_errors.GroupNotThere(name)
    for plug in members:
        groups = tuple(other for other in plug.security_groups if other != group)
        await network.set_groups(call.transaction, call.caller, plug.port_id, groups)
    await ask(call, row, "remove_security_group", task=states.TaskState.SG_REMOVING)
