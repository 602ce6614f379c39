"""What a Compose file describes, as frozen types; and which of its keys this cloud does not honour, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plug:
    """A service on a network (by its key in the file)."""

    network: str
    address: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a service that is reached from outside: ``outside`` are the ports that it may have there; empty: any."""

    path: str
    inside: int
    outside: tuple[int, ...]
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of the file in a service; without a key a new one that goes with the container."""

    path: str
    volume: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file that a container is given; ``secret`` names the secret that it holds."""

    path: str
    content: bytes
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """A healthcheck in the words of the Container API; times in seconds."""

    cmd: str
    interval: int
    timeout: int
    retries: int


@dataclass(frozen=True, slots=True)
class Service:
    """A service, with all that is honoured of it. ``depends_on`` are services with what has to be true of them: started,
    healthy or completed; ``aliases`` are what it calls others by ``links``."""

    name: str
    image: str
    container_name: str = ""
    replicas: int = 1
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None
    working_dir: str = ""
    hostname: str = ""
    tty: bool = False
    stdin_open: bool = False
    privileged: bool = False
    restart: str = ""
    cpus: float | None = None
    memory: int | None = None
    health: Health | None = None
    plugs: tuple[Plug, ...] = ()
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    files: tuple[File, ...] = ()
    dns: tuple[str, ...] = ()
    extra_hosts: tuple[tuple[str, str], ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    depends_on: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Addresses of a network: ``pool`` is what containers get where nothing is said, first and last."""

    cidr: str
    gateway: str = ""
    pool: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A network; an external one is there already, under this name."""

    key: str
    name: str
    external: bool = False
    internal: bool = False
    range: Range | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume; an external one is there already, under this name. ``size`` is in GiB."""

    key: str
    name: str
    external: bool = False
    size: int = 1


@dataclass(frozen=True, slots=True)
class Project:
    """A whole file."""

    name: str
    services: Mapping[str, Service]
    networks: Mapping[str, Network]
    volumes: Mapping[str, Volume]


TOP = frozenset({"version", "name", "services", "networks", "volumes", "secrets", "configs"})
TOP_UNHONOURED: Mapping[str, str] = {
    "include": "other files are not read; put their services into this one.",
    "models": "the cloud runs containers only.",
}
SERVICE = frozenset(
    {
        *(
            "image",
            "build",
            "container_name",
            "command",
            "entrypoint",
            "environment",
            "env_file",
            "labels",
            "working_dir",
        ),
        *(
            "hostname",
            "tty",
            "stdin_open",
            "privileged",
            "restart",
            "deploy",
            "scale",
            "cpus",
            "mem_limit",
            "healthcheck",
        ),
        *(
            "networks",
            "network_mode",
            "ports",
            "volumes",
            "secrets",
            "configs",
            "depends_on",
            "links",
            "profiles",
        ),
        *("expose", "attach", "pull_policy", "init", "cgroup", "ipc", "dns", "extra_hosts"),
    }
)
_LIMITS = "of limits, containers have deploy.resources.limits: cpus and memory."
_HOST = "a container has no part of its host; the cloud chooses where it runs."
_RIGHTS = "the cloud chooses what containers may do; privileged is all or nothing."
_NAMES = "names come from the name service of the networks."
SERVICE_UNHONOURED: Mapping[str, str] = {
    **dict.fromkeys(("blkio_config", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_shares"), _LIMITS),
    **dict.fromkeys(("cpu_rt_period", "cpu_rt_runtime", "cpuset", "mem_reservation", "mem_swappiness"), _LIMITS),
    **dict.fromkeys(
        ("memswap_limit", "oom_kill_disable", "oom_score_adj", "pids_limit", "shm_size", "ulimits"), _LIMITS
    ),
    **dict.fromkeys(("sysctls", "storage_opt"), _LIMITS),
    **dict.fromkeys(("devices", "device_cgroup_rules", "gpus", "pid", "uts", "userns_mode", "cgroup_parent"), _HOST),
    **dict.fromkeys(("platform", "isolation", "credential_spec", "use_api_socket"), _HOST),
    **dict.fromkeys(("cap_add", "cap_drop", "security_opt"), _RIGHTS),
    **dict.fromkeys(("dns_opt", "dns_search", "domainname"), _NAMES),
    **dict.fromkeys(("user", "group_add"), "containers run as their image says."),
    **dict.fromkeys(("read_only", "tmpfs"), "the file system of a container is its own, on disk and writable."),
    **dict.fromkeys(("stop_signal", "stop_grace_period"), "a container gets the signal of its image, and 10 seconds."),
    **dict.fromkeys(("post_start", "pre_stop"), "nothing runs in a container but its command and its healthcheck."),
    **dict.fromkeys(("develop", "provider", "models"), "the cloud runs containers of images, and nothing else."),
    "annotations": "containers have labels only.",
    "external_links": "containers of a network find each other by the names of their services.",
    "label_file": "write them as labels.",
    "logging": "the cloud keeps what containers write; see boxship logs.",
    "mac_address": "the cloud chooses it.",
    "runtime": "only administrators choose it, with boxship run --runtime.",
    "volumes_from": "name the volumes in both services.",
}
"""Keys of services that are noted and left out."""
