"""Share types on the wire. Every answer has them under two names, as clients of Cinder's time look for the older one."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.services.share import versions
from boxship.services.share.model import ShareType
from boxship.services.share.operations import types
from boxship.services.share.schemas.shares import Flag, Key, ShareCall, Text, flag

Spec = Annotated[str, Meta(min_length=1, max_length=255)] | bool | int
Specs = Annotated[dict[Annotated[str, Meta(pattern=r"^[\w.:-]{1,255}$")], Spec], Meta(max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]


class NewType(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The type in POST /types."""

    name: Name
    description: Text | None = None
    extra_specs: Specs = {}
    is_public: Flag | None = msgspec.field(default=None, name="share_type_access:is_public")
    os_is_public: Flag | None = msgspec.field(default=None, name="os-share-type-access:is_public")


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /types."""

    share_type: NewType | None = None
    volume_type: NewType | None = None


def new_type(request: CreateRequest, call: ShareCall) -> ShareType:
    """What is asked for; before 2.24 types have snapshots unless they say otherwise. BadRequest: nothing is asked for."""
    new = request.share_type or request.volume_type
    if new is None:
        raise BadRequest("this field is required", field="share_type")
    if not new.name.strip():
        raise BadRequest("Share type name cannot be empty.", field="share_type.name")
    if new.description and call.version < versions.TYPE_DESCRIPTION:
        raise BadRequest("types have a description since version 2.41", field="share_type.description")
    specs = words(new.extra_specs)
    if call.version < versions.FROM_SNAPSHOT:
        specs.setdefault(types.SNAPSHOTS, "True")
    given = new.is_public if new.is_public is not None else new.os_is_public
    return ShareType("", new.name, new.description, True if given is None else flag(given), specs, clock.now())


def words(specs: dict[str, str | bool | int]) -> dict[str, str]:
    """Extra specs as they are kept."""
    return {key: str(value) for key, value in specs.items()}


class Changes(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The type in PUT /types/{type}."""

    name: Name | None = None
    description: Text | None = None
    is_public: Flag | None = msgspec.field(default=None, name="share_type_access:is_public")


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /types/{type}."""

    share_type: Changes | None = None
    volume_type: Changes | None = None


def changes(request: UpdateRequest) -> dict[str, object]:
    """What is given anew. BadRequest: nothing is."""
    new = request.share_type or request.volume_type or Changes()
    if new.name is not None and not new.name.strip():
        raise BadRequest("Share type name cannot be empty.", field="share_type.name")
    given: dict[str, object] = {"name": new.name, "description": new.description}
    given["is_public"] = None if new.is_public is None else flag(new.is_public)
    found = {name: value for name, value in given.items() if value is not None}
    if found.get("description") == "":
        found["description"] = None
    if not found:
        raise BadRequest("Specify share type name, description, share_type_access:is_public or a combination thereof.")
    return found


class SpecsRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../extra_specs."""

    extra_specs: Specs


OneSpec = Annotated[dict[Key, Spec], Meta(min_length=1, max_length=1)]
"""PUT .../extra_specs/{key}."""


class Access(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which project."""

    project: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f-]{32,36}$")]


class AccessRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../action."""

    add: Access | None = msgspec.field(default=None, name="addProjectAccess")
    remove: Access | None = msgspec.field(default=None, name="removeProjectAccess")


def shown(call: ShareCall, share_type: ShareType) -> dict[str, Any]:
    """A type as it is answered: admins see the extra specs as they are, others those that tell how shares behave."""
    specs = dict(share_type.extra_specs)
    if not call.caller.is_admin:
        specs = {name: value for name, value in specs.items() if name in types.TENANT_VISIBLE}
        if call.version >= versions.FROM_SNAPSHOT:
            specs = dict.fromkeys(types.OPTIONAL, "False") | specs
    required = {name: value for name, value in specs.items() if name == types.DHSS}
    if call.version < versions.FROM_SNAPSHOT and types.SNAPSHOTS in specs:
        required[types.SNAPSHOTS] = specs[types.SNAPSHOTS]
    public = (
        "share_type_access:is_public" if call.version >= versions.NO_OS_PREFIX else "os-share-type-access:is_public"
    )
    answer: dict[str, Any] = {
        "id": share_type.id,
        "name": share_type.name,
        "extra_specs": specs,
        "required_extra_specs": required,
        public: share_type.is_public,
    }
    if call.version >= versions.TYPE_DESCRIPTION:
        answer["description"] = share_type.description
    if call.version >= versions.DEFAULT_TYPE:
        answer["is_default"] = share_type.name == types.DEFAULT
    return answer
