"""The rows of the volume service, as frozen values. A comment per group of columns says who writes it."""

from __future__ import annotations

from datetime import datetime

import msgspec

KIND = "volume"
"""The kind of volumes for wake-ups and holds."""

SNAPSHOT = "volume_snapshot"
"""The kind of snapshots."""

UPLOAD = "volume_upload"
"""The kind of uploads to images."""

BACKUP = "volume_backup"
"""The kind of backups."""

GIB = 1 << 30
"""Bytes of the unit that sizes are given in."""


FILE = "file"
"""The name, and the kind, of the backend of hosts that never said which ones they have."""


class Backend(msgspec.Struct, frozen=True):
    """A place on a host that volumes are kept in; ``shared``: other hosts reach the same volumes in theirs of this name."""

    name: str = FILE
    kind: str = FILE
    shared: bool = False


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
    # create: the host whose disk it is on; attachments: the one that a volume of a shared backend follows its user to
    host: str = ""
    # operations: the state that attachments of the API, actions and transfers give it (``states.CLAIMS``); empty: none
    claim: str = ""
    # operations: whether it may be attached for reading only; None: nobody ever said
    read_only: bool | None = None
    # create, once: what it begins with (a kind of ``drivers.storage.interface`` and an id); empty: zeros
    source_kind: str = ""
    source_id: str | None = None
    # operations: whether a machine may be started from it
    bootable: bool = False
    # operations: whether a holder needs the mount; ``attached`` alone asks for the device only
    mounted: bool = False
    # reconciler: the device that was seen, and the GiB that the storage has made
    device: str | None = None
    made_size: int = 0
    # operations: the snapshot to go back to, and how often that was asked for; reconciler: how often it was done
    revert_to: str | None = None
    revert_asked: int = 0
    reverted: int = 0
    # operations: what its bytes are needed for (states.ERRANDS), which the reconciler of that ends; empty: nothing
    errand: str = ""
    # create, once: the backend of its host that it is in
    backend: str = FILE


class Attachment(msgspec.Struct, frozen=True):
    """Somebody needs the volume. Written by operations.

    Services that run things hold it mounted: ``status`` is empty, as it follows from the volume. Of an attachment of the API
    it is reserved, attaching (``connector`` says who wants the device), attached or detaching.
    """

    id: str
    volume_id: str
    holder_kind: str
    holder_id: str
    mountpoint: str
    read_only: bool
    attached_at: datetime
    status: str = ""
    host_name: str | None = None
    connector: dict[str, object] | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """What a volume held at one moment. The order of fields is the order of columns."""

    # create, once; ``host``: whose disk it is on
    id: str
    volume_id: str
    project_id: str
    user_id: str
    size: int
    created_at: datetime
    host: str
    # operations: what the user calls it
    name: str | None
    description: str | None
    # operations: the wish. Every change of these increments ``generation``.
    deleting: bool = False
    condemned: bool = False
    generation: int = 1
    # reconciler: what it saw; ``observed`` is the generation that ``fault`` belongs to
    observed: int = 0
    made: bool = False
    fault: str | None = None
    # store, with every change: follows from the columns above and ``declared`` (states.snapshot_shown)
    status: str = ""
    updated_at: datetime | None = None
    # operations: the state that an admin declares it to be in, empty: none; and the progress that a client tells then
    declared: str = ""
    progress: str | None = None
    # create, once: its volume's
    backend: str = FILE


class Upload(msgspec.Struct, frozen=True):
    """An image is being made of what a volume holds. Written by operations; forgotten when the image has its bytes. ``id`` is
    the image's, ``host`` and ``backend`` the volume's."""

    id: str
    volume_id: str
    host: str
    created_at: datetime
    fault: str | None = None
    backend: str = FILE


class Backup(msgspec.Struct, frozen=True):
    """A copy of what a volume or a snapshot held, kept apart from both. The order of fields is the order of columns."""

    # create, once; ``host``: where its source was and its own bytes are; ``parent_id``: the backup that it continues
    id: str
    volume_id: str
    snapshot_id: str | None
    parent_id: str | None
    project_id: str
    user_id: str
    size: int
    container: str | None
    created_at: datetime
    data_timestamp: datetime
    host: str
    # operations: what the user calls it
    name: str | None
    description: str | None
    metadata: dict[str, str]
    # operations: the wish; ``restore_to`` and how often it was asked for. Every change increments ``generation``.
    deleting: bool = False
    condemned: bool = False
    restore_to: str | None = None
    restore_asked: int = 0
    generation: int = 1
    # reconciler: what it saw and how often it restored; ``observed`` is the generation that ``fault`` belongs to
    observed: int = 0
    made: bool = False
    restored: int = 0
    object_count: int = 0
    fault: str | None = None
    # store, with every change: follows from the columns above (states.backup_shown)
    status: str = ""
    updated_at: datetime | None = None
    # create, once: what is told of the volume beside its bytes
    volume_metadata: dict[str, str] = {}
    image_metadata: dict[str, str] = {}
    bootable: bool = False
    # create, once: the backend that its source was in
    backend: str = FILE


class VolumeType(msgspec.Struct, frozen=True):
    """A kind of volume. Written by operations."""

    id: str
    name: str
    description: str | None
    is_public: bool
    extra_specs: dict[str, str]
    created_at: datetime
