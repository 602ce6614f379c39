"""Actions on volumes on the wire: a body names exactly one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call
from boxship.services.image.public import ImageView
from boxship.services.volume.model import Volume
from boxship.services.volume.operations.connections import Attached
from boxship.services.volume.operations.uploads import BARE, RAW, UploadWish
from boxship.services.volume.schemas.attachments import Connector
from boxship.services.volume.schemas.flags import Flag, is_set
from boxship.services.volume.schemas.volumes import Id, Key, Size

Nothing = Annotated[dict[str, Any], Meta(max_length=0)] | Annotated[str, Meta(max_length=64)] | None
"""The body of an action that needs none; clients write null, {} or a word."""
Word = Annotated[str, Meta(max_length=32)]
Long = Annotated[str, Meta(max_length=65535)]


class Attach(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-attach."""

    mountpoint: Annotated[str, Meta(min_length=1, max_length=255)]
    instance_uuid: Id | None = None
    host_name: Annotated[str, Meta(max_length=255)] | None = None
    mode: Annotated[str, Meta(pattern="^(rw|ro)$")] = "rw"


class Detach(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The actions os-detach and os-force_detach."""

    attachment_id: Annotated[str, Meta(max_length=64)] | None = None
    connector: Connector | None = None


class Connect(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-initialize_connection."""

    connector: Connector


class Disconnect(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-terminate_connection; without a connector all are meant."""

    connector: Connector | None


class Extend(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-extend."""

    new_size: Size


class ReadOnly(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-update_readonly_flag."""

    readonly: Flag


class Bootable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-set_bootable."""

    bootable: Flag


class ImageMetadata(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-set_image_metadata."""

    metadata: Annotated[dict[Key, Long], Meta(max_length=128)]


class ImageKey(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-unset_image_metadata."""

    key: Key


class ResetStatus(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-reset_status; nothing is migrated, so ``migration_status`` has no meaning."""

    status: Word | None = None
    attach_status: Annotated[str, Meta(pattern="^(attached|detached)$")] | None = None
    migration_status: Word | None = None


class Retype(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-retype: to a type of the same backend, so nothing is ever moved."""

    new_type: Annotated[str, Meta(min_length=1, max_length=255)]
    migration_policy: Annotated[str, Meta(pattern="^(on-demand|never)$")] | None = None


class Revert(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action revert (3.40)."""

    snapshot_id: Annotated[str, Meta(min_length=1, max_length=64)]


class UploadImage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-volume_upload_image."""

    image_name: Annotated[str, Meta(min_length=1, max_length=255)]
    force: Flag = False
    disk_format: Annotated[str, Meta(max_length=16)] = RAW
    container_format: Annotated[str, Meta(max_length=16)] = BARE
    visibility: Literal["public", "private", "shared", "community"] | None = None
    protected: Flag = False


class ActionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """POST .../action."""

    reserve: Nothing | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-reserve")
    unreserve: Nothing | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-unreserve")
    begin_detaching: Nothing | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-begin_detaching")
    roll_detaching: Nothing | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-roll_detaching")
    attach: Attach | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-attach")
    detach: Detach | None | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-detach")
    force_detach: Detach | None | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-force_detach")
    initialize_connection: Connect | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="os-initialize_connection"
    )
    terminate_connection: Disconnect | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="os-terminate_connection"
    )
    extend: Extend | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-extend")
    retype: Retype | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-retype")
    revert: Revert | msgspec.UnsetType = msgspec.UNSET
    volume_upload_image: UploadImage | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="os-volume_upload_image"
    )
    update_readonly_flag: ReadOnly | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="os-update_readonly_flag"
    )
    set_bootable: Bootable | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-set_bootable")
    show_image_metadata: Nothing | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="os-show_image_metadata"
    )
    set_image_metadata: ImageMetadata | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="os-set_image_metadata"
    )
    unset_image_metadata: ImageKey | msgspec.UnsetType = msgspec.field(
        default=msgspec.UNSET, name="os-unset_image_metadata"
    )
    reset_status: ResetStatus | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-reset_status")
    force_delete: Nothing | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="os-force_delete")


def chosen(call: Call[Any]) -> tuple[str, Any]:
    """The name of the one action, as a field of ``ActionRequest``, and its body. BadRequest: none or several."""
    request = call.read(ActionRequest)
    named = [
        (name, value) for name in request.__struct_fields__ if (value := getattr(request, name)) is not msgspec.UNSET
    ]
    if len(named) != 1:
        raise BadRequest("exactly one action is needed", field="action")
    return named[0]


def attached(body: Attach) -> Attached:
    """What a client says that it has done. BadRequest: for nobody."""
    if body.instance_uuid is None and body.host_name is None:
        raise BadRequest("instance_uuid or host_name is needed", field="os-attach")
    return Attached(
        instance_id=body.instance_uuid,
        host_name=body.host_name,
        mountpoint=body.mountpoint,
        read_only=body.mode == "ro",
    )


def upload(body: UploadImage) -> UploadWish:
    """The image that is asked for. BadRequest: a flag is no boolean."""
    name = "os-volume_upload_image"
    return UploadWish(
        name=body.image_name,
        disk_format=body.disk_format,
        container_format=body.container_format,
        visibility=body.visibility or "private",
        protected=is_set(body.protected, f"{name}.protected"),
        force=is_set(body.force, f"{name}.force"),
    )


def uploaded(volume: Volume, type_name: str, made: ImageView) -> dict[str, Any]:
    """The volume and its image, as they are when they are asked for."""
    return {
        "id": volume.id,
        "updated_at": clock.stamp_micro(volume.updated_at),
        "status": volume.status,
        "display_description": volume.description,
        "size": volume.size,
        "volume_type": {"id": volume.type_id, "name": type_name},
        "image_id": made.id,
        "image_name": made.name,
        "container_format": made.container_format,
        "disk_format": made.disk_format,
    }
