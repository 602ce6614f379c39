"""The row of a container as a frozen type. Each group of columns has one writer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from boxship.services.container import states


class Mount(msgspec.Struct, frozen=True, omit_defaults=True):
    """A volume or a share in the container; ``disposable``: made for it and removed with it."""

    source_id: str = msgspec.field(name="volume_id")
    destination: str
    disposable: bool = False
    read_only: bool = False
    is_share: bool = False


class InjectedFile(msgspec.Struct, frozen=True):
    """A file with given bytes (base64 in the row) in the container, read-only."""

    destination: str
    content: bytes


class Plug(msgspec.Struct, frozen=True, omit_defaults=True):
    """A port of the container; ``borrowed``: it was there before and stays; ``interface``: its name in the container."""

    port_id: str
    network_id: str
    borrowed: bool = False
    interface: str = ""


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


class Role(StrEnum):
    """What a container is in a capsule."""

    ALONE = ""  # it is in none
    INIT = "init"  # runs to its end before the next one starts
    MAIN = "main"


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
    cpu_policy: str | None = None
    runtime: str | None = None
    registry_id: str | None = None
    exposed_ports: list[str] = []
    group_id: str | None = None  # the security group that was made for exposed_ports, and goes with the container
    capsule_id: str | None = None  # the pod it is part of; its ports and volumes are the capsule's
    role: Role = Role.ALONE
    position: int = 0  # among those of its role in the capsule
    mounts: list[Mount] = []
    files: list[InjectedFile] = []
    plugs: list[Plug] = []

    # The wish: written by operations. Levels and counters of events; generation counts the changes.
    wish: states.Wish
    starts: int
    task: states.TaskState | None = None  # what the last change of the wish is called, shown until it is real
    reboots: int = 0
    kills: int = 0
    kill_signal: str = "SIGKILL"
    rebuilds: int = 0
    resizes: int = 0
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
    killed: int = 0
    rebuilt: int = 0
    resized: int = 0
    engine_id: str | None = None
    boot_id: str | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    health: str | None = None
    host: str | None = None

    @property
    def shown_status(self) -> states.Status:
        """The status as users see it: the work on a wish that takes the container away for a while shows before the sight."""
        if self.wish is states.Wish.GONE:
            return states.Status.DELETING
        if self.rebuilds > self.rebuilt:
            return states.Status.REBUILDING
        return states.Status.RESTARTING if self.reboots > self.rebooted else self.status

    @property
    def task_state(self) -> states.TaskState | None:
        """What is being done: nothing once the wish is real, so that no failure can leave it behind."""
        if self.wish is states.Wish.GONE:
            return states.TaskState.DELETING
        if self.observed == self.generation:
            return None
        return states.TaskState.IMAGE_PULLING if self.pulling else self.task

    @property
    def engine_image(self) -> str:
        """The image's name in the engine. Images from Glance get a name that no request can spell (see ``operations``)."""
        if self.image_driver == "glance":
            return f"{RESERVED_REPOSITORY}:{self.image_id}"
        return self.image


RESERVED_REPOSITORY = "boxship.invalid/glance"
"""Under this name images of tenants are kept in the engine; it is refused in requests, as it would open them to anybody."""


class CapsuleVolume(msgspec.Struct, frozen=True):
    """A volume that the containers of a capsule may mount by its name; ``disposable``: it goes with the capsule."""

    name: str
    volume_id: str
    disposable: bool


class Capsule(msgspec.Struct, frozen=True, kw_only=True):
    """Containers that are placed together and share addresses, IPC and volumes (a pod)."""

    # Identity and specification: written by operations, when it is made.
    id: str
    project_id: str
    user_id: str
    created_at: datetime
    name: str | None
    labels: dict[str, str]
    annotations: dict[str, str]
    restart_policy: str
    availability_zone: str | None
    cpu: float
    memory: int
    host: str
    plugs: list[Plug] = []
    volumes: list[CapsuleVolume] = []
    group_id: str | None = None

    # The wish: written by operations.
    wish: states.Wish = states.Wish.RUNNING
    generation: int = 1
    updated_at: datetime | None = None

    # What was seen: written by the reconciler.
    status: states.CapsuleStatus = states.CapsuleStatus.PENDING
    status_reason: str | None = None
    observed: int = 0

    @property
    def shown_status(self) -> str:
        """The status as users see it: one that is wanted gone is going, whatever its containers still do."""
        return states.Status.DELETING if self.wish is states.Wish.GONE else self.status


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The right to open one session, once: of process 1, or of a command that was prepared (``exec_id``). ``id`` is the
    SHA-256 of the token that its bearer shows."""

    id: str
    container_id: str
    exec_id: str | None
    user_id: str
    expires_at: datetime


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is being made of a container. Written once, by operations; ``fault`` (why there will be none) by the
    reconciler."""

    id: str  # that of the image in the image service
    container_id: str
    project_id: str
    request_id: str
    created_at: datetime
    fault: str | None = None
    host: str = ""

    @property
    def engine_image(self) -> str:
        """Its name in the engine, which no request can spell, until its bytes are in the image service."""
        return f"{RESERVED_REPOSITORY}-commit:{self.id}"


