"""Discovery of the Image API: versions, import methods and the JSON schemas of its resources. Constant."""

from __future__ import annotations

from typing import Any, get_args

from boxship.services.image.model import Visibility
from boxship.services.image.operations.images import ContainerFormat, DiskFormat
from boxship.services.image.schemas.images import READ_ONLY

_VERSIONS = ("v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0")
"""Newest first; 2.7 brought hidden images and the second checksum."""


def versions(base_url: str) -> dict[str, Any]:
    """All versions; Glance answers it with 300."""
    return {
        "versions": [
            {
                "id": version,
                "status": "SUPPORTED" if at else "CURRENT",
                "links": [{"rel": "self", "href": f"{base_url}/v2/"}],
            }
            for at, version in enumerate(_VERSIONS)
        ]
    }


IMPORT_METHODS = {
    "import-methods": {"description": "Import methods available.", "type": "array", "value": ["web-download"]},
}
"""Bytes come by PUT .../file, or from a URL."""


def _field(kind: object, description: str, **more: object) -> dict[str, object]:
    return {"type": kind, "description": description, **more}


_COUNT: dict[str, object] = {"minimum": 0, "maximum": 2**31 - 1}
_MAY_BE_NULL = ["null", "string"]

_PROPERTIES: dict[str, dict[str, object]] = {
    "id": _field("string", "An identifier for the image"),
    "name": _field(_MAY_BE_NULL, "Descriptive name for the image", maxLength=255),
    "status": _field("string", "Status of the image", enum=["queued", "saving", "importing", "active", "deactivated"]),
    "visibility": _field("string", "Scope of image accessibility", enum=[str(one) for one in Visibility]),
    "owner": _field(_MAY_BE_NULL, "Owner of the image", maxLength=64),
    "container_format": _field(_MAY_BE_NULL, "Format of the container", enum=[None, *get_args(ContainerFormat)]),
    "disk_format": _field(_MAY_BE_NULL, "Format of the disk", enum=[None, *get_args(DiskFormat)]),
    "min_disk": _field("integer", "Amount of disk space (in GB) required to boot image.", **_COUNT),
    "min_ram": _field("integer", "Amount of ram (in MB) required to boot image.", **_COUNT),
    "protected": _field("boolean", "If true, image will not be deletable."),
    "os_hidden": _field("boolean", "If true, image will not appear in default image list response."),
    "size": _field(["null", "integer"], "Size of image file in bytes"),
    "virtual_size": _field(["null", "integer"], "Virtual size of image in bytes"),
    "checksum": _field(_MAY_BE_NULL, "MD5 hash of image contents.", maxLength=32),
    "os_hash_algo": _field(_MAY_BE_NULL, "Algorithm to calculate the os_hash_value", maxLength=64),
    "os_hash_value": _field(_MAY_BE_NULL, "Hexdigest of the image contents", maxLength=128),
    "tags": _field("array", "List of strings related to the image", items={"type": "string", "maxLength": 255}),
    "created_at": _field("string", "Date and time of image registration"),
    "updated_at": _field("string", "Date and time of the last image modification"),
    "self": _field("string", "An image self url"),
    "file": _field("string", "An image file url"),
    "schema": _field("string", "An image schema url"),
}

IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": {
        name: {**field, "readOnly": True} if name in READ_ONLY and name != "id" else field
        for name, field in _PROPERTIES.items()
    },
    "additionalProperties": {"type": "string"},
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}

MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "image_id": _field("string", "An identifier for the image"),
        "member_id": _field("string", "An identifier for the image member (project)"),
        "status": _field("string", "The status of this image member", enum=["pending", "accepted", "rejected"]),
        "created_at": _field("string", "Date and time of image member creation"),
        "updated_at": _field("string", "Date and time of last modification of image member"),
        "schema": {"type": "string", "readOnly": True},
    },
}


def collection(name: str, item: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list of such items."""
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": item},
            "schema": {"type": "string"},
            "first": {"type": "string"},
            "next": {"type": "string"},
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }
