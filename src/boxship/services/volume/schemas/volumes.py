"""Volumes on the wire."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call
from boxship.core.http.microversions import Version
from boxship.services.volume import versions
from boxship.services.volume.model import Attachment, Volume
from boxship.services.volume.operations import needs, sources
from boxship.services.volume.operations.volumes import VolumeDetail, VolumeWish

Text = Annotated[str, Meta(max_length=255)]
Id = Annotated[
    str,
    Meta(pattern=r"^[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}$", max_length=36),
]
"""An id, which is a UUID with or without dashes."""
Key = Annotated[str, Meta(min_length=1, max_length=255)]
Metadata = Annotated[dict[Key, Text], Meta(max_length=128)]
Size = Annotated[int, Meta(ge=1, le=2**31 - 1)] | Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,8}$")]


class NewVolume(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The volume in POST /volumes; what older clients send without need is read and does not count."""

    size: Size | None = None
    name: Text | None = None
    description: Text | None = None
    display_name: Text | None = None
    display_description: Text | None = None
    volume_type: Text | None = None
    availability_zone: Text | None = None
    metadata: Metadata | None = None
    multiattach: bool | None = None
    snapshot_id: Id | None = None
    source_volid: Id | None = None
    source_replica: Text | None = None
    image_ref: Text | None = msgspec.field(default=None, name="imageRef")
    image_id: Text | None = None
    consistencygroup_id: Text | None = None
    group_id: Text | None = None
    backup_id: Text | None = None
    user_id: Text | None = None
    project_id: Text | None = None
    status: Text | None = None
    attach_status: Text | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /volumes."""

    volume: NewVolume
    scheduler_hints: Annotated[dict[str, Any], Meta(max_length=64)] | None = msgspec.field(
        default=None, name="OS-SCH-HNT:scheduler_hints"
    )


_ELSEWHERE = {
    "source_replica": "source_replica",
    "consistencygroup_id": "consistencygroup_id",
    "group_id": "group_id",
    "backup_id": "backup_id",
}
"""What a volume cannot be made from here."""


def wish(request: CreateRequest, project_id: str) -> VolumeWish:
    """What is asked for. BadRequest: a source that there is none of here."""
    new = request.volume
    for field, name in _ELSEWHERE.items():
        if getattr(new, field):
            raise BadRequest("volumes are made blank, or from a snapshot, a volume or an image", field=f"volume.{name}")
    return VolumeWish(
        project_id=project_id,
        size=int(new.size) if new.size is not None else None,
        name=new.name if new.name is not None else new.display_name,
        description=new.description if new.description is not None else new.display_description,
        volume_type=new.volume_type,
        availability_zone=new.availability_zone,
        metadata=new.metadata or {},
        multiattach=bool(new.multiattach),
        source=sources.Named(
            snapshot_id=new.snapshot_id or None,
            volume_id=new.source_volid or None,
            image=new.image_ref or new.image_id or None,
        ),
    )


class Changes(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The volume in PUT /volumes/{volume}."""

    name: Text | None | msgspec.UnsetType = msgspec.UNSET
    description: Text | None | msgspec.UnsetType = msgspec.UNSET
    display_name: Text | None | msgspec.UnsetType = msgspec.UNSET
    display_description: Text | None | msgspec.UnsetType = msgspec.UNSET
    metadata: Metadata | None = None


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /volumes/{volume}."""

    volume: Changes


def changes(request: UpdateRequest) -> dict[str, str | None]:
    """The new name and description, where given. BadRequest: nothing is."""
    new = request.volume
    given = {"name": new.display_name, "description": new.display_description}
    given |= {
        name: value
        for name, value in (("name", new.name), ("description", new.description))
        if value is not msgspec.UNSET
    }
    found = {name: value for name, value in given.items() if not isinstance(value, msgspec.UnsetType)}
    if not found and new.metadata is None:
        raise BadRequest("nothing to change is given", field="volume")
    return found


class MetadataRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST and PUT .../metadata."""

    metadata: Metadata


class MetadataItemRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT .../metadata/{key}."""

    meta: Annotated[dict[Key, Text], Meta(min_length=1, max_length=1)]


def shown(call: Call[Any], detail: VolumeDetail) -> dict[str, Any]:
    """A volume as it is answered; what is for admins depends on rules."""
    volume = detail.volume
    answer: dict[str, Any] = {
        "id": volume.id,
        "name": volume.name,
        "description": volume.description,
        "size": volume.size,
        "status": volume.status,
        "volume_type": detail.type_name,
        "availability_zone": volume.availability_zone,
        "bootable": str(volume.bootable).lower(),
        "encrypted": False,
        "multiattach": volume.multiattach,
        "metadata": _metadata(detail),
        "attachments": [_attachment(one, volume) for one in detail.attachments],
        "snapshot_id": volume.source_id if volume.source_kind == "snapshot" else None,
        "source_volid": volume.source_id if volume.source_kind == "volume" else None,
        "consistencygroup_id": None,
        "replication_status": None,
        "user_id": volume.user_id,
        "created_at": clock.stamp_micro(volume.created_at),
        "updated_at": clock.stamp_micro(volume.updated_at),
        "links": _links(call, volume),
    }
    return answer | _since(call, volume)


def _metadata(detail: VolumeDetail) -> dict[str, str]:
    """With what was said of reading only, as Cinder shows it among the user's own pairs."""
    read_only = detail.volume.read_only
    return detail.metadata if read_only is None else {**detail.metadata, "readonly": str(read_only)}


def _since(call: Call[Any], volume: Volume) -> dict[str, Any]:
    """What came with a version. A device is not shared with other volumes, so nobody has to lock anything."""
    fields: tuple[tuple[Version, str, Any], ...] = (
        (versions.GROUPS, "group_id", None),
        (versions.SHARED_TARGETS, "shared_targets", False),
        (versions.SHARED_TARGETS, "service_uuid", str(uuid.uuid5(uuid.NAMESPACE_DNS, address(volume)))),
        (versions.TYPE_ID, "volume_type_id", volume.type_id),
        (versions.CONSUMES_QUOTA, "consumes_quota", True),
    )
    return {name: value for version, name, value in fields if call.version >= version}


def address(volume: Volume) -> str:
    """What keeps the volume, as Cinder names it: host@backend."""
    return f"{volume.host}@{volume.backend}"


def extended(call: Call[Any], detail: VolumeDetail, fields: dict[str, Any]) -> dict[str, Any]:
    """A volume with what Cinder's extensions add, which is when it is shown or listed, and not when it is made or changed."""
    answer = {**shown(call, detail), "os-vol-tenant-attr:tenant_id": detail.volume.project_id, **fields}
    if detail.image_metadata:
        answer["volume_image_metadata"] = detail.image_metadata
    if "os-vol-host-attr:host" in answer:
        answer["os-vol-host-attr:host"] = f"{address(detail.volume)}#{detail.volume.backend}"
    return answer


def admin_fields(call: Call[Any]) -> dict[str, Any]:
    """The fields that only some see; where a volume is, is filled in for each."""
    fields: dict[str, Any] = {}
    if call.caller.may("volume_extension:volume_host_attribute"):
        fields["os-vol-host-attr:host"] = ""
    if call.caller.may("volume_extension:volume_mig_status_attribute"):
        fields |= {"os-vol-mig-status-attr:migstat": None, "os-vol-mig-status-attr:name_id": None}
    if call.caller.is_admin:
        fields["migration_status"] = None
    if call.version >= versions.PROVIDER_ID and call.caller.is_admin:
        fields["provider_id"] = None
    if call.version >= versions.CLUSTER_NAME and call.caller.is_admin:
        fields["cluster_name"] = None
    return fields


def _attachment(attachment: Attachment, volume: Volume) -> dict[str, Any]:
    """``host_name``: what an outside holder said of itself; holders of our own are where the volume is."""
    own = attachment.holder_kind not in needs.OUTSIDE
    return {
        "id": attachment.volume_id,
        "attachment_id": attachment.id,
        "volume_id": attachment.volume_id,
        "server_id": None if attachment.holder_kind == needs.CLIENT else attachment.holder_id,
        "host_name": (volume.host or None) if own else attachment.host_name,
        "device": attachment.mountpoint,
        "attached_at": clock.stamp_micro(attachment.attached_at),
    }


def _links(call: Call[Any], volume: Volume) -> list[dict[str, str]]:
    project = call.parameters["project_id"]
    return [
        {"rel": "self", "href": f"{call.base_url}/v3/{project}/volumes/{volume.id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{project}/volumes/{volume.id}"},
    ]


def brief(call: Call[Any], volume: Volume) -> dict[str, Any]:
    """A volume in the short list."""
    return {"id": volume.id, "name": volume.name, "links": _links(call, volume)}


def listed(call: Call[Any], name: str, items: Iterable[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """A page of ``name`` with the link to the next one, where there may be one."""
    found = list(items)
    answer: dict[str, Any] = {name: found}
    if more and found:
        words = [(key, value) for key, value in call.query.pairs if key != "marker"]
        query = urlencode([*words, ("marker", found[-1]["id"])])
        path = "/".join(call.path.strip("/").split("/")[1:])
        answer[f"{name}_links"] = [{"rel": "next", "href": f"{call.base_url}/{path}?{query}"}]
    return answer
