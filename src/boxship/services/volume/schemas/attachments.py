"""Attachments on the wire."""

from __future__ import annotations

from typing import Any

from boxship.core import clock
from boxship.services.volume.model import Attachment, Volume


def brief(attachment: Attachment, volume: Volume) -> dict[str, Any]:
    """An attachment in the short list."""
    return {
        "id": attachment.id,
        "status": "attached" if volume.path else "reserved",
        "instance": attachment.holder_id,
        "volume_id": attachment.volume_id,
    }


def shown(attachment: Attachment, volume: Volume) -> dict[str, Any]:
    """An attachment as it is answered; how the host reaches the volume is nobody's business."""
    return {
        **brief(attachment, volume),
        "attached_at": clock.stamp_micro(attachment.attached_at),
        "detached_at": "",
        "attach_mode": "ro" if attachment.read_only else "rw",
        "connection_info": {},
    }
