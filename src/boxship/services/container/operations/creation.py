"""Making a container: everything is checked and every dependency made or borrowed in the one transaction, so that a
request that fails leaves nothing behind."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET, structs

from boxship.config import Settings
from boxship.core import clock, errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import call
from boxship.core.http.microversions import Version
from boxship.services.container import model, states
from boxship.services.container.operations import images, mounts, placement, quotas, registries
from boxship.services.container.operations.actions import KIND, note_action
from boxship.services.container.schemas import containers as schemas
from boxship.services.container.store import containers as store
from boxship.services.network import public as network

DEVICE_OWNER = "compute:kuryr"
"""What Zun writes on its ports; clients filter by it."""

_GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "theta", "iota", "kappa", "lambda", "omicron", "sigma")
DEFAULT_MEMORY, DEFAULT_CPU, DEFAULT_DISK = 512, 1.0, 10
"""MiB, cores and GiB of a container that asks for nothing."""


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """What is beside the body of the request: whether it is to run at once, the microversion, and the request's id."""

    run: bool
    version: Version
    request_id: str


async def create(
    transaction: Transaction,
    caller: Caller,
    settings: Settings,
    request: schemas.ContainerRequest,
    options: CreateOptions,
) -> model.Container:
    """Store the wish for a container with its ports and volumes.

    BadRequest, NotFound: a field is wrong or names nothing the caller can see. Conflict: a name, address or volume is
    taken. QuotaExceeded: of the container, network or volume service. Forbidden: a field that policy keeps for others.
    """
    schemas.check_versions(request, options.version)
    _check_rules(caller, request)
    mounts.check(request)
    row = await _row(transaction, caller, request, options)
    row = await _placed(transaction, caller, settings, row, request)
    row = await mounts.attach(transaction, caller, settings, row, (request, options.version))
    row = await _with_ports(transaction, caller, settings, row, request)
    await store.insert(transaction, row)
    await note_action(transaction, caller, options.request_id, row, "create", generation=row.generation)
    transaction.wake(KIND, row.id)
    return row


def _check_rules(caller: Caller, request: schemas.ContainerRequest) -> None:
    if request.runtime:
        caller.require("container:create:runtime")
    if schemas.flag(request.privileged):
        caller.require("container:create:privileged")
    if request.image_pull_policy:
        caller.require("container:create:image_pull_policy")
    if request.host is not UNSET and request.host is not None:
        caller.require("container:create:requested_destination")


async def _row(
    transaction: Transaction, caller: Caller, request: schemas.ContainerRequest, options: CreateOptions
) -> model.Container:
    registry = await registries.find(transaction, caller, request.registry) if request.registry else None
    image = registries.located(registry, request.image) if request.image_driver != "glance" else request.image
    chosen = await images.resolve(transaction, caller, image, request.image_driver)
    interactive = schemas.flag(request.interactive)
    health = request.healthcheck or None
    restart = request.restart_policy
    row = model.Container(
        id=call.new_id(),
        project_id=caller.project,
        user_id=caller.user_id,
        created_at=clock.now(),
        name=request.name or random_name(),
        image=chosen.reference,
        image_driver=chosen.driver,
        image_id=chosen.id,
        image_pull_policy=(request.image_pull_policy or "").lower() or None,
        command=schemas.words(request.command),
        entrypoint=request.entrypoint or None,
        environment=request.environment or {},
        labels=request.labels or {},
        workdir=request.workdir or None,
        hostname=request.hostname or None,
        cpu=schemas.number(request.cpu, "cpu", schemas.MINIMUM_CPU, schemas.MAXIMUM_CPU) or DEFAULT_CPU,
        memory=int(
            schemas.number(request.memory, "memory", schemas.MINIMUM_MEMORY, schemas.MAXIMUM_MEMORY) or DEFAULT_MEMORY
        ),
        disk=int(schemas.number(request.disk, "disk", 1, 160) or DEFAULT_DISK),
        restart_policy=model.RestartPolicy(restart.Name, str(restart.MaximumRetryCount or 0)) if restart else None,
        healthcheck=_health(health) if health else None,
        interactive=interactive,
        tty=schemas.flag(request.tty) if options.version >= Version(1, 36) else interactive,
        privileged=schemas.flag(request.privileged),
        auto_remove=schemas.flag(request.auto_remove),
        auto_heal=schemas.flag(request.auto_heal),
        availability_zone=request.availability_zone,
        cpu_policy=request.cpu_policy or None,
        runtime=request.runtime or None,
        registry_id=registry.id if registry else None,
        exposed_ports=schemas.exposed_ports(request.exposed_ports),
        wish=states.Wish.RUNNING if options.run else states.Wish.CREATED,
        starts=1 if options.run else 0,
        task=states.TaskState.CREATING,
    )
    if row.auto_remove and row.restart_policy and row.restart_policy.Name != "no":
        raise errors.BadRequest("auto_remove and a restart policy exclude each other", field="auto_remove")
    if row.exposed_ports and request.security_groups:
        raise errors.BadRequest("security_groups and exposed_ports exclude each other", field="exposed_ports")
    check_paths(row)
    return row


def random_name(start: str = "") -> str:
    """A name like ``zeta-22-container``, for what its owner gave none."""
    return f"{start}{random.choice(_GREEK)}-{random.randint(1, 99)}-container"  # noqa: S311 (a name, no secret)


