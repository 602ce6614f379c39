"""What is mounted in a container: volumes found or made, shares, injected files. Attached and held when it is created, let
go when it is gone; never touches the world."""

from __future__ import annotations

from msgspec import structs

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http.microversions import Version
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.container.operations.actions import KIND
from boxship.services.container.schemas import containers as schemas
from boxship.services.share import public as share
from boxship.services.volume import public as volume

BIND, SHARE = "bind", "share"
"""Types of mounts besides volumes."""


def check(request: schemas.ContainerRequest) -> None:
    """BadRequest: a size where no volume is made, or no share is named."""
    for mount in request.mounts or []:
        if mount.type == SHARE and not mount.source:
            raise errors.BadRequest("a share has to be named", field="mounts.source")
        if mount.size is None:
            continue
        if mount.type == BIND:
            raise errors.BadRequest("an injected file is as big as its content; leave it out", field="mounts.size")
        if mount.source:
            raise errors.BadRequest(f"a {mount.type} that source names has its size; leave it out", field="mounts.size")


async def hosts(
    transaction: Transaction, caller: Caller, settings: Settings, request: schemas.ContainerRequest
) -> list[str]:
    """The hosts that a container has to be on for its volumes and shares. VolumeNotFound, ShareNotFound."""
    named = [mount for mount in request.mounts or [] if mount.type != BIND and mount.source]
    volumes = [
        (await _known_volume(transaction, caller, mount.source or "")).id for mount in named if mount.type != SHARE
    ]
    shares = [await _known_share(transaction, caller, mount.source or "") for mount in named if mount.type == SHARE]
    return [*await volume.hosts_of(transaction, settings, volumes), *(one.host for one in shares)]


async def attach(
    transaction: Transaction,
    caller: Caller,
    settings: Settings,
    row: model.Container,
    asked: tuple[schemas.ContainerRequest, Version],
) -> model.Container:
    """The row with its volumes, found or made, and its shares, attached; files beside them."""
    request, version = asked
    mounts: list[model.Mount] = []
    files: list[model.InjectedFile] = []
    for mount in request.mounts or []:
        at = schemas.destination(mount.destination)
        if at in {other.destination for other in mounts} | {other.destination for other in files}:
            raise errors.BadRequest(f"{at} is named twice", field="mounts.destination")
        if mount.type == BIND:
            files.append(model.InjectedFile(at, schemas.file_content(mount.source, version)))
            continue
        read_only = schemas.flag(mount.read_only)
        if mount.type == SHARE:
            found = await _known_share(transaction, caller, mount.source or "")
            await share.attach(transaction, found.id, (KIND, row.id))
            mounts.append(model.Mount(found.id, at, read_only=read_only, is_share=True))
            continue
        made = await _volume(transaction, caller, settings, (mount, row.host or ""))
        held = volume.AttachmentWish((KIND, row.id), at, read_only=read_only, host=row.host or "")
        await volume.attach(transaction, settings, made.source_id, held)
        mounts.append(structs.replace(made, destination=at, read_only=read_only))
    return structs.replace(row, mounts=mounts, files=files)


async def _volume(
    transaction: Transaction, caller: Caller, settings: Settings, asked: tuple[schemas.MountRequest, str]
) -> model.Mount:
    """The volume that a mount names, or a new one on the disk of the host."""
    mount, host = asked
    if mount.source:
        return model.Mount((await _known_volume(transaction, caller, mount.source)).id, "")
    size = schemas.number(mount.size, "mounts.size", 1, 2**20)
    if size is None:
        raise errors.BadRequest("either source or size is required", field="mounts")
    id = await volume.create_volume(transaction, caller, settings, size=int(size), host=host)
    return model.Mount(id, "", disposable=True)


async def _known_volume(transaction: Transaction, caller: Caller, name_or_id: str) -> volume.VolumeView:
    found = await volume.find_volume(transaction, caller, name_or_id)
    if found is None:
        raise container_errors.VolumeNotFound(name_or_id)
    return found


async def _known_share(transaction: Transaction, caller: Caller, name_or_id: str) -> share.ShareView:
    found = await share.find_share(transaction, caller, name_or_id)
    if found is None:
        raise container_errors.ShareNotFound(name_or_id)
    return found


async def release(transaction: Transaction, row: model.Container) -> None:
    """Let go; volumes that were made for the container go with it. Repeatable."""
    for mount in row.mounts:
        if mount.is_share:
            await share.detach(transaction, mount.source_id, (KIND, row.id))
            continue
        await volume.detach(transaction, mount.source_id, (KIND, row.id))
        if mount.disposable:
            await volume.delete_volume(transaction, mount.source_id, (KIND, row.id))
