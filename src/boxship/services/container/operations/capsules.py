"""What callers can ask of capsules: each one transaction; nothing here touches the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from boxship.core import clock, errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import call as http
from boxship.core.http import listing
from boxship.core.http.call import Call, Query
from boxship.services.container import errors as container_errors
from boxship.services.container import model, states
from boxship.services.container.operations import creation, images, placement, quotas
from boxship.services.container.operations.actions import KIND as CONTAINER
from boxship.services.container.schemas import capsules as schemas
from boxship.services.container.schemas import containers as wire
from boxship.services.container.store import capsules as store
from boxship.services.container.store import containers as containers_store
from boxship.services.network import public as network
from boxship.services.volume import public as volume

KIND = "capsule"
_INIT_RETRIES = "10"
"""How often an init container is tried again where the others are restarted for ever; Zun's number."""


async def create(call: Call[Any], template: schemas.Template) -> model.Capsule:
    """Store the wish for a capsule with its containers, ports and volumes.

    BadRequest, NotFound: a field is wrong or names nothing that the caller sees. QuotaExceeded, NoValidHost.
    """
    spec = template.spec
    parts = [(model.Role.INIT, part) for part in spec.init_containers or ()] + [
        (model.Role.MAIN, part) for part in spec.containers
    ]
    policy = schemas.POLICIES[spec.restart_policy or template.restart_policy or "Always"]
    row = model.Capsule(
        id=http.new_id(),
        project_id=call.caller.project,
        user_id=call.caller.user_id,
        created_at=clock.now(),
        name=template.metadata.name,
        labels=template.metadata.labels or {},
        annotations=template.metadata.annotations or {},
        restart_policy=policy,
        availability_zone=template.availability_zone,
        cpu=0.0,
        memory=0,
        host="",
    )
    row = await _with_volumes(call, row, spec.volumes or [])
    containers = [await _checked(call, row, parts, position) for position in range(len(parts))]
    row = await _placed(call, row, containers)
    for each in row.volumes:
        held = volume.AttachmentWish((KIND, row.id), f"/{each.name}", host=row.host)
        await volume.attach(call.transaction, call.settings, each.volume_id, held)
    row = await _with_ports(call, row, template.nets or [], containers)
    await store.insert(call.transaction, row)
    for container in containers:
        await containers_store.insert(call.transaction, structs.replace(container, host=row.host))
        call.transaction.wake(CONTAINER, container.id)
    call.transaction.wake(KIND, row.id)
    return row


async def _with_volumes(call: Call[Any], row: model.Capsule, asked: Sequence[schemas.Volume]) -> model.Capsule:
    """The row with its volumes, found or made."""
    volumes: list[model.CapsuleVolume] = []
    for at, wish in enumerate(asked):
        field = f"template.spec.volumes[{at}]"
        if wish.name in {other.name for other in volumes}:
            raise errors.BadRequest(f"{wish.name} is named twice", field=f"{field}.name")
        found = await _volume(call, wish.cinder, field)
        volumes.append(structs.replace(found, name=wish.name))
    return structs.replace(row, volumes=volumes)


async def _volume(call: Call[Any], cinder: schemas.Cinder, field: str) -> model.CapsuleVolume:
    size = wire.number(cinder.size, f"{field}.cinder.size", 1, 2**20)
    if (cinder.volume_id is None) == (size is None):
        raise errors.BadRequest("either volumeID or size is required, and not both", field=f"{field}.cinder")
    if cinder.volume_id:
        found = await volume.find_volume(call.transaction, call.caller, cinder.volume_id)
        if found is None:
            raise container_errors.VolumeNotFound(cinder.volume_id, f"{field}.cinder.volumeID")
        return model.CapsuleVolume("", found.id, disposable=False)
    made = await volume.create_volume(call.transaction, call.caller, call.settings, size=int(size or 0), host="")
    return model.CapsuleVolume("", made, disposable=wire.flag(cinder.auto_remove))


async def _checked(
    call: Call[Any], row: model.Capsule, parts: Sequence[tuple[model.Role, schemas.Part]], position: int
) -> model.Container:
    """The row of the container at this position. BadRequest: a field is wrong, named by its path in the template."""
    role, part = parts[position]
    try:
        return await _container(call, row, part, role, position)
    except errors.BadRequest as error:
        kind = "initContainers" if role is model.Role.INIT else "containers"
        at = [other for other, _ in parts[:position]].count(role)
        raise schemas.within(f"template.spec.{kind}[{at}]", error) from error