def check_paths(row: model.Container) -> None:
    """BadRequest: the working directory is relative."""
    if row.workdir and not row.workdir.startswith("/"):
        raise errors.BadRequest("it must be an absolute path", field="workdir")


def _health(request: schemas.HealthRequest) -> model.HealthCheck:
    retries = 3 if request.retries is None else request.retries
    return model.HealthCheck(request.cmd, request.interval or 30, retries, request.timeout or 30)


async def _placed(
    transaction: Transaction,
    caller: Caller,
    settings: Settings,
    row: model.Container,
    request: schemas.ContainerRequest,
) -> model.Container:
    """The row with its host. QuotaExceeded: of the project. NoValidHost: no host has room for it, and why."""
    demand = quotas.Demand(containers=1, memory=row.memory or 0, cpu=row.cpu or 0, disk=row.disk)
    await quotas.check(transaction, settings, row.project_id, demand)
    wish = placement.PlacementWish(
        memory=row.memory or 0,
        cpu=row.cpu or 0,
        disk=row.disk,
        zone=row.availability_zone,
        runtime=row.runtime,
        host=request.host or None,
        hints=request.hints or {},
        disks=placement.disks(settings, await mounts.hosts(transaction, caller, settings, request)),
    )
    return structs.replace(row, host=await placement.choose(transaction, settings, wish))


async def _with_ports(
    transaction: Transaction,
    caller: Caller,
    settings: Settings,
    row: model.Container,
    request: schemas.ContainerRequest,
) -> model.Container:
    """The row with its ports, made or borrowed, and bound to its sandbox."""
    groups, own_group = None, None
    if request.security_groups:
        groups = await network.find_groups(transaction, caller, tuple(dict.fromkeys(request.security_groups)))
    if row.exposed_ports:
        own_group = await open_group(transaction, caller, settings, row.name, row.exposed_ports)
        groups = (own_group,)
    plugs: list[model.Plug] = []
    for at, net in enumerate(
        request.nets or [schemas.NetRequest(network=await network.default_network(transaction, caller))]
    ):
        wish = network.PortWish(network_id="", groups=groups, name="", dns_name=label(row.hostname or row.name))
        plugged = structs.replace(await plug(transaction, caller, settings, (net, wish)), interface=f"eth{at}")
        await bind(transaction, plugged, row)
        plugs.append(plugged)
    return structs.replace(row, plugs=plugs, group_id=own_group)


async def open_group(
    transaction: Transaction, caller: Caller, settings: Settings, name: str, exposed_ports: Sequence[str]
) -> str:
    """A security group of the caller's that lets anybody in on ports like ``80/tcp``; its id."""
    pairs = [(protocol, int(number)) for number, _, protocol in (port.partition("/") for port in exposed_ports)]
    return await network.create_open_group(transaction, caller, settings, f"exposed-{name}", pairs)


async def bind(
    transaction: Transaction, plugged: model.Plug, home: model.Container | model.Capsule, *, kind: str = KIND
) -> None:
    """Wish a port wired into the sandbox of a container or capsule, which holds it from now on."""
    binding = network.Binding(
        device_id=home.id,
        device_owner=DEVICE_OWNER,
        host=home.host or "",
        sandbox=home.id,
        interface=plugged.interface,
        holder=(kind, home.id),
    )
    await network.bind_port(transaction, plugged.port_id, binding)


async def unplug(transaction: Transaction, plugged: model.Plug, id: str, *, kind: str = KIND) -> None:
    """Give a port back: a borrowed one stays, another one goes. Repeatable."""
    if plugged.borrowed:
        await network.unbind_port(transaction, plugged.port_id, (kind, id))
    else:
        await network.delete_port(transaction, plugged.port_id, (kind, id))


async def plug(
    transaction: Transaction,
    caller: Caller,
    settings: Settings,
    asked: tuple[schemas.NetRequest, network.PortWish],
) -> model.Plug:
    """A port of the caller's, or a new one on a network. BadRequest: both or neither are named."""
    net, wish = asked
    if (net.port is UNSET) == (net.network is UNSET):
        raise errors.BadRequest("name either a network or a port", field="nets")
    if isinstance(net.port, str):
        port_id = await network.find_port(transaction, caller, net.port)
        (borrowed,) = await network.plugs(transaction, [port_id])
        return model.Plug(port_id, borrowed.network_id, borrowed=True)
    assert isinstance(net.network, str)
    network_id = await network.find_network(transaction, caller, net.network)
    fixed = tuple(ip for ip in (net.v4_fixed_ip, net.v6_fixed_ip) if isinstance(ip, str))
    wish = structs.replace(wish, network_id=network_id, fixed_ips=fixed)
    port_id = await network.create_port(transaction, caller, settings, wish)
    return model.Plug(port_id, network_id)


def label(name: str) -> str:
    """A name as a DNS label (RFC 1123): lower case, no dots or underscores, at most 63 characters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-") or "container"


async def release(transaction: Transaction, row: model.Container) -> None:
    """Give back what ``create`` took: ports, group and volumes of its own go, borrowed ones stay. Repeatable."""
    for plugged in row.plugs:
        await unplug(transaction, plugged, row.id)
    if row.group_id:
        await network.discard_group(transaction, row.group_id)
    await mounts.release(transaction, row)
