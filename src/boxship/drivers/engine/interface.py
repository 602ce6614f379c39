"""What Boxship needs from a container engine. Containers are made on a sandbox: a network namespace that is
ready before the container exists, so that a container never runs without its network.

Meaning, units and errors are stated here once; ``docker`` and ``fake`` both obey, and
``tests/conformance/test_engine*.py`` check it. The engine never sees the database and never decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class EngineState(StrEnum):
    """What the engine says of a container (Docker Engine API, ``State.Status``)."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Bind:
    """A directory or file of the host shown in the container."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class InjectedFile:
    """A file with given bytes at an absolute path of the container, read-only and readable by every user in it."""

    target: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """``name`` is ``no``, ``always``, ``on-failure`` or ``unless-stopped``; ``retries`` counts for on-failure only."""

    name: str = "no"
    retries: int = 0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A command run in the container; times are seconds."""

    command: str
    interval: int = 30
    retries: int = 3
    timeout: int = 30


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container as Boxship wants it.

    ``id`` is the UUID in our database and names the container in the engine (mark + UUID). ``sandbox`` is the path
    of a network namespace that exists before ``start``. ``cpus`` is in cores, ``memory`` in bytes; None: no limit.
    ``command`` and ``entrypoint`` replace the image's when not None. ``hosts`` become lines of /etc/hosts and
    ``nameservers``/``search`` /etc/resolv.conf. ``build`` counts how often it was made anew with
    another image; the engine keeps it. Containers of one ``pod`` share its System V and POSIX IPC and /dev/shm
    (``ensure_pod``). ``disk`` limits the writable layer in bytes where ``HostSight.disk_quota`` is true; elsewhere it is void.
    """

    id: str
    image: str
    sandbox: Path
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    workdir: str | None = None
    hostname: str | None = None
    cpus: float | None = None
    memory: int | None = None
    restart: RestartPolicy = RestartPolicy()
    health: HealthCheck | None = None
    interactive: bool = False
    tty: bool = False
    privileged: bool = False
    binds: tuple[Bind, ...] = ()
    files: tuple[InjectedFile, ...] = ()
    build: int = 0
    pod: str | None = None
    disk: int | None = None
    hosts: tuple[tuple[str, str], ...] = ()
    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerSight:
    """A container as the engine has it. ``id`` is ours, ``engine_id`` the engine's; ``build`` is its specification's."""

    id: str
    engine_id: str
    state: EngineState
    exit_code: int | None
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    health: str | None
    restarts: int
    build: int = 0


@dataclass(frozen=True, slots=True)
class ImageSight:
    """An image the engine has; ``id`` is its digest (``sha256:...``), ``size`` bytes."""

    id: str
    references: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The output (stdout and stderr interleaved, undecodable bytes replaced) and exit code of a command."""

    output: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which part of the log: ``tail`` is a number of lines or None for all; ``since`` seconds since the epoch."""

    stdout: bool = True
    stderr: bool = True
    timestamps: bool = False
    tail: int | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class PullProgress:
    """``done`` and ``total`` bytes over all layers known so far."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """``kind`` is ``docker`` or ``fake``; ``memory`` bytes."""

    kind: str
    version: str
    cpus: int
    memory: int
    storage_driver: str = ""


@dataclass(frozen=True, slots=True)
class HostSight:
    """The host that the engine runs on. ``memory_used`` and ``disk``/``disk_used`` (the file system of the engine's data)
    are bytes as the kernel counts them; ``runtimes`` the OCI runtimes that a container may ask for; ``disk_quota``: whether
    the size of a writable layer can be limited."""

    cpus: int
    memory: int
    memory_used: int
    disk: int
    disk_used: int
    architecture: str
    os: str
    os_type: str
    kernel: str
    labels: Mapping[str, str]
    runtimes: tuple[str, ...]
    disk_quota: bool


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a private registry asks for; never printed."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a running container uses now. ``cpu`` is per cent of one core over the last moments; memory, network and
    block I/O are bytes, the last two since its start."""

    cpu: float
    memory: int
    memory_limit: int
    received: int
    sent: int
    read: int
    written: int
    processes: int


@dataclass(frozen=True, slots=True)
class Processes:
    """The process table of a container: a row per process, a cell per title of ``ps``."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class PathSight:
    """A file or directory in a container; ``mode`` is Go's os.FileMode as Docker gives it, ``modified`` RFC 3339."""

    name: str
    size: int
    mode: int
    modified: str
    link_target: str


class Stream(Protocol):
    """Both directions of an open session with a process: its output comes out, its input goes in."""

    async def read(self) -> bytes:
        """The next bytes of output (stdout and stderr as they come); empty at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Bytes for its standard input. Busy: the session is over."""
        ...

    async def end_input(self) -> None:
        """Nothing more will be written: the process reads the end of its input."""
        ...

    async def close(self) -> None:
        """Let go; the process runs on. Repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something happened to the container with our ``id``: ``action`` is the engine's word (start, die, destroy...)."""

    id: str
    action: str


class Engine(Protocol):
    """A container engine on this host. Verbs are idempotent; ``id`` is always ours, never the engine's.

    Errors, for every verb: ``Busy`` where the engine is away, restarting or slow; ``Refused`` where the engine
    says that it can never work (the sentence is the engine's reason, cleaned of its internals); ``Absent`` where
    a verb that needs the container or image does not find it.
    """

    async def info(self) -> EngineInfo:
        """Ask the engine who it is. Busy: it does not answer, or it lacks what Boxship needs (the sentence says what)."""
        ...

    async def close(self) -> None:
        """Let go of connections. Containers run on."""
        ...

    async def image(self, reference: str) -> ImageSight | None:
        """The image with this name or digest on this host, or None."""
        ...

    async def pull(
        self,
        reference: str,
        progress: Callable[[PullProgress], None] | None = None,
        credentials: Credentials | None = None,
    ) -> ImageSight:
        """Fetch the image from its registry; a reference without a tag means ``latest``.

        Refused: no such image or no permission. Busy: the registry is out of reach or the transfer broke off.
        """
        ...

    async def load(self, archive: AsyncIterator[bytes], reference: str) -> ImageSight:
        """Read an archive in the form of ``docker save`` and give the image in it the name ``reference``.

        Refused: it is not such an archive, or holds no or several images.
        """
        ...

    async def remove_image(self, reference: str) -> None:
        """Take the name away, and the image with its last name; an image in use stays. Repeatable."""
        ...

    async def images(self) -> list[ImageSight]:
        """All images on this host that have a name."""
        ...

    def save(self, reference: str) -> AsyncIterator[bytes]:
        """The image as an archive in the form of ``docker save``. Absent: no such image."""
        ...

    async def search(self, term: str, limit: int) -> list[dict[str, str | int | bool]]:
        """What the engine's default registry finds: name, description, star_count, is_official, is_automated.

        Busy: the registry is out of reach.
        """
        ...

    async def commit(self, id: str, reference: str) -> ImageSight:
        """Make an image of the container's present files and configuration, under this name. It runs on meanwhile: the image
        is what a crash at that moment would leave."""
        ...

    async def create(self, spec: ContainerSpec) -> ContainerSight:
        """Make the container, not started; where one with this id exists, that one is returned.

        Absent: the image is not on this host.
        """
        ...

    async def start(self, id: str) -> ContainerSight:
        """Start it; a running one stays as it is. Refused: the engine could not run the command (with the reason)."""
        ...

    async def stop(self, id: str, timeout: int) -> None:
        """SIGTERM, and SIGKILL after ``timeout`` seconds; a stopped one stays as it is."""
        ...

    async def kill(self, id: str, signal: str) -> None:
        """Send the signal to process 1."""
        ...

    async def pause(self, id: str) -> None:
        """Freeze all its processes; a paused one stays as it is. Refused: it does not run."""
        ...

    async def unpause(self, id: str) -> None:
        """Let them go on; one that is not paused stays as it is."""
        ...

    async def update(self, id: str, *, cpus: float | None, memory: int | None) -> None:
        """Change the limits (cores, bytes; None: leave) of a container, running or not. Refused: with the engine's reason."""
        ...

    async def ensure_pod(self, pod: str) -> None:
        """Make what containers of a pod share (an IPC namespace, /dev/shm), once. Repeatable."""
        ...

    async def remove_pod(self, pod: str) -> None:
        """Remove that again. Repeatable."""
        ...

    async def pods(self) -> set[str]:
        """The pods with the mark of this installation that are there."""
        ...

    async def remove(self, id: str) -> None:
        """Kill and remove it with its anonymous volumes. Repeatable; one that is gone is fine."""
        ...

    async def sight(self, id: str) -> ContainerSight | None:
        """The container as it is now, or None."""
        ...

    async def sights(self) -> list[ContainerSight]:
        """All containers with the mark of this installation, running or not."""
        ...

    def events(self) -> AsyncIterator[EngineEvent]:
        """What happens to marked containers, from now on. Ends with Busy when the engine goes away."""
        ...

    async def logs(self, id: str, query: LogQuery) -> bytes:
        """The log so far."""
        ...

    async def execute(self, id: str, command: tuple[str, ...]) -> ExecResult:
        """Run the command in the running container, without a terminal, and wait. At most 1 MiB of output is kept."""
        ...

    async def host(self) -> HostSight:
        """The host, as the engine and the kernel tell."""
        ...

    def follow(self, id: str, query: LogQuery) -> AsyncIterator[bytes]:
        """The log so far and as it grows, until the container ends or the caller stops."""
        ...

    async def stats(self, id: str) -> Usage:
        """What it uses now; measures for about a second. Refused: it does not run."""
        ...

    async def top(self, id: str, arguments: str) -> Processes:
        """Its processes; ``arguments`` are those of ps(1). Refused: it does not run, or ps does not take them."""
        ...

    def get_archive(self, id: str, path: str) -> AsyncIterator[bytes]:
        """A tar of the file or directory at this path of the container, as it comes; the container is not held up by whoever
        reads slowly. Absent: no such path."""
        ...

    async def stat(self, id: str, path: str) -> PathSight:
        """The file or directory at this path. Absent: no such path."""
        ...

    async def put_archive(self, id: str, path: str, archive: AsyncIterator[bytes]) -> None:
        """Unpack a tar into the directory at this path of the container, once all of it has come; what ``archive`` raises is
        raised, and nothing is unpacked. Nothing lands outside of the container.

        Absent: no such directory. Refused: it is no tar, or the path is no directory or read-only.
        """
        ...

    async def attach(self, id: str) -> Stream:
        """Join the terminal or the standard streams of process 1. Refused: it does not run."""
        ...

    async def resize(self, id: str, *, width: int, height: int) -> None:
        """The size of process 1's terminal, in characters."""
        ...

    async def create_exec(self, id: str, command: tuple[str, ...], *, terminal: bool) -> str:
        """Prepare a command with its input open; its id in the engine. Refused: the container does not run."""
        ...

    async def start_exec(self, id: str, exec_id: str) -> Stream:
        """Run what was prepared in this container and join it. Absent: nothing of that id in this container."""
        ...

    async def resize_exec(self, id: str, exec_id: str, *, width: int, height: int) -> None:
        """The size of its terminal. Absent: nothing of that id in this container."""
        ...

    async def exec_code(self, id: str, exec_id: str) -> int | None:
        """The exit code of a command; None while it runs. Absent: nothing of that id in this container."""
        ...
