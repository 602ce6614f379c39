"""JSON patches of images: add, replace and remove, as RFC 6902 and Glance's older media type write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from boxship.core.errors import BadRequest
from boxship.core.http import call
from boxship.services.image import errors
from boxship.services.image.schemas.images import FIELDS, Document, require_writable

MEDIA = "application/openstack-images-v2.1-json-patch"
OLD_MEDIA = "application/openstack-images-v2.0-json-patch"
"""The operation is a name with the path as its value: ``{"replace": "/name", "value": "x"}``."""


Path = Annotated[str, Meta(max_length=1024)]


class Change(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One operation; ``value`` belongs to add and replace."""

    op: Literal["add", "replace", "remove"]
    path: Path
    value: Any = msgspec.UNSET


Changes = Annotated[list[Change], Meta(max_length=512)]


class OldChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One operation of the older media type."""

    add: Path | msgspec.UnsetType = msgspec.UNSET
    replace: Path | msgspec.UnsetType = msgspec.UNSET
    remove: Path | msgspec.UnsetType = msgspec.UNSET
    value: Any = msgspec.UNSET


OldChanges = Annotated[list[OldChange], Meta(max_length=512)]


def read(body: bytes, media: str = MEDIA) -> list[Change]:
    """The operations of a patch. BadRequest: not a list of such."""
    if media == OLD_MEDIA:
        return [_modern(change) for change in call.decode(body, OldChanges)]
    return call.decode(body, Changes)


def _modern(change: OldChange) -> Change:
    named: dict[Literal["add", "replace", "remove"], str | msgspec.UnsetType] = {
        "add": change.add,
        "replace": change.replace,
        "remove": change.remove,
    }
    found = [(op, path) for op, path in named.items() if isinstance(path, str)]
    if len(found) != 1:
        raise BadRequest("an operation is one of add, replace and remove", field="op")
    return Change(op=found[0][0], path=found[0][1], value=change.value)


def apply(document: Document, changes: Iterable[Change]) -> Document:
    """The document after the operations, in their order; the types of values are left to ``schemas.images.described``.

    BadRequest: a path that leads nowhere, a value that is missing. PropertyMissing: replace or remove of what is not
    there. NotRemovable, ReadOnlyAttribute, ReservedAttribute.
    """
    changed = dict(document)
    for change in changes:
        name, *rest = pointer(change.path)
        require_writable(name)
        if change.op != "remove" and change.value is msgspec.UNSET:
            raise BadRequest(f"the operation {change.op!r} needs a value", field="value")
        if not rest:
            _on_field(changed, name, change)
        elif name == "tags" and len(rest) == 1:
            changed["tags"] = _on_list(changed["tags"], rest[0], change)
        else:
            raise BadRequest(f"{change.path!r} leads into a value that has no parts", field="path")
    return changed


def pointer(path: str) -> list[str]:
    """A JSON pointer (RFC 6901) as its parts. BadRequest: not one, or empty parts."""
    if not path.startswith("/") or re.search(r"~(?![01])", path):
        raise BadRequest(f"{path!r} is not a JSON pointer that starts with a slash", field="path")
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    if not all(parts):
        raise BadRequest(f"{path!r} has empty parts", field="path")
    return parts


def _on_field(document: Document, name: str, change: Change) -> None:
    if change.op != "add" and name not in document:
        raise errors.PropertyMissing(name)
    if change.op != "remove":
        document[name] = change.value
    elif name in FIELDS:
        raise errors.NotRemovable(name)
    else:
        del document[name]


def _on_list(tags: object, place: str, change: Change) -> list[object]:
    """One tag of the list; ``-`` is the place after the last."""
    changed = list(tags) if isinstance(tags, list) else []
    if place == "-" and change.op == "add":
        return [*changed, change.value]
    last = len(changed) if change.op == "add" else len(changed) - 1
    if not re.fullmatch(r"0|[1-9]\d{0,5}", place) or int(place) > last:
        raise BadRequest(f"{place!r} is no place in the list of tags", field="path")
    if change.op == "add":
        changed.insert(int(place), change.value)
    elif change.op == "replace":
        changed[int(place)] = change.value
    else:
        del changed[int(place)]
    return changed
