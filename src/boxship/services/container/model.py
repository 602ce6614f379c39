"""The row of a container as a frozen type. Each group of columns has one writer."""

from __future__ import annotations

from datetime import datetime

import msgspec

from boxship.services.container import states


class Mount(msgspec.Struct, frozen=True, omit_defaults=True):
    """A volume in the container; ``disposable``: made for it and removed with it."""

    volume_id: str
    destination: str
    disposable: bool = False


class InjectedFile(msgspec.Struct, frozen=True):
    """A file with given bytes (base64 in the row) in the container, read-only."""

    destination: str
    content: bytes


class Plug(msgspec.Struct, frozen=True, omit_defaults=True):
    """A port of the container; ``borrowed``: it was there before and stays."""

    port_id: str
    network_id: str
    borrowed: bool = False


class RestartPolicy(msgspec.Struct, frozen=True):
    """Zun's form of Docker's restart policy."""

    Name: str
    MaximumRetryCount: str = "0"


class HealthCheck(msgspec.Struct, frozen=True):
    """A command run in the container; times in seconds."""

    test: str
    interval: int = 30
    retries: int = 3
    timeout: int = 30


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A container: what was asked for, what is wanted, what was seen."""

    # Identity: written once, when it is made.
    id: str
    project_id: str
    user_id: str
    created_at: datetime

    # The specification: written by operations, when it is made.
    name: str
    image: str
    image_driver: str
    image_id: str | None
    image_pull_policy: str | None
    command: list[str] | None
    entrypoint: list[str] | None
    environment: dict[str, str]
    labels: dict[str, str]
    workdir: str | None
    hostname: str | None
    cpu: float | None
    memory: int | None
    disk: int
    restart_policy: RestartPolicy | None
    healthcheck: HealthCheck | None
    interactive: bool
    tty: bool
    privileged: bool
    auto_remove: bool
    auto_heal: bool
    availability_zone: str | None
    mounts: list[Mount] = []
    files: list[InjectedFile] = []
    plugs: list[Plug] = []

    # The wish: written by operations. Levels and counters of events; generation counts the changes.
    wish: states.Wish
    starts: int
    reboots: int = 0
    stop_timeout: int = 10
    stop_first: bool = False
    generation: int = 1
    updated_at: datetime | None = None

    # What was seen: written by the reconciler. observed is the generation that was last made real.
    status: states.Status = states.Status.CREATING
    status_reason: str | None = None
    pulling: bool = False
    observed: int = 0
    started: int = 0
    rebooted: int = 0
    engine_id: str | None = None
    boot_id: str | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    health: str | None = None
    host: str | None = None

    @property
    def shown_status(self) -> states.Status:
        """The status as users see it: a container that is wanted gone is being deleted."""
        return states.Status.DELETING if self.wish is states.Wish.GONE else self.status

    @property
    def task_state(self) -> states.TaskState | None:
        """What is being done, derived from wish and sight."""
        if self.wish is states.Wish.GONE:
            return states.TaskState.DELETING
        if self.observed == self.generation:
            return None
        if self.status is states.Status.CREATING:
            return states.TaskState.IMAGE_PULLING if self.pulling else states.TaskState.CREATING
        if self.reboots > self.rebooted:
            return states.TaskState.REBOOTING
        if self.wish is states.Wish.STOPPED:
            return states.TaskState.STOPPING
        return states.TaskState.STARTING if self.starts > self.started else None

    @property
    def engine_image(self) -> str:
        """The image's name in the engine. Images from Glance get a name that no request can spell (see ``operations``)."""
        if self.image_driver == "glance":
            return f"{RESERVED_REPOSITORY}:{self.image_id}"
        return self.image


RESERVED_REPOSITORY = "boxship.invalid/glance"
"""Under this name images of tenants are kept in the engine; it is refused in requests, as it would open them to anybody."""
