"""The rows of the orchestration service as frozen types, in the order of the columns; a comment per group says who writes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """What the reconcile loop knows of this service."""

    STACK = "stack"


class Action(StrEnum):
    """What is or was last done to a stack or a resource."""

    INIT = "INIT"
    CREATE = "CREATE"
    DELETE = "DELETE"
    UPDATE = "UPDATE"
    ROLLBACK = "ROLLBACK"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    ADOPT = "ADOPT"
    SNAPSHOT = "SNAPSHOT"
    CHECK = "CHECK"
    RESTORE = "RESTORE"


class Status(StrEnum):
    """How far it came."""

    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    COMPLETE = "COMPLETE"


class Raw(msgspec.Struct, frozen=True):
    """A template with what belongs to it, as it was sent. Never changed: an update brings another one."""

    id: str
    template: dict[str, Any]
    environment: dict[str, Any]
    files: dict[str, str]


class Stack(msgspec.Struct, frozen=True):
    """A stack. ``raw_id`` is what is wanted, ``former_raw_id`` what a rollback brings back (None: nothing, so it deletes)."""

    # Written once, by create.
    id: str
    project_id: str
    created_at: datetime
    owner_id: str | None
    owner_resource: str | None
    root_id: str
    depth: int
    # The wish, written by operations (and by the reconciler where it rolls back).
    name: str
    user_id: str
    user_name: str
    roles: list[str]
    raw_id: str
    former_raw_id: str | None
    tags: list[str]
    timeout: int
    disable_rollback: bool
    action: Action
    generation: int
    began_at: datetime
    subject: str | None
    # What came of it, written by the reconciler.
    status: Status
    reason: str
    updated_at: datetime | None
    deleted_at: datetime | None
    host: str

    @property
    def in_progress(self) -> bool:
        return self.status is Status.IN_PROGRESS


class Resource(msgspec.Struct, frozen=True):
    """A resource of a stack; all of it is written by the reconciler, but for ``metadata`` and signals.

    A name may have several rows: the one whose ``replaced_by`` is None stands for it, the others are to be removed. ``needs``
    are the ids of the rows it was made from. ``generation`` is that of the stack when it was last brought up to date.
    """

    id: str
    stack_id: str
    name: str
    created_at: datetime
    type: str
    kind: str
    """The type that the environment makes of it."""
    action: Action
    status: Status
    reason: str
    physical_id: str | None
    properties: dict[str, Any]
    data: dict[str, str]
    metadata: dict[str, Any]
    needs: list[str]
    policy: str
    """The deletion policy: Delete, Retain or Snapshot."""
    replaced_by: str | None
    generation: int
    updated_at: datetime | None

    @property
    def in_progress(self) -> bool:
        return self.status is Status.IN_PROGRESS

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a stack or one of its resources; ``number`` gives their order."""

    number: int
    id: str
    stack_id: str
    root_id: str
    resource_name: str
    resource_type: str
    physical_id: str | None
    action: Action
    status: Status
    reason: str
    properties: dict[str, Any]
    created_at: datetime


class Snapshot(msgspec.Struct, frozen=True):
    """A stack as it was at a moment: ``data`` holds its template and what each resource kept."""

    id: str
    stack_id: str
    name: str | None
    status: Status
    action: Action
    reason: str
    data: dict[str, Any]
    created_at: datetime


class SoftwareConfig(msgspec.Struct, frozen=True):
    """A piece of configuration that agents on servers apply; never changed."""

    id: str
    project_id: str
    name: str | None
    group: str
    config: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    options: dict[str, Any]
    created_at: datetime


class SoftwareDeployment(msgspec.Struct, frozen=True):
    """A configuration meant for one server, and what its agent says of it."""

    id: str
    project_id: str
    config_id: str
    server_id: str
    created_at: datetime
    action: str
    status: str
    status_reason: str
    input_values: dict[str, Any]
    output_values: dict[str, Any]
    updated_at: datetime | None
