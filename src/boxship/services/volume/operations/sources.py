"""What a new volume begins with: found, checked, and held until the volume is made."""

from __future__ import annotations

import msgspec

from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.services.image import public as image
from boxship.services.volume import errors, states
from boxship.services.volume.model import GIB, KIND, SNAPSHOT, Snapshot, Volume
from boxship.services.volume.states import SnapshotState, State
from boxship.services.volume.store import image_metadata
from boxship.services.volume.store import snapshots as snapshot_store
from boxship.services.volume.store import volumes as store

_KINDS = {"volume": KIND, "snapshot": SNAPSHOT}
"""The kinds of the driver's sources as kinds of rows."""
_COPIED = frozenset({State.AVAILABLE, State.IN_USE})


class Origin(msgspec.Struct, frozen=True):
    """What a new volume begins with: a kind of the driver's and an id, or nothing; ``size`` in GiB; whose disk and which
    backend it is on, and the type that the new one has unless another is named."""

    kind: str = ""
    id: str | None = None
    size: int = 0
    host: str | None = None
    backend: str = ""
    type_id: str | None = None
    bootable: bool = False
    image: dict[str, str] = {}
    """What is said of the image that it comes from in the end."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What a request names: one of these, or none. The image may be named by its name."""

    snapshot_id: str | None = None
    volume_id: str | None = None
    image: str | None = None


async def origin(transaction: Transaction, caller: Caller, named: Named) -> Origin:
    """What the request names. BadRequest: several; errors as ``snapshot``, ``volume`` and ``_from_image``."""
    if len([id for id in msgspec.structs.astuple(named) if id]) > 1:
        raise core_errors.BadRequest("a volume is made from one resource, not from several", field="volume")
    if named.snapshot_id:
        taken, of = await snapshot(transaction, caller, named.snapshot_id)
        said = await image_metadata_of(transaction, of.id)
        return Origin("snapshot", taken.id, taken.size, taken.host, taken.backend, of.type_id, of.bootable, said)
    if named.volume_id:
        copied = await volume(transaction, caller, named.volume_id)
        said = await image_metadata_of(transaction, copied.id)
        return Origin(
            "volume", copied.id, copied.size, copied.host, copied.backend, copied.type_id, copied.bootable, said
        )
    return await _from_image(transaction, caller, named.image) if named.image else Origin()


async def image_metadata_of(transaction: Transaction, volume_id: str) -> dict[str, str]:
    """What is said of the image that a volume was made from."""
    return (await image_metadata.of(transaction, [volume_id])).get(volume_id, {})


async def _from_image(transaction: Transaction, caller: Caller, name: str) -> Origin:
    """BadRequest: there is no such image, it has no bytes, or they are not those of a disk."""
    found = await image.find_image(transaction, caller, name)
    if found is None:
        raise core_errors.BadRequest(
            f"Invalid image identifier or unable to access requested image: {name[:64]}", field="volume.imageRef"
        )
    if found.status != "active" or found.size is None:
        raise core_errors.BadRequest(f"Image {found.id} is not active.", field="volume.imageRef")
    if found.disk_format != "raw":
        raise core_errors.BadRequest(
            f"image {found.id} has the disk format {found.disk_format}; volumes are made from raw ones",
            field="volume.imageRef",
        )
    said = {
        "image_id": found.id,
        "image_name": found.name or "",
        "checksum": found.checksum or "",
        "container_format": found.container_format or "",
        "disk_format": found.disk_format,
        "min_disk": str(found.min_disk),
        "min_ram": str(found.min_ram),
        "size": str(found.size),
    }
    least = max(found.min_disk, -(-found.size // GIB))
    said |= await image.properties_of(transaction, found.id)
    return Origin("image", found.id, least, bootable=True, image=said)


async def snapshot(transaction: Transaction, caller: Caller, id: str) -> tuple[Snapshot, Volume]:
    """A snapshot to make a volume from, and its volume. SnapshotNotFound; InvalidSnapshot: it is not taken yet, or is going."""
    found = await snapshot_store.get(transaction, id, lock=True)
    of = await store.get(transaction, found.volume_id) if found else None
    if found is None or of is None or not caller.sees(found.project_id):
        raise errors.SnapshotNotFound(id)
    if found.status != SnapshotState.AVAILABLE:
        raise errors.InvalidSnapshot(f"its status is {found.status}; it must be available")
    return found, of


async def volume(transaction: Transaction, caller: Caller, id: str) -> Volume:
    """A volume to make another one from. VolumeNotFound; InvalidVolume: it is neither available nor in use."""
    found = await store.get(transaction, id, lock=True)
    if found is None or not caller.sees(found.project_id):
        raise errors.VolumeNotFound(id)
    if found.status not in _COPIED:
        raise errors.InvalidVolume(f"the source's status is {found.status}; it must be available or in-use")
    return found


def size(wished: int | None, origin: Origin) -> int:
    """GiB of the new volume: what is wished, else those of its origin. BadRequest: neither is said, or less than it has."""
    if wished is None and (not origin.size or origin.kind == states.IMAGE):
        raise core_errors.BadRequest("a volume needs a size in GiB", field="volume.size")
    if wished is not None and wished < origin.size:
        raise core_errors.BadRequest(
            f"{wished} GiB is less than the {origin.size} GiB of the {origin.kind} that the volume is made from",
            field="volume.size",
        )
    return wished or origin.size


async def hold(transaction: Transaction, made: Volume) -> None:
    """What the volume is made from stays until it is made."""
    if kind := _KINDS.get(made.source_kind):
        await holds.hold(transaction, (kind, made.source_id or ""), (KIND, made.id))


async def let_go(transaction: Transaction, made: Volume) -> None:
    """The volume is made, or never will be. Repeatable."""
    if kind := _KINDS.get(made.source_kind):
        await holds.release(transaction, (kind, made.source_id or ""), (KIND, made.id))
