"""Snapshots of shares on the wire."""

from __future__ import annotations

from typing import Any

import msgspec

from boxship.core import clock
from boxship.services.share import versions
from boxship.services.share.model import Snapshot
from boxship.services.share.operations.snapshots import SnapshotWish
from boxship.services.share.schemas.shares import Flag, Metadata, ShareCall, Text, links


class NewSnapshot(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The snapshot in POST /snapshots; ``force`` is read and does not count."""

    share_id: Text
    name: Text | None = None
    description: Text | None = None
    display_name: Text | None = None
    display_description: Text | None = None
    force: Flag | None = None
    metadata: Metadata | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /snapshots."""

    snapshot: NewSnapshot


def wish(request: CreateRequest) -> SnapshotWish:
    """What is asked for."""
    new = request.snapshot
    return SnapshotWish(
        share_id=new.share_id,
        name=new.name if new.name is not None else new.display_name,
        description=new.description if new.description is not None else new.display_description,
        metadata=new.metadata or {},
    )


class Changes(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The snapshot in PUT /snapshots/{snapshot}."""

    name: Text | None | msgspec.UnsetType = msgspec.UNSET
    description: Text | None | msgspec.UnsetType = msgspec.UNSET
    display_name: Text | None | msgspec.UnsetType = msgspec.UNSET
    display_description: Text | None | msgspec.UnsetType = msgspec.UNSET


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /snapshots/{snapshot}."""

    snapshot: Changes


def changes(new: Changes) -> dict[str, str | None]:
    """What is given anew: name, description."""
    given = {
        "name": new.display_name if new.name is msgspec.UNSET else new.name,
        "description": new.display_description if new.description is msgspec.UNSET else new.description,
    }
    return {name: value for name, value in given.items() if not isinstance(value, msgspec.UnsetType)}


def shown(call: ShareCall, snapshot: Snapshot, metadata: dict[str, str]) -> dict[str, Any]:
    """A snapshot as it is answered."""
    answer: dict[str, Any] = {
        "id": snapshot.id,
        "share_id": snapshot.share_id,
        "share_size": snapshot.size,
        "created_at": clock.stamp_micro(snapshot.created_at),
        "status": snapshot.status,
        "name": snapshot.name,
        "description": snapshot.description,
        "size": snapshot.size,
        "share_proto": snapshot.share_proto,
        "links": links(call, "snapshots", snapshot.id),
    }
    if call.version >= versions.PROVIDER_LOCATION and call.caller.is_admin:
        answer["provider_location"] = None
    if call.version >= versions.SNAPSHOT_USER:
        answer |= {"user_id": snapshot.user_id, "project_id": snapshot.project_id}
    if call.version >= versions.SNAPSHOT_METADATA:
        answer["metadata"] = metadata
    return answer


def brief(call: ShareCall, snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot in the short list."""
    return {"id": snapshot.id, "name": snapshot.name, "links": links(call, "snapshots", snapshot.id)}