async def _container(
    call: Call[Any], capsule: model.Capsule, part: schemas.Part, role: model.Role, position: int
) -> model.Container:
    """The row of one container. Without ``requests`` it gets what a container gets that asks for nothing."""
    chosen = await images.resolve(call.transaction, call.caller, part.image, None)
    asked = part.resources.requests if part.resources else schemas.Requests()
    row = model.Container(
        id=http.new_id(),
        project_id=capsule.project_id,
        user_id=capsule.user_id,
        created_at=capsule.created_at,
        name=part.name or creation.random_name(f"capsule-{capsule.name or capsule.id}-"),
        image=chosen.reference,
        image_driver=chosen.driver,
        image_id=chosen.id,
        image_pull_policy=_pull_policy(call.caller, part),
        command=[*(part.command or ()), *(part.args or ())] or None,
        entrypoint=None,
        environment=part.env or {},
        labels={},
        workdir=part.work_dir,
        hostname=creation.label(capsule.name or "capsule"),
        cpu=wire.number(asked.cpu, "cpu", wire.MINIMUM_CPU, wire.MAXIMUM_CPU) or creation.DEFAULT_CPU,
        memory=int(
            wire.number(asked.memory, "memory", wire.MINIMUM_MEMORY, wire.MAXIMUM_MEMORY) or creation.DEFAULT_MEMORY
        ),
        disk=creation.DEFAULT_DISK,
        restart_policy=_restarted(capsule, role),
        healthcheck=None,
        interactive=wire.flag(part.stdin),
        tty=wire.flag(part.tty),
        privileged=False,
        auto_remove=False,
        auto_heal=False,
        availability_zone=capsule.availability_zone,
        exposed_ports=[port.exposed for port in part.ports or ()],
        mounts=_mounts(capsule, part),
        capsule_id=capsule.id,
        role=role,
        position=position,
        wish=states.Wish.RUNNING,
        starts=1,
        task=states.TaskState.CREATING,
    )
    creation.check_paths(row)
    return row


def _pull_policy(caller: Caller, part: schemas.Part) -> str | None:
    """What the template says, from those whom the rule lets say it; others are not refused, as templates are shared."""
    if part.image_pull_policy and caller.may("container:create:image_pull_policy"):
        return part.image_pull_policy.lower()
    return None


def _restarted(capsule: model.Capsule, role: model.Role) -> model.RestartPolicy:
    """An init container that ended well must stay ended."""
    if role is model.Role.INIT and capsule.restart_policy == "always":
        return model.RestartPolicy("on-failure", _INIT_RETRIES)
    return model.RestartPolicy(capsule.restart_policy)


def _mounts(capsule: model.Capsule, part: schemas.Part) -> list[model.Mount]:
    known = {volume.name: volume.volume_id for volume in capsule.volumes}
    mounts: list[model.Mount] = []
    for wish in part.volume_mounts or ():
        if wish.name not in known:
            raise errors.BadRequest(f"the capsule has no volume {wish.name}", field="volumeMounts.name")
        at = wire.destination(wish.mount_path)
        if at in {mount.destination for mount in mounts}:
            raise errors.BadRequest(f"{at} is named twice", field="volumeMounts.mountPath")
        mounts.append(model.Mount(known[wish.name], at, read_only=wire.flag(wish.read_only)))
    return mounts


async def _placed(call: Call[Any], row: model.Capsule, containers: Sequence[model.Container]) -> model.Capsule:
    """The row with its host and what it needs there: all main containers at once, or the largest init container."""
    mains = [each for each in containers if each.role is model.Role.MAIN]
    inits = [each for each in containers if each.role is model.Role.INIT]
    row = structs.replace(
        row,
        cpu=max(sum(each.cpu or 0 for each in mains), *(each.cpu or 0 for each in inits), 0.0),
        memory=max(sum(each.memory or 0 for each in mains), *(each.memory or 0 for each in inits), 0),
    )
    total = quotas.Demand(
        containers=len(containers),
        memory=sum(each.memory or 0 for each in containers),
        cpu=sum(each.cpu or 0 for each in containers),
        disk=sum(each.disk for each in containers),
    )
    await quotas.check(call.transaction, call.settings, row.project_id, total)
    ids = [each.volume_id for each in row.volumes]
    wish = placement.PlacementWish(
        memory=total.memory,
        cpu=total.cpu,
        disk=total.disk,
        zone=row.availability_zone,
        disks=placement.disks(call.settings, await volume.hosts_of(call.transaction, call.settings, ids)),
    )
    row = structs.replace(row, host=await placement.choose(call.transaction, call.settings, wish))
    await volume.place(call.transaction, call.settings, ids, row.host)
    return row


