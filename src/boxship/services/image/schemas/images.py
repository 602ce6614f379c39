"""Images on the wire: one flat object of fields and the user's own properties. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http import call, urls
from boxship.services.image import errors
from boxship.services.image.model import Member, Status
from boxship.services.image.operations.images import Description, ImageDetail

Document = dict[str, Any]
"""An image as the caller writes it: fields and properties side by side."""

READ_ONLY = frozenset(
    {
        "checksum",
        "created_at",
        "deleted",
        "deleted_at",
        "direct_url",
        "file",
        "id",
        "locations",
        "os_hash_algo",
        "os_hash_value",
        "schema",
        "self",
        "size",
        "status",
        "stores",
        "updated_at",
        "virtual_size",
    }
)
"""Fields that the service writes."""

FIELDS = frozenset(field.name for field in msgspec.structs.fields(Description)) - {"properties"}
"""Fields that the user writes and that every image has."""

_STORE = "file"
"""The one store, as answers name it."""
_UUID = r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"


class _Chosen(msgspec.Struct):
    """The one field that can be given to a new image only."""

    id: Annotated[str, Meta(pattern=_UUID)] | None = None


class MemberRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../members."""

    member: Annotated[str, Meta(min_length=1, max_length=64)]


class MemberStatusRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT .../members/{member}; clients repeat the path in the body, where it does not count."""

    status: Literal["accepted", "pending", "rejected"]
    member: Annotated[str, Meta(max_length=255)] | None = None
    member_id: Annotated[str, Meta(max_length=255)] | None = None
    image_id: Annotated[str, Meta(max_length=255)] | None = None


class _Method(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Literal["web-download"]
    uri: Annotated[str, Meta(min_length=1, max_length=4096)]


class ImportRequest(msgspec.Struct, kw_only=True):
    """POST .../import. There is one store, whatever ``stores`` and its companions say."""

    method: _Method


def read_import(body: bytes) -> str:
    """The URL to fetch from. BadRequest: it is none, or the method is not offered."""
    wish = call.decode(body, ImportRequest)
    if reason := urls.complaint(wish.method.uri):
        raise BadRequest(f"{wish.method.uri[:200]!r} {reason}", field="method.uri")
    return wish.method.uri


def read_new(body: bytes) -> tuple[str | None, Description]:
    """A new image: the id that the caller chose, and the description. BadRequest; ReadOnlyAttribute."""
    document = call.decode(body, dict[str, Any])
    chosen = call.decode(msgspec.json.encode({"id": document.pop("id", None)}), _Chosen).id
    id = str(uuid.UUID(chosen)) if chosen else None
    for name in document:
        require_writable(name)
    return id, described(document)


def described(document: Document) -> Description:
    """The description in a document. BadRequest: a value is not of the field's type; properties are strings."""
    own = {name: value for name, value in document.items() if name not in FIELDS}
    fields = {name: value for name, value in document.items() if name in FIELDS}
    return call.decode(msgspec.json.encode({**fields, "properties": own}), Description)


def require_writable(name: str) -> None:
    """ReadOnlyAttribute, ReservedAttribute: the field is the service's."""
    if name in READ_ONLY:
        raise errors.ReadOnlyAttribute(name)
    if name.startswith("os_glance_") or name == "properties":
        raise errors.ReservedAttribute(name)


def document(detail: ImageDetail) -> Document:
    """What a user may change of an image, for a patch to be applied to."""
    image = detail.image
    return {
        **detail.properties,
        "name": image.name,
        "visibility": image.visibility,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "protected": image.protected,
        "os_hidden": image.hidden,
        "owner": image.owner,
        "tags": list(detail.tags),
    }


def shown(detail: ImageDetail) -> Document:
    """An image as it is answered."""
    image = detail.image
    return {
        **detail.properties,
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "visibility": image.visibility,
        "owner": image.owner,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "protected": image.protected,
        "os_hidden": image.hidden,
        "size": image.size,
        "virtual_size": None,
        "checksum": image.checksum,
        "os_hash_algo": "sha512" if image.sha512 else None,
        "os_hash_value": image.sha512,
        "tags": detail.tags,
        "created_at": clock.stamp(image.created_at),
        "updated_at": clock.stamp(image.updated_at),
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
        **_import(detail),
    }


def _import(detail: ImageDetail) -> Document:
    """What Glance tells of imports while they run and after one that failed; the reason is this cloud's addition."""
    image = detail.image
    if image.status == Status.IMPORTING:
        return {"os_glance_importing_to_stores": _STORE, "os_glance_failed_import": ""}
    if image.failure is not None:
        return {
            "os_glance_importing_to_stores": "",
            "os_glance_failed_import": _STORE,
            "os_glance_import_failure": image.failure,
        }
    return {}


def shown_list(details: Iterable[ImageDetail], query: call.Query, *, more: bool) -> Document:
    """A page of images, with the link to the next one where there may be one."""
    images = [shown(detail) for detail in details]
    words = [(name, value) for name, value in query.pairs if name != "marker"]
    first = f"/v2/images?{urlencode(words)}" if words else "/v2/images"
    answer: Document = {"images": images, "first": first, "schema": "/v2/schemas/images"}
    if more:
        answer["next"] = f"/v2/images?{urlencode([*words, ('marker', images[-1]['id'])])}"
    return answer


def shown_member(member: Member) -> Mapping[str, object]:
    """A member as it is answered."""
    return {
        "image_id": member.image_id,
        "member_id": member.member_id,
        "status": member.status,
        "created_at": clock.stamp(member.created_at),
        "updated_at": clock.stamp(member.updated_at),
        "schema": "/v2/schemas/member",
    }
