"""The rows of the image service, as frozen values. A comment per group of columns says who writes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

KIND = "image"
"""The kind of images for wake-ups."""
IMPORT = "image_import"
"""The kind of images whose bytes are to be fetched."""


class Status(StrEnum):
    """The words of the Image API."""

    QUEUED = "queued"  # described, without bytes
    SAVING = "saving"  # bytes are coming
    IMPORTING = "importing"  # bytes are fetched from where the user said
    ACTIVE = "active"  # bytes are there
    DEACTIVATED = "deactivated"  # bytes are there, only admins may fetch them
    DELETED = "deleted"  # never seen: the row waits for its bytes to be removed


class Visibility(StrEnum):
    """Who sees an image."""

    PUBLIC = "public"  # everybody
    PRIVATE = "private"  # its owner
    SHARED = "shared"  # its owner and its members
    COMMUNITY = "community"  # everybody who asks for it


class Image(msgspec.Struct, frozen=True):
    """An image. The order of fields is the order of columns."""

    # create, once
    id: str
    created_at: datetime
    # operations: what the user says of it
    owner: str
    name: str | None
    visibility: str
    container_format: str | None
    disk_format: str | None
    min_disk: int
    min_ram: int
    protected: bool
    hidden: bool
    updated_at: datetime
    # operations: create, delete, deactivate and the two ends of an upload; the reconciler ends what a crash left
    status: str
    # operations: the upload that ``status`` saving belongs to; the reconciler: the one of ``status`` importing
    upload: str | None
    # operations: the good end of an upload
    size: int | None
    checksum: str | None
    sha512: str | None
    # operations: the beginning of an upload; the host that has the bytes
    host: str = ""
    # operations: where the bytes are imported from, while they are
    source: str | None = None
    # the reconciler: why the last import failed
    failure: str | None = None


class Member(msgspec.Struct, frozen=True):
    """A project that a shared image is offered to. Written by operations; ``status`` pending, accepted or rejected."""

    image_id: str
    member_id: str
    status: str
    created_at: datetime
    updated_at: datetime
