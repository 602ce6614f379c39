"""Volume types on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.services.volume.model import VolumeType

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=255)]
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:\- ]{1,255}$")]
Specs = Annotated[dict[Key, Text], Meta(max_length=128)]

ACCESS = "os-volume-type-access:is_public"


class NewType(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The type in POST /types."""

    name: Name
    description: Text | None = None
    is_public: bool = msgspec.field(default=True, name=ACCESS)
    extra_specs: Specs | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /types."""

    volume_type: NewType


class Changes(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The type in PUT /types/{type}."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    description: Text | None | msgspec.UnsetType = msgspec.UNSET
    is_public: bool | msgspec.UnsetType = msgspec.UNSET


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /types/{type}."""

    volume_type: Changes


class SpecsRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /types/{type}/extra_specs."""

    extra_specs: Specs


Project = Annotated[str, Meta(min_length=1, max_length=64)]


class Access(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whom an action is about."""

    project: Project


class ActionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /types/{type}/action: exactly one of these."""

    add: Access | None = msgspec.field(default=None, name="addProjectAccess")
    remove: Access | None = msgspec.field(default=None, name="removeProjectAccess")


def wish(new: NewType) -> VolumeType:
    """The type that is asked for; id and time are the operation's."""
    return VolumeType("", new.name, new.description, new.is_public, new.extra_specs or {}, datetime.now(UTC))


def changes(new: Changes) -> dict[str, object]:
    """The fields that are given."""
    given = {"name": new.name, "description": new.description, "is_public": new.is_public}
    return {name: value for name, value in given.items() if value is not msgspec.UNSET}


def changed(volume_type: VolumeType) -> dict[str, Any]:
    """A type as it is answered when it was changed."""
    return {
        "id": volume_type.id,
        "name": volume_type.name,
        "description": volume_type.description,
        "is_public": volume_type.is_public,
        "extra_specs": volume_type.extra_specs,
    }


def made(volume_type: VolumeType) -> dict[str, Any]:
    """A type as it is answered when it was made."""
    return {**changed(volume_type), ACCESS: volume_type.is_public}


def shown(volume_type: VolumeType) -> dict[str, Any]:
    """A type as it is shown and listed; nothing here has quality of service."""
    return {**made(volume_type), "qos_specs_id": None}
