"""Volumes on the wire."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call
from boxship.services.volume import versions
from boxship.services.volume.model import Attachment, Volume
from boxship.services.volume.operations.volumes import VolumeDetail, VolumeWish

Text = Annotated[str, Meta(max_length=255)]
Key = Annotated[str, Meta(min_length=1, max_length=255)]
Metadata = Annotated[dict[Key, Text], Meta(max_length=128)]
Size = Annotated[int, Meta(ge=1, le=2**31 - 1)] | Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,8}$")]

HOST = f"{platform.node()}@boxship#boxship"
"""Where volumes are, as Cinder names backends: host@backend#pool."""


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
    snapshot_id: Text | None = None
    source_volid: Text | None = None
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


_SOURCES = {
    "snapshot_id": "snapshot_id",
    "source_volid": "source_volid",
    "source_replica": "source_replica",
    "image_ref": "imageRef",
    "image_id": "image_id",
    "consistencygroup_id": "consistencygroup_id",
    "group_id": "group_id",
    "backup_id": "backup_id",
}


def wish(request: CreateRequest, project_id: str) -> VolumeWish:
    """What is asked for. BadRequest: a source, as volumes are made blank only; no size."""
    new = request.volume
    for field, name in _SOURCES.items():
        if getattr(new, field):
            raise BadRequest("volumes are made blank here, not from another resource", field=f"volume.{name}")
    if new.size is None:
        raise BadRequest("a blank volume needs a size in GiB", field="volume.size")
    return VolumeWish(
        project_id=project_id,
        size=int(new.size),
        name=new.name if new.name is not None else new.display_name,
        description=new.description if new.description is not None else new.display_description,
        volume_type=new.volume_type,
        availability_zone=new.availability_zone,
        metadata=new.metadata or {},
        multiattach=bool(new.multiattach),
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


class ResetStatus(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-reset_status; only ``status`` has a meaning here."""

    status: Annotated[str, Meta(max_length=32)] | None = None
    attach_status: Annotated[str, Meta(max_length=32)] | None = None
    migration_status: Annotated[str, Meta(max_length=32)] | None = None


class ActionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../action: exactly one of these."""

    reset_status: ResetStatus | None = msgspec.field(default=None, name="os-reset_status")
    force_delete: Annotated[dict[str, Any], Meta(max_length=0)] | msgspec.UnsetType | None = msgspec.field(
        default=msgspec.UNSET, name="os-force_delete"
    )


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
        "bootable": "false",
        "encrypted": False,
        "multiattach": volume.multiattach,
        "metadata": detail.metadata,
        "attachments": [_attachment(one) for one in detail.attachments],
        "snapshot_id": None,
        "source_volid": None,
        "consistencygroup_id": None,
        "replication_status": None,
        "user_id": volume.user_id,
        "created_at": clock.stamp_micro(volume.created_at),
        "updated_at": clock.stamp_micro(volume.updated_at),
        "links": _links(call, volume),
    }
    if call.version >= versions.GROUPS:
        answer["group_id"] = None
    return answer


def extended(call: Call[Any], detail: VolumeDetail, fields: dict[str, Any]) -> dict[str, Any]:
    """A volume with what Cinder's extensions add, which is when it is shown or listed, and not when it is made or changed."""
    return {**shown(call, detail), "os-vol-tenant-attr:tenant_id": detail.volume.project_id, **fields}


def admin_fields(call: Call[Any]) -> dict[str, Any]:
    """The fields that only some see; the same for every volume here."""
    fields: dict[str, Any] = {}
    if call.caller.may("volume_extension:volume_host_attribute"):
        fields["os-vol-host-attr:host"] = HOST
    if call.caller.may("volume_extension:volume_mig_status_attribute"):
        fields |= {"os-vol-mig-status-attr:migstat": None, "os-vol-mig-status-attr:name_id": None}
    if call.version >= versions.PROVIDER_ID and call.caller.is_admin:
        fields["provider_id"] = None
    return fields


def _attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": attachment.volume_id,
        "attachment_id": attachment.id,
        "volume_id": attachment.volume_id,
        "server_id": attachment.holder_id,
        "host_name": None,
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
