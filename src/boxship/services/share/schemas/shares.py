"""Shares on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call, Query
from boxship.core.http.microversions import Version
from boxship.services.share import versions
from boxship.services.share.live import ShareLive
from boxship.services.share.model import Share
from boxship.services.share.operations import types
from boxship.services.share.operations.services import BACKEND, POOL
from boxship.services.share.operations.shares import ShareDetail, ShareWish
from boxship.services.share.states import State

ShareCall = Call[ShareLive]
Document = dict[str, Any]
"""What is answered."""
Text = Annotated[str, Meta(max_length=255)]
Key = Annotated[str, Meta(min_length=1, max_length=255)]
Value = Annotated[str, Meta(min_length=1, max_length=1023)]
Metadata = Annotated[dict[Key, Value], Meta(max_length=128)]
Size = Annotated[int, Meta(ge=1, le=2**31 - 1)] | Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,8}$")]
Flag = bool | Annotated[str, Meta(pattern=r"^(?i:true|false|1|0|yes|no|on|off)$")] | Annotated[int, Meta(ge=0, le=1)]
"""A boolean in the spellings that clients use."""


class NewShare(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The share in POST /shares."""

    size: Size
    share_proto: Text
    name: Text | None = None
    description: Text | None = None
    display_name: Text | None = None
    display_description: Text | None = None
    share_type: Text | None = None
    volume_type: Text | None = None
    availability_zone: Text | None = None
    snapshot_id: Text | None = None
    is_public: Flag | None = None
    metadata: Metadata | None = None
    share_network_id: Text | None = None
    share_group_id: Text | None = None
    consistency_group_id: Text | None = None
    scheduler_hints: Annotated[dict[str, Any], Meta(max_length=64)] | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /shares."""

    share: NewShare


def flag(value: Flag | None) -> bool:
    """What a boolean in any spelling means; None is false."""
    return value is True or str(value).lower() in {"true", "1", "yes", "on"}


_ELSEWHERE = ("share_network_id", "share_group_id", "consistency_group_id")
"""What a share cannot belong to here."""


def wish(request: CreateRequest) -> ShareWish:
    """What is asked for. BadRequest: a network or group, which there are none of here."""
    new = request.share
    for field in _ELSEWHERE:
        if getattr(new, field):
            raise BadRequest("shares here have neither networks of their own nor groups", field=f"share.{field}")
    if new.share_type and new.volume_type:
        raise BadRequest("Cannot specify both share_type and volume_type", field="share.share_type")
    return ShareWish(
        size=int(new.size),
        share_proto=new.share_proto,
        name=new.name if new.name is not None else new.display_name,
        description=new.description if new.description is not None else new.display_description,
        share_type=new.share_type or new.volume_type,
        availability_zone=new.availability_zone or None,
        snapshot_id=new.snapshot_id or None,
        is_public=flag(new.is_public),
        metadata=new.metadata or {},
    )


class Changes(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The share in PUT /shares/{share}."""

    name: Text | None | msgspec.UnsetType = msgspec.UNSET
    description: Text | None | msgspec.UnsetType = msgspec.UNSET
    display_name: Text | None | msgspec.UnsetType = msgspec.UNSET
    display_description: Text | None | msgspec.UnsetType = msgspec.UNSET
    is_public: Flag | msgspec.UnsetType = msgspec.UNSET


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /shares/{share}."""

    share: Changes


def changes(new: Changes) -> dict[str, str | bool | None]:
    """What is given anew: name, description, is_public."""
    given: dict[str, Any] = {
        "name": new.display_name if new.name is msgspec.UNSET else new.name,
        "description": new.display_description if new.description is msgspec.UNSET else new.description,
    }
    if not isinstance(new.is_public, msgspec.UnsetType):
        given["is_public"] = flag(new.is_public)
    return {name: value for name, value in given.items() if value is not msgspec.UNSET}


class MetadataRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST and PUT .../metadata."""

    metadata: Metadata


class MetadataItemRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT .../metadata/{key}; clients differ in the word."""

    metadata: Annotated[dict[Key, Value], Meta(min_length=1, max_length=1)] | None = None
    meta: Annotated[dict[Key, Value], Meta(min_length=1, max_length=1)] | None = None


def item(request: MetadataItemRequest, key: str) -> dict[str, str]:
    """The pair of a request. BadRequest: there is none, or it is another key's."""
    pair = request.metadata or request.meta or {}
    if key not in pair:
        raise BadRequest("Request body and URI mismatch", field="metadata")
    return pair


def shown(call: ShareCall, detail: ShareDetail) -> dict[str, Any]:
    """A share as it is answered; where it is, is for those whom a rule lets see it."""
    share, share_type = detail.share, detail.share_type
    answer: dict[str, Any] = {
        "id": share.id,
        "name": share.name,
        "description": share.description,
        "size": share.size,
        "status": _status(call, share),
        "share_proto": share.share_proto,
        "share_type": share_type.id if call.version >= versions.TYPE_NAME else share_type.name,
        "volume_type": share_type.name,
        "availability_zone": share.availability_zone,
        "is_public": share.is_public,
        "metadata": detail.metadata,
        "snapshot_id": share.snapshot_id,
        "share_network_id": None,
        "project_id": share.project_id,
        "created_at": clock.stamp_micro(share.created_at),
        "links": links(call, "shares", share.id),
    }
    answer |= {name: value for since, name, value in _since(detail) if call.version >= since}
    if call.version < versions.EXPORT_LOCATIONS:
        answer |= _old_locations(share)
    if call.caller.may("share:list_by_host"):
        answer |= {"host": f"{share.host}@{BACKEND}#{POOL}", "share_server_id": None}
    return answer