async def _with_ports(
    call: Call[Any], row: model.Capsule, nets: Sequence[wire.NetRequest], containers: Sequence[model.Container]
) -> model.Capsule:
    """The row with its ports, made or borrowed, and bound to its sandbox."""
    exposed = list(dict.fromkeys(port for container in containers for port in container.exposed_ports))
    name = creation.label(row.name or "capsule")
    group = None
    if exposed:
        group = await creation.open_group(call.transaction, call.caller, call.settings, name, exposed)
    if not nets:
        nets = [wire.NetRequest(network=await network.default_network(call.transaction, call.caller))]
    plugs: list[model.Plug] = []
    for at, net in enumerate(nets):
        wish = network.PortWish(network_id="", groups=(group,) if group else None, dns_name=name)
        plugged = await creation.plug(call.transaction, call.caller, call.settings, (net, wish))
        plugged = structs.replace(plugged, interface=f"eth{at}")
        await creation.bind(call.transaction, plugged, row, kind=KIND)
        plugs.append(plugged)
    return structs.replace(row, plugs=plugs, group_id=group)


async def find(transaction: Transaction, caller: Caller, name: str, *, all_projects: bool = False) -> model.Capsule:
    """The capsule with this UUID or name in the caller's project. CapsuleNotFound; NameNotUnique."""
    found = await store.named(transaction, name, None if all_projects else caller.project)
    exact = [row for row in found if row.id == name] or found
    if not exact:
        raise container_errors.CapsuleNotFound(name)
    if len(exact) > 1:
        raise container_errors.NameNotUnique(name)
    return exact[0]


async def show_all(
    transaction: Transaction, caller: Caller, query: Query, *, all_projects: bool
) -> tuple[list[model.Capsule], listing.Page]:
    """A page of the caller's capsules, or of everybody's."""
    page = listing.page(query, store.SORTS, default_sort="id")
    return await store.page(transaction, page, None if all_projects else caller.project), page


async def view(call: Call[Any], rows: Sequence[model.Capsule]) -> list[dict[str, object]]:
    """The rows as the API shows them to this caller, with their containers and addresses."""
    transaction = call.transaction
    ports = [plug.port_id for row in rows for plug in row.plugs]
    plugs = {plug.port_id: plug for plug in await network.plugs(transaction, ports)} if ports else {}
    containers: dict[str, list[model.Container]] = {}
    for each in await containers_store.of_capsules(transaction, [row.id for row in rows]):
        containers.setdefault(each.capsule_id or "", []).append(each)
    hidden = frozenset({"image_pull_policy", "privileged", "runtime"})
    if not call.caller.may("capsule:get:host"):
        hidden |= {"host"}
    return [
        schemas.view(row, containers.get(row.id, []), plugs, call.base_url, version=call.version, hidden=hidden)
        for row in rows
    ]


async def delete(call: Call[Any], row: model.Capsule) -> None:
    """Wish it and its containers gone, in whatever state they are. Repeatable."""
    await store.want_gone(call.transaction, row.id)
    for container in await containers_store.of_capsules(call.transaction, [row.id]):
        await containers_store.change_wish(call.transaction, container.id, wish=states.Wish.GONE)
        call.transaction.wake(CONTAINER, container.id)
    call.transaction.wake(KIND, row.id)


async def release(transaction: Transaction, row: model.Capsule) -> None:
    """Give back what ``create`` took: ports and group of its own and disposable volumes go, others stay. Repeatable."""
    for plugged in row.plugs:
        await creation.unplug(transaction, plugged, row.id, kind=KIND)
    if row.group_id:
        await network.discard_group(transaction, row.group_id)
    for each in row.volumes:
        await volume.detach(transaction, each.volume_id, (KIND, row.id))
        if each.disposable:
            await volume.delete_volume(transaction, each.volume_id, (KIND, row.id))
