"""Snapshots on the wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call
from boxship.services.volume import versions
from boxship.services.volume.model import Snapshot
from boxship.services.volume.operations.snapshots import SnapshotWish
from boxship.services.volume.schemas import flags
from boxship.services.volume.schemas.volumes import Metadata, Text
from boxship.services.volume.states import SnapshotState

Document = dict[str, Any]
"""An object as it is answered."""
Unset = msgspec.UnsetType


class NewSnapshot(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The snapshot in POST /snapshots."""

    volume_id: Annotated[str, Meta(min_length=1, max_length=64)] | None
    name: Text | None = None
    description: Text | None = None
    display_name: Text | None = None
    display_description: Text | None = None
    force: flags.Flag | None = None
    metadata: Metadata | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /snapshots."""

    snapshot: NewSnapshot


def wish(request: CreateRequest, call: Call[None]) -> SnapshotWish:
    """What is asked for. BadRequest: ``force`` is no boolean, or said where it has no meaning any more (3.66)."""
    new = request.snapshot
    always = call.version >= versions.SNAPSHOT_IN_USE
    force = new.force is not None and flags.is_set(new.force, "snapshot.force")
    if always and new.force is not None and not force:
        raise BadRequest("since 3.66 snapshots are of volumes in use, too", field="snapshot.force")
    return SnapshotWish(
        volume_id=new.volume_id or "",
        name=new.name if new.name is not None else new.display_name,
        description=new.description if new.description is not None else new.display_description,
        metadata=new.metadata or {},
        force=force or always,
    )


class Changes(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The snapshot in PUT /snapshots/{snapshot}."""

    name: Text | None | Unset = msgspec.UNSET
    description: Text | None | Unset = msgspec.UNSET
    display_name: Text | None | Unset = msgspec.UNSET
    display_description: Text | None | Unset = msgspec.UNSET


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /snapshots/{snapshot}."""

    snapshot: Changes


def changes(request: UpdateRequest) -> dict[str, str | None]:
    """The new name and description, where given. BadRequest: nothing is."""
    new = request.snapshot
    given = [
        ("name", new.display_name),
        ("description", new.display_description),
        ("name", new.name),
        ("description", new.description),
    ]
    found = {name: value for name, value in given if not isinstance(value, Unset)}
    if not found:
        raise BadRequest("nothing to change is given", field="snapshot")
    return found


class ResetStatus(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-reset_status."""

    status: SnapshotState


class UpdateStatus(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-update_snapshot_status."""

    status: SnapshotState
    progress: Annotated[str, Meta(pattern=r"^(100|[0-9]{1,2})%$")] | None = None


class ActionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../action: exactly one of these."""

    reset_status: ResetStatus | None = msgspec.field(default=None, name="os-reset_status")
    force_delete: Annotated[dict[str, Any], Meta(max_length=0)] | Unset | None = msgspec.field(
        default=msgspec.UNSET, name="os-force_delete"
    )
    update_status: UpdateStatus | None = msgspec.field(default=None, name="os-update_snapshot_status")


def shown(call: Call[Any], snapshot: Snapshot, metadata: dict[str, str]) -> dict[str, Any]:
    """A snapshot as it is answered when it is made, changed or listed in short."""
    answer: dict[str, Any] = {
        "id": snapshot.id,
        "volume_id": snapshot.volume_id,
        "name": snapshot.name,
        "description": snapshot.description,
        "status": snapshot.status,
        "size": snapshot.size,
        "metadata": metadata,
        "created_at": clock.stamp_micro(snapshot.created_at),
        "updated_at": clock.stamp_micro(snapshot.updated_at),
    }
    if call.version >= versions.SNAPSHOT_GROUPS:
        answer["group_snapshot_id"] = None
    if call.version >= versions.SNAPSHOT_USER:
        answer["user_id"] = snapshot.user_id
    if call.version >= versions.CONSUMES_QUOTA:
        answer["consumes_quota"] = True
    return answer


def extended(call: Call[Any], snapshot: Snapshot, metadata: dict[str, str]) -> dict[str, Any]:
    """A snapshot with what Cinder's extension adds when it is shown or listed in detail."""
    done = snapshot.status == SnapshotState.AVAILABLE
    return {
        **shown(call, snapshot, metadata),
        "os-extended-snapshot-attributes:progress": snapshot.progress or ("100%" if done else "0%"),
        "os-extended-snapshot-attributes:project_id": snapshot.project_id,
    }