def instance(call: ShareCall, detail: ShareDetail) -> dict[str, Any]:
    """The one instance of a share, for admins."""
    share = detail.share
    answer: dict[str, Any] = {
        "id": share.id,
        "share_id": share.id,
        "status": _status(call, share),
        "availability_zone": share.availability_zone,
        "host": f"{share.host}@{BACKEND}#{POOL}",
        "share_network_id": None,
        "share_server_id": None,
        "created_at": clock.stamp_micro(share.created_at),
    }
    since: list[tuple[Version, str, Any]] = [
        (versions.RULES_STATUS, "access_rules_status", detail.rules),
        (versions.REPLICATION, "replica_state", None),
        (versions.INSTANCE_TYPE, "share_type_id", share.type_id),
        (versions.INSTANCE_RULES, "cast_rules_to_readonly", False),
        (versions.PROGRESS, "progress", "100%" if share.made else None),
        (versions.INSTANCE_TIMES, "updated_at", clock.stamp_micro(share.updated_at)),
    ]
    answer |= {name: value for version, name, value in since if call.version >= version}
    return answer | (_old_locations(share) if call.version < versions.EXPORT_LOCATIONS else {})


def _old_locations(share: Share) -> dict[str, Any]:
    """Where it can be mounted from, as before 2.9."""
    found = [place for place in (share.location, share.path) if place]
    return {"export_location": found[0] if found else None, "export_locations": found}


def _status(call: ShareCall, share: Share) -> str:
    """The state; that it begins with a snapshot is told since 2.54."""
    if share.status == State.FROM_SNAPSHOT and call.version < versions.PROGRESS:
        return State.CREATING
    return share.status


def _since(detail: ShareDetail) -> list[tuple[Version, str, Any]]:
    """What came with a version."""
    share, share_type = detail.share, detail.share_type
    return [
        (versions.SNAPSHOT_SUPPORT, "snapshot_support", types.has_snapshots(share_type)),
        (versions.TASK_STATE, "task_state", None),
        (versions.TYPE_NAME, "share_type_name", share_type.name),
        (versions.RULES_STATUS, "access_rules_status", detail.rules),
        (versions.REPLICATION, "replication_type", None),
        (versions.REPLICATION, "has_replicas", False),
        (versions.SHARE_USER, "user_id", share.user_id),
        (versions.FROM_SNAPSHOT, "create_share_from_snapshot_support", types.may_copy(share_type)),
        (versions.REVERT, "revert_to_snapshot_support", types.may_revert(share_type)),
        (versions.GROUPS, "share_group_id", None),
        (versions.GROUPS, "source_share_group_snapshot_member_id", None),
        (versions.MOUNT_SNAPSHOT, "mount_snapshot_support", False),
        (versions.PROGRESS, "progress", "100%" if share.made else None),
        (versions.RECYCLE_BIN, "is_soft_deleted", False),
        (versions.RECYCLE_BIN, "scheduled_to_be_deleted_at", None),
    ]


def query(call: ShareCall) -> Query:
    """The query without filters that the version does not know yet."""
    known = [
        (name, value)
        for name, value in call.query.pairs
        if call.version >= _FILTERS.get(name, versions.MICROVERSIONS.minimum)
    ]
    return Query(tuple(known))


_FILTERS = {
    "export_location_id": versions.LOCATION_FILTERS,
    "export_location_path": versions.LOCATION_FILTERS,
    "name~": versions.LIKE,
    "description~": versions.LIKE,
    "description": versions.LIKE,
    "is_soft_deleted": versions.RECYCLE_BIN,
}
"""Since when shares are filtered by what."""


def links(call: ShareCall, resource: str, id: str) -> list[dict[str, str]]:
    """Where a resource is."""
    return [
        {"rel": "self", "href": f"{call.base_url}/v2/{resource}/{id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{resource}/{id}"},
    ]


def brief(call: ShareCall, share: Share) -> dict[str, Any]:
    """A share in the short list."""
    return {"id": share.id, "name": share.name, "links": links(call, "shares", share.id)}


def listed(call: ShareCall, name: str, items: Iterable[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """A page of ``name`` with the link to the next one, where there may be one and a limit was given."""
    found = list(items)
    answer: dict[str, Any] = {name: found}
    limit = call.query.number("limit")
    if more and found and limit:
        words = [(key, value) for key, value in call.query.pairs if key != "offset"]
        query = urlencode([*words, ("offset", str((call.query.number("offset") or 0) + len(found)))])
        path = "/".join(call.path.strip("/").split("/")[1:])
        answer[f"{name}_links"] = [{"rel": "next", "href": f"{call.base_url}/{path}?{query}"}]
    return answer