class Event(msgspec.Struct, frozen=True):
    """A step that was taken for an action, and how it ended (``Success`` or ``Error``, with the reason)."""

    event: str
    started_at: datetime
    finished_at: datetime
    result: str
    reason: str = ""


APART_FROM_WISHES = 2**31 - 1
"""The generation of an action that no wish makes real: whoever does it finishes it."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked of a container. ``generation`` is the wish that it made: once that is real, it is finished."""

    id: str
    container_id: str
    project_id: str
    user_id: str
    request_id: str
    action: str
    started_at: datetime
    generation: int
    finished_at: datetime | None = None
    message: str | None = None
    events: list[Event] = []


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host that runs containers, and its service. Memory is in MiB, disk in GiB."""

    # Identity: written once, when the host is registered.
    id: str  # derived from the name, so that the host is the same one when it comes back
    number: int  # what the service is called by
    hostname: str
    created_at: datetime

    # What the engine and the kernel told last: written by the reconciler. No CPUs: nothing was told yet.
    zone: str
    cpus: int = 0
    memory: int = 0
    disk: int = 0
    disk_used: int = 0
    disk_quota: bool = False
    architecture: str = ""
    os: str = ""
    os_type: str = ""
    kernel: str = ""
    labels: dict[str, str] = {}
    runtimes: list[str] = []

    # The signs of life: written by the reconciler.
    last_seen_up: datetime
    report_count: int = 0

    # What an admin says of the service: written by operations.
    disabled: bool = False
    disabled_reason: str | None = None
    forced_down: bool = False
    updated_at: datetime | None = None

    def is_up(self, now: datetime, patience: float, here: str) -> bool:
        """Whether its service counts as up: a sign of life came in the last ``patience`` seconds, or it is the host that asks
        (``here``), whatever the clock was set to meanwhile; and no admin says otherwise."""
        lives = self.hostname == here or (now - self.last_seen_up).total_seconds() <= patience
        return lives and not self.forced_down


HOST_SERVICE = "zun-compute"
"""What Zun calls the service of a host that runs containers; there is no other one here."""


class Share(msgspec.Struct, frozen=True):
    """What containers were promised of a host: their number, MiB of memory, CPUs, GiB of disk."""

    containers: int = 0
    memory: int = 0
    cpu: float = 0.0
    disk: int = 0


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """A private registry of a project, with what it asks for. Written by operations; ``password`` is sealed."""

    id: str
    project_id: str
    user_id: str
    created_at: datetime
    name: str | None
    domain: str
    username: str | None = None
    password: str | None = None
    updated_at: datetime | None = None


class HostImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that an admin wants on a host before somebody asks for it."""

    # What is wanted: written by operations. generation counts the orders to fetch it.
    id: str
    project_id: str
    user_id: str
    created_at: datetime
    repo: str
    tag: str
    host: str
    glance_id: str | None = None  # where it is one of the image service
    generation: int = 1
    deleting: bool = False

    # What was seen: written by the reconciler; done and total are bytes, of all layers known so far.
    observed: int = 0
    image_id: str | None = None
    size: int | None = None
    done: int = 0
    total: int = 0
    fault: str | None = None

    @property
    def engine_image(self) -> str:
        """Its name in the engine."""
        if self.glance_id:
            return f"{RESERVED_REPOSITORY}:{self.glance_id}"
        return f"{self.repo}{'@' if self.tag.startswith('sha256:') else ':'}{self.tag}"

    @property
    def status(self) -> str:
        """``pulling``, ``active`` or ``error``; Zun tells none."""
        if self.fault is not None:
            return "error"
        return "active" if self.observed == self.generation else "pulling"
