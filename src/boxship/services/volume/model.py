"""The rows of the volume service, as frozen values. A comment per group of columns says who writes it."""

from __future__ import annotations

from datetime import datetime

import msgspec

KIND = "volume"
"""The kind of volumes for wake-ups and holds."""

GIB = 1 << 30
"""Bytes of the unit that sizes are given in."""


class Volume(msgspec.Struct, frozen=True):
    """A volume: what is wished and what was last seen of it. The order of fields is the order of columns."""

    # create, once
    id: str
    project_id: str
    user_id: str
    size: int
    type_id: str
    availability_zone: str
    multiattach: bool
    created_at: datetime
    # operations: what the user calls it
    name: str | None
    description: str | None
    # operations: the wish. Every change of these increments ``generation``.
    deleting: bool
    attached: bool
    condemned: bool
    generation: int
    # reconciler: what it saw; ``observed`` is the generation that ``fault`` and the rest belong to
    observed: int
    made: bool
    path: str | None
    fault: str | None
    # store, with every change: follows from the columns above (states.shown), kept so that lists filter by it
    status: str
    updated_at: datetime | None
    # create, once: the host whose disk it is on
    host: str = ""


class Attachment(msgspec.Struct, frozen=True):
    """Somebody needs the volume mounted. Written by operations (attach, detach)."""

    id: str
    volume_id: str
    holder_kind: str
    holder_id: str
    mountpoint: str
    read_only: bool
    attached_at: datetime


class VolumeType(msgspec.Struct, frozen=True):
    """A kind of volume. Written by operations."""

    id: str
    name: str
    description: str | None
    is_public: bool
    extra_specs: dict[str, str]
    created_at: datetime
