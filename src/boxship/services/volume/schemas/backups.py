"""Backups on the wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call
from boxship.services.volume import versions
from boxship.services.volume.model import Backup, Volume
from boxship.services.volume.operations.backups import BackupWish
from boxship.services.volume.schemas.flags import Flag, is_set
from boxship.services.volume.schemas.volumes import Id, Metadata, Text
from boxship.services.volume.states import BackupState

Unset = msgspec.UnsetType


class NewBackup(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The backup in POST /backups."""

    volume_id: Annotated[str, Meta(min_length=1, max_length=64)]
    snapshot_id: Id | None = None
    name: Text | None = None
    description: Text | None = None
    container: Text | None = None
    availability_zone: Text | None = None
    incremental: Flag | None = None
    force: Flag | None = None
    metadata: Metadata | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /backups."""

    backup: NewBackup


def wish(request: CreateRequest) -> BackupWish:
    """What is asked for. BadRequest: a flag is no boolean."""
    new = request.backup
    return BackupWish(
        volume_id=new.volume_id,
        snapshot_id=new.snapshot_id or None,
        name=new.name,
        description=new.description,
        container=new.container,
        metadata=new.metadata or {},
        force=new.force is not None and is_set(new.force, "backup.force"),
        incremental=new.incremental is not None and is_set(new.incremental, "backup.incremental"),
    )


class Changes(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The backup in PUT /backups/{backup}."""

    name: Text | None | Unset = msgspec.UNSET
    description: Text | None | Unset = msgspec.UNSET
    metadata: Metadata | None = None


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /backups/{backup}."""

    backup: Changes


def changes(request: UpdateRequest) -> dict[str, str | None]:
    """The new name and description, where given. BadRequest: nothing is."""
    new = request.backup
    found = {
        name: value
        for name, value in (("name", new.name), ("description", new.description))
        if not isinstance(value, Unset)
    }
    if not found and new.metadata is None:
        raise BadRequest("nothing to change is given", field="backup")
    return found


class Target(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where a backup is restored to."""

    volume_id: Id | None = None
    name: Text | None = None


class RestoreRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../restore."""

    restore: Target


class ResetStatus(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The action os-reset_status."""

    status: BackupState


class ActionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../action: exactly one of these."""

    reset_status: ResetStatus | None = msgspec.field(default=None, name="os-reset_status")
    force_delete: Annotated[dict[str, Any], Meta(max_length=0)] | Unset | None = msgspec.field(
        default=msgspec.UNSET, name="os-force_delete"
    )


def _links(call: Call[Any], backup: Backup) -> list[dict[str, str]]:
    project = call.parameters["project_id"]
    return [
        {"rel": "self", "href": f"{call.base_url}/v3/{project}/backups/{backup.id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{project}/backups/{backup.id}"},
    ]


def brief(call: Call[Any], backup: Backup) -> dict[str, Any]:
    """A backup in the short list, and when it is made."""
    return {"id": backup.id, "name": backup.name, "links": _links(call, backup)}


def shown(call: Call[Any], backup: Backup, *, continued: bool) -> dict[str, Any]:
    """A backup as it is answered; ``continued``: incremental ones depend on it."""
    answer: dict[str, Any] = {
        **brief(call, backup),
        "status": backup.status,
        "size": backup.size,
        "object_count": backup.object_count,
        "availability_zone": None,
        "container": backup.container,
        "created_at": clock.stamp_micro(backup.created_at),
        "updated_at": clock.stamp_micro(backup.updated_at),
        "description": backup.description,
        "fail_reason": backup.fault,
        "volume_id": backup.volume_id,
        "snapshot_id": backup.snapshot_id,
        "is_incremental": backup.parent_id is not None,
        "has_dependent_backups": continued,
        "data_timestamp": clock.stamp_micro(backup.data_timestamp),
    }
    if call.version >= versions.BACKUP_PROJECT and call.caller.may("backup:backup_project_attribute"):
        answer["os-backup-project-attr:project_id"] = backup.project_id
    if call.version >= versions.BACKUP_METADATA:
        answer["metadata"] = backup.metadata
    if call.version >= versions.BACKUP_USER:
        answer["user_id"] = backup.user_id
    return answer


def restored(backup: Backup, volume: Volume) -> dict[str, Any]:
    """What is being restored, and where to."""
    return {"backup_id": backup.id, "volume_id": volume.id, "volume_name": volume.name}
