"""The rows of the share service, as frozen values. A comment per group of columns says who writes it."""

from __future__ import annotations

from datetime import datetime

import msgspec

KIND = "share"
"""The kind of shares for wake-ups and holds."""

SNAPSHOT = "share_snapshot"
"""The kind of snapshots."""

GIB = 1 << 30
"""Bytes of the unit that sizes are given in."""


class Share(msgspec.Struct, frozen=True):
    """A share: what is wished and what was last seen of it. The order of fields is the order of columns."""

    # create, once; ``host``: whose disk it is on; ``snapshot_id``: what it begins with, None: an empty file system
    id: str
    project_id: str
    user_id: str
    type_id: str
    share_proto: str
    availability_zone: str
    created_at: datetime
    host: str
    snapshot_id: str | None
    # operations: what the user calls it, and whether all projects see it
    name: str | None
    description: str | None
    is_public: bool
    # operations: the wish, ``size`` in GiB. Every change of these, and of the access rules, increments ``generation``.
    # ``revert_to``: the reconciler empties it when the share is mounted again.
    size: int
    deleting: bool = False
    condemned: bool = False
    revert_to: str | None = None
    revert_asked: int = 0
    generation: int = 1
    # operations and reconciler: a state that does not follow from the rest: declared by an admin, or the failure of a wish
    # that was withdrawn; empty: none. The next wish ends it.
    declared: str = ""
    # reconciler: what it saw; ``observed`` is the generation that ``fault`` and the rest belong to
    observed: int = 0
    made: bool = False
    made_size: int = 0
    reverted: int = 0
    path: str | None = None
    location: str | None = None
    fault: str | None = None
    # store, with every change: follows from the columns above (states.shown), kept so that lists filter by it
    status: str = ""
    updated_at: datetime | None = None


class Rule(msgspec.Struct, frozen=True):
    """An access rule: whom a share is exported to. ``applied`` and ``fault`` are the reconciler's, the rest is the wish."""

    id: str
    share_id: str
    access_type: str
    access_to: str
    access_level: str
    created_at: datetime
    deleting: bool = False
    applied: bool = False
    fault: str | None = None
    updated_at: datetime | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """What a share held at one moment. The order of fields is the order of columns."""

    # create, once; ``size``: GiB of the share then
    id: str
    share_id: str
    project_id: str
    user_id: str
    size: int
    share_proto: str
    created_at: datetime
    host: str
    # operations: what the user calls it
    name: str | None
    description: str | None
    # operations: the wish. Every change of these increments ``generation``.
    deleting: bool = False
    condemned: bool = False
    generation: int = 1
    # operations: the state that an admin declares it to be in; empty: none
    declared: str = ""
    # reconciler: what it saw; ``observed`` is the generation that ``fault`` belongs to
    observed: int = 0
    made: bool = False
    fault: str | None = None
    # store, with every change: follows from the columns above (states.snapshot_shown)
    status: str = ""
    updated_at: datetime | None = None


class ShareType(msgspec.Struct, frozen=True):
    """A kind of share. Written by operations."""

    id: str
    name: str
    description: str | None
    is_public: bool
    extra_specs: dict[str, str]
    created_at: datetime


TYPE = "type"
"""The scope of limits of a share type in a project."""
USER = "user"
"""The scope of limits of a user in a project."""


class Part(msgspec.Struct, frozen=True):
    """What is of one share type or one user within a project, for quotas."""

    scope: str
    id: str

    def within(self, project_id: str) -> str:
        """The id of its limits."""
        return f"{project_id}/{self.id}"
