"""Images of hosts, and images that were found, on the wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.services.container import model
from boxship.services.container.schemas import hosts
from boxship.services.image import public as image

LONGEST = 255
"""Characters of the name of an image."""
Word = Annotated[str, Meta(min_length=1, max_length=255)]


class PullRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of POST: a name for the engine, or the id of an image of the image service; and the host, by name or id."""

    repo: Annotated[str, Meta(min_length=2, max_length=255)]
    host: Word


class ImageView(msgspec.Struct, kw_only=True):
    """An image of a host as Zun shows it. ``status``, ``status_reason`` and ``progress`` are Boxship's own."""

    uuid: str
    links: list[dict[str, str]]
    image_id: str | None
    repo: str
    tag: str
    size: str | None
    project_id: str
    host: str
    status: str
    status_reason: str | None
    progress: dict[str, int]


def view(row: model.HostImage, base_url: str) -> ImageView:
    """The row; progress is in bytes."""
    return ImageView(
        uuid=row.id,
        links=hosts.links(base_url, "images", row.id),
        image_id=row.image_id,
        repo=row.repo,
        tag=row.tag,
        size=None if row.size is None else str(row.size),
        project_id=row.project_id,
        host=row.host,
        status=row.status,
        status_reason=row.fault,
        progress={"done": row.done, "total": row.total},
    )


def found_by_engine(found: dict[str, str | int | bool]) -> dict[str, Any]:
    """What a registry tells of an image, as Zun passes it on."""
    told = dict(found)
    metadata = {name: told.pop(name) for name in ("is_official", "star_count") if name in told}
    return told | {"metadata": metadata}


def found_in_glance(found: image.FoundImage) -> dict[str, Any]:
    """An image of the image service; its bytes are had there."""
    return {
        "id": found.id,
        "name": found.name,
        "tags": list(found.tags),
        "status": found.status,
        "size": found.size,
        "container_format": "docker",
        "metadata": {},
    }
