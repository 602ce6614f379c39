"""Private registries on the wire; a password is only ever read."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.services.container import model
from boxship.services.container.schemas import hosts

Name = Annotated[str, Meta(min_length=2, max_length=255, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
Domain = Annotated[
    str,
    # What Docker takes for a registry and not for a folder: it has a dot or a port, or is localhost.
    Meta(max_length=255, pattern=r"^(localhost|(?=.*[.:])[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?)(:[0-9]{1,5})?$"),
]
Username = Annotated[str, Meta(min_length=1, max_length=255)]
Password = Annotated[str, Meta(min_length=1, max_length=4096)]
HIDDEN = "***"
"""What is shown in the place of every password, also of one that is not there, as Zun does."""


class RegistryRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A registry that is to be kept."""

    domain: Domain
    name: Name | None = None
    username: Username | None = None
    password: Password | None = None


class ChangeRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed of one."""

    domain: Domain | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    username: Username | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class CreateBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST."""

    registry: RegistryRequest


class ChangeBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of PATCH."""

    registry: ChangeRequest


def changes(request: ChangeRequest) -> dict[str, Any]:
    """The fields that are named."""
    asked = msgspec.structs.asdict(request)
    if isinstance(request.domain, str):
        asked["domain"] = request.domain.lower()
    return {name: value for name, value in asked.items() if value is not UNSET}


def view(row: model.Registry, base_url: str) -> dict[str, Any]:
    """The row as Zun shows it."""
    return {
        "uuid": row.id,
        "links": hosts.links(base_url, "registries", row.id),
        "user_id": row.user_id,
        "project_id": row.project_id,
        "name": row.name,
        "domain": row.domain,
        "username": row.username,
        "password": HIDDEN,
    }
