"""Services, pools, messages and availability zones on the wire."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.services.share.model import GIB
from boxship.services.share.operations import messages, placement, services
from boxship.services.share.schemas.shares import ShareCall, Text, links
from boxship.services.share.store.messages import Message


class ServiceRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /services/enable and /services/disable."""

    binary: Annotated[str, Meta(min_length=1, max_length=255)]
    host: Annotated[str, Meta(min_length=1, max_length=255)]
    disabled_reason: Text | None = None


def service(found: services.Service) -> dict[str, Any]:
    """A service."""
    return {
        "id": found.id,
        "binary": found.binary,
        "host": found.address,
        "zone": found.zone,
        "status": "disabled" if found.disabled else "enabled",
        "state": "up" if found.up else "down",
        "updated_at": clock.stamp_micro(found.seen),
    }


def zone(name: str) -> dict[str, Any]:
    """An availability zone; those that hosts are in were not made by anybody."""
    id = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    return {"id": id, "name": name, "created_at": None, "updated_at": None}


def is_meant(name: str, wanted: str) -> bool:
    """Whether a name matches a pattern as Manila's clients write them: words with ``.*`` for anything, and nothing else of
    regular expressions, as these can be made to take for ever. Each part is looked for once, from the left."""
    first, *rest = wanted.removeprefix("^").removesuffix("$").replace("\\", "").split(".*")
    if not rest:
        return name == first
    *middle, last = rest
    at, end = len(first), len(name) - len(last)
    if at > end or not (name.startswith(first) and name.endswith(last)):
        return False
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def pool(found: services.Service) -> dict[str, Any]:
    """A pool in the short list."""
    name = f"{found.address}#{services.POOL}"
    return {"name": name, "host": found.host, "backend": services.BACKEND, "pool": services.POOL}


async def pool_detail(call: ShareCall, found: services.Service) -> dict[str, Any]:
    """A pool with what can be asked of it; how much room it has, of this host only."""
    room = await call.live.capacity(found.host)
    capabilities = placement.capabilities() | {
        "total_capacity_gb": round(room.total / GIB, 2) if room else "unknown",
        "free_capacity_gb": round(room.free / GIB, 2) if room else "unknown",
        "allocated_capacity_gb": None,
        "reserved_percentage": 0,
        "timestamp": clock.stamp_micro(found.seen),
    }
    return {**pool(found), "capabilities": capabilities}


def message(call: ShareCall, found: Message) -> dict[str, Any]:
    """Why something failed."""
    action = messages.ACTIONS.get(messages.Action(found.action), "unknown action")
    return {
        "id": found.id,
        "project_id": found.project_id,
        "action_id": found.action,
        "detail_id": found.detail,
        "message_level": found.level,
        "created_at": clock.stamp_micro(found.created_at),
        "expires_at": clock.stamp_micro(found.expires_at),
        "request_id": found.request_id,
        "resource_type": found.resource_type,
        "resource_id": found.resource_id,
        "user_message": f"{action}: {found.reason}",
        "links": links(call, "messages", found.id),
    }
