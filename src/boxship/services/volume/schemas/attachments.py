"""Attachments on the wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call
from boxship.services.volume import versions
from boxship.services.volume.model import Attachment, Volume
from boxship.services.volume.operations import connections, needs
from boxship.services.volume.operations.connections import ConnectionWish
from boxship.services.volume.schemas.volumes import Id

Word = Annotated[str, Meta(max_length=1024)]
Connector = Annotated[
    dict[Annotated[str, Meta(max_length=255)], Word | int | bool | float | list[Word] | None],
    Meta(max_length=64),
]
"""What os-brick tells of a host: words, numbers, and lists of words (addresses of adapters)."""
_MOST = 16384
"""Bytes of a connector that are kept."""


class NewAttachment(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The attachment in POST /attachments; ``mode`` since 3.54."""

    volume_uuid: Id
    instance_uuid: Id | None = None
    connector: Connector | None = None
    mode: Annotated[str, Meta(pattern="^(rw|ro|null)$")] | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /attachments."""

    attachment: NewAttachment


class Update(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The attachment in PUT."""

    connector: Connector


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /attachments/{attachment}."""

    attachment: Update


class CompleteRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /attachments/{attachment}/action."""

    complete: Annotated[dict[str, Any], Meta(max_length=0)] | Annotated[str, Meta(max_length=64)] | None = (
        msgspec.field(name="os-complete")
    )


def wish(call: Call[Any]) -> ConnectionWish:
    """What is asked for. BadRequest: the mode before it was known."""
    new = call.read(CreateRequest).attachment
    if new.mode is not None and call.version < versions.ATTACH_MODE:
        raise BadRequest(f"it is known from version {versions.ATTACH_MODE} on", field="attachment.mode")
    return ConnectionWish(
        volume_id=new.volume_uuid,
        instance_id=new.instance_uuid,
        connector=connector(new.connector, "attachment.connector") if new.connector else None,
        read_only=new.mode == "ro",
    )


def connector(given: dict[str, Any], field: str) -> dict[str, object]:
    """A connector as it is kept. BadRequest: it is empty, or too large."""
    if not given:
        raise BadRequest("a connector names at least its host", field=field)
    if len(msgspec.json.encode(given)) > _MOST:
        raise BadRequest(f"longer than {_MOST} bytes", field=field)
    return dict(given)


def brief(attachment: Attachment, volume: Volume) -> dict[str, Any]:
    """An attachment in the short list; of a service's own, the state follows from the volume."""
    outside = attachment.holder_kind in needs.OUTSIDE
    status = attachment.status if outside else ("attached" if volume.path else "reserved")
    return {
        "id": attachment.id,
        "status": status,
        "instance": instance(attachment),
        "volume_id": attachment.volume_id,
    }


def instance(attachment: Attachment) -> str | None:
    """The instance, or what holds the volume in its place; a client that named none has none."""
    return None if attachment.holder_kind == needs.CLIENT else attachment.holder_id


def shown(attachment: Attachment, volume: Volume) -> dict[str, Any]:
    """An attachment as it is answered."""
    return {
        **brief(attachment, volume),
        "attached_at": clock.stamp_micro(attachment.attached_at),
        "detached_at": "",
        "attach_mode": "ro" if attachment.read_only else "rw",
        "connection_info": connections.connection_info(attachment, volume),
    }
