"""Every setting of the program, typed, with its default and the reason for it; the only module that reads the
environment or ``boxship.yaml``. docs/reference/settings.md lists the same (a test compares them).

A setting comes from, the first that has it: the command line, ``BOXSHIP_<NAME>`` in the environment, ``boxship.yaml``
in the state directory, the default.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from boxship.core import errors

Seconds = Annotated[float, Meta(gt=0, le=86400 * 365)]
Amount = Annotated[int, Meta(ge=-1, le=2**31 - 1)]
Ratio = Annotated[float, Meta(gt=0, le=10000)]


VolumeGroup = Annotated[str, Meta(pattern=r"^([A-Za-z0-9_+.][A-Za-z0-9_+.-]*)?$", max_length=127)]
"""A name as lvm(8) allows them."""

FILE = "file"
"""The name of the backend of who names none."""


class BackendKind(StrEnum):
    """What volumes are in a backend."""

    FILE = "file"
    NFS = "nfs"
    LVM = "lvm"


class VolumeBackend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that volumes are kept in; which fields go with which ``kind`` is told in docs/storage.md."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    kind: BackendKind
    directory: str = ""
    share: str = ""
    options: Annotated[str, Meta(pattern=r"^[^\s]*$")] = ""
    file_system: Annotated[str, Meta(pattern=r"^[a-z0-9._-]+$")] = "nfs"
    group: VolumeGroup = ""
    pool: VolumeGroup = ""

    @property
    def shared(self) -> bool:
        """Whether all hosts reach the same volumes in it."""
        return self.kind == BackendKind.NFS


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. Reasons stand beside the defaults."""

    state_dir: Path = Path("/var/lib/boxship")
    """Database, images, volumes, keys and logs: all that has to be kept, in one place to back up or remove."""
    listen: str = "127.0.0.1:9500"
    """Host and port of the one HTTP server. Loopback until the operator decides otherwise."""
    public_url: str = ""
    """The URL that clients reach the server at, for catalog and links; empty: http:// (with TLS https://) and ``listen``."""
    tls_certificate: str = ""
    """The file with the server's certificate and those between it and its CA, in PEM; with ``tls_key`` the server speaks
    TLS only. These paths are absolute, as the program runs wherever it was started."""
    tls_key: str = ""
    """The file with its private key, in PEM and without a password."""
    tls_ca: str = ""
    """The file with the CA that clients shall trust, which clouds.yaml and ``boxship env`` name; empty: the certificate
    itself where it is its own issuer, and otherwise what clients trust anyway."""
    database: str = ""
    """``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``; empty: SQLite in the state directory."""
    host: Annotated[str, Meta(max_length=255, pattern=r"^[A-Za-z0-9._-]*$")] = ""
    """The name of this host among those that share the database; empty: as the kernel has it. What is placed on a host is
    found by this name, so it stays the same."""
    tunnel_address: str = ""
    """The address of this host at which the others send it the traffic of tenants (VXLAN); empty: networks end at this host."""
    tunnel_port: Annotated[int, Meta(ge=1, le=65535)] = 4789
    """The UDP port of that traffic, the same on all hosts; IANA's for VXLAN."""
    host_lease: Seconds = 20
    """Seconds without a sign of life after which other hosts take over routers and name services: some four of the beats,
    so that one that is late moves nothing."""
    share_address: str = ""
    """The IP address of this host that shares are exported at by NFS; empty: they are used on their own host only."""
    share_port: Annotated[int, Meta(ge=1, le=65535)] = 2049
    """The TCP port of that; IANA's for NFS."""
    engine: str = "docker"
    """``docker``, ``fake`` for a cloud that runs nothing and needs neither root nor Docker, or ``none`` for a process that
    only answers requests, while other hosts that share its database do the work."""
    engine_socket: Path = Path("/var/run/docker.sock")
    """Where the Docker engine listens."""
    websocket_url: str = ""
    """The URL that sessions (attach, exec) are reached at, behind a proxy; empty: the public URL with ws or wss."""
    session_lifetime: Seconds = 600
    """Seconds in which a session that was asked for has to be opened; Zun leaves it open for ever."""
    session_idle: Seconds = 8 * 3600
    """Seconds without input and output after which a session is closed: longer than a break, but a forgotten one ends."""
    max_sessions: Annotated[int, Meta(ge=1, le=65535)] = 100
    """Sessions of a user that may be open at once, as each holds two connections of the program."""
    region: str = "RegionOne"
    """The one region in the catalog; upstream's default name."""
    token_lifetime: Seconds = 3600
    """Seconds a token is good for; Keystone's default."""
    scan_interval: Seconds = 15
    """Seconds between looks for what no wake-up told of: long enough to cost nothing, short enough to mend soon."""
    step_deadline: Seconds = 600
    """Seconds that a step may stay impossible (engine away, volume busy) before the row goes to Error with the reason."""
    pull_deadline: Seconds = 1800
    """Seconds that fetching an image may take, with retries."""
    external_cidr: str = "172.24.4.0/24"
    """The external network that floating IPs come from; DevStack's default, so that copied commands work."""
    max_body: Annotated[int, Meta(ge=1024, le=2**31 - 1)] = 1 << 20
    """Bytes of a JSON body; more is refused unread."""
    max_template: Annotated[int, Meta(ge=1024, le=2**31 - 1)] = 512 << 10
    """Bytes of a template of a stack, and of an environment; what they refer to is counted by ``max_body``."""
    max_stacks: Annotated[int, Meta(ge=1)] = 512
    """Stacks of a project, nested ones not counted."""
    max_stack_resources: Annotated[int, Meta(ge=1)] = 1000
    """Resources of a stack and all that are nested in it."""
    max_nested_depth: Annotated[int, Meta(ge=0, le=20)] = 5
    """How deep stacks may be nested in one another."""
    max_stack_events: Annotated[int, Meta(ge=1)] = 1000
    """Events that are kept of a stack, the newest ones."""
    max_stack_snapshots: Annotated[int, Meta(ge=0)] = 32
    """Snapshots of a stack."""
    stack_timeout: Seconds = 3600
    """Seconds that an action on a stack may take, where the stack does not say."""
    stack_patience: Seconds = 120
    """Seconds for which the removal of a resource that its service refuses (it is in use) is tried again."""
    docker_certificates: Path | None = None
    """A directory with ca.pem, cert.pem and key.pem, as the Docker client has it, for engines that templates of admins name
    (``docker_endpoint``); without it no engine is reached by TCP."""
    deleted_stack_days: Annotated[int, Meta(ge=0)] = 30
    """Days for which a deleted stack can still be looked at."""
    max_archive: Annotated[int, Meta(ge=1024, le=2**31 - 1)] = 16 << 20
    """Bytes of an archive as text in JSON (up to version 1.24), which is held in memory; in base64 (from 1.25 on) and as
    application/x-tar it passes at any size."""
    max_image: Annotated[int, Meta(ge=1, le=2**50)] = 20 << 30
    """Bytes of an uploaded image."""
    import_networks: str = ""
    """Ranges of addresses that images may be imported from besides the public Internet, parted by commas, such as that of a
    mirror in the house; whoever may add images reads what is reachable there by HTTP."""
    quota_networks: Amount = 100
    """Networks of a project; -1 is no limit. Neutron's defaults for the network quotas."""
    quota_subnets: Amount = 100
    """Subnets of a project."""
    quota_ports: Amount = 500
    """Ports of a project."""
    quota_routers: Amount = 10
    """Routers of a project."""
    quota_floating_ips: Amount = 50
    """Floating IPs of a project."""
    quota_security_groups: Amount = 10
    """Security groups of a project."""
    quota_security_group_rules: Amount = 100
    """Security group rules of a project."""
    quota_rbac_policies: Amount = 10
    """RBAC policies of a project."""
    quota_volumes: Amount = 10
    """Volumes of a project; Cinder's default."""
    quota_gigabytes: Amount = 1000
    """Gigabytes of all volumes and snapshots of a project; Cinder's default."""
    quota_snapshots: Amount = 10
    """Snapshots of volumes of a project; Cinder's defaults here and below."""
    quota_backups: Amount = 10
    """Backups of volumes of a project."""
    quota_backup_gigabytes: Amount = 1000
    """Gigabytes of the volumes that the backups of a project are of."""
    quota_per_volume_gigabytes: Amount = -1
    """Gigabytes that a single volume may have."""
    quota_shares: Amount = 50
    """Shares of a project; Manila's defaults here and below."""
    quota_share_gigabytes: Amount = 1000
    """Gigabytes of all shares of a project."""
    quota_share_snapshots: Amount = 50
    """Snapshots of shares of a project."""
    quota_share_snapshot_gigabytes: Amount = 1000
    """Gigabytes of all snapshots of shares of a project."""
    quota_per_share_gigabytes: Amount = -1
    """Gigabytes that a single share may have."""
    quota_containers: Amount = 40
    """Containers of a project; Zun's defaults for the container quotas."""
    quota_memory: Amount = 51200
    """MiB of memory of all containers of a project."""
    quota_cpu: Amount = 20
    """CPUs of all containers of a project."""
    quota_disk: Amount = 100
    """GiB of disk of all containers of a project."""
    quota_images: Amount = 100
    """Images of a project."""
    quota_registries: Amount = 100
    """Private registries of a project; Zun counts none, but rows cost something."""
    availability_zone: Annotated[str, Meta(min_length=1, max_length=255)] = "nova"
    """The availability zone that this host is in; Zun's default."""
    host_down_after: Seconds = 180
    """Seconds without a sign of life after which a host counts as down and is given no new containers; Zun's default."""
    cpu_allocation_ratio: Ratio = 16.0
    """How many times the CPUs of a host may be promised to containers; Zun's defaults for the three ratios."""
    ram_allocation_ratio: Ratio = 1.5
    """How many times the memory of a host may be promised."""
    disk_allocation_ratio: Ratio = 1.0
    """How many times the disk of a host may be promised, where the engine limits the disk of containers at all."""
    workers: Annotated[int, Meta(ge=1, le=256)] = 16
    """Rows of one kind that are reconciled at once; the engine gains nothing from more on small hosts."""

    volume_backends: tuple[VolumeBackend, ...] = ()
    """Where volumes are kept, the first the one for who asks for none: a list of name, kind and what the kind asks for
    (docs/storage.md), in the environment as JSON; empty: one named file, of files in the state directory."""

    @property
    def backends(self) -> tuple[VolumeBackend, ...]:
        """The backends of this host; one at least."""
        return self.volume_backends or (VolumeBackend(name=FILE, kind=BackendKind.FILE),)

    @property
    def import_ranges(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """``import_networks``, read. BadRequest: one of them is no range."""
        try:
            return [ipaddress.ip_network(word.strip()) for word in self.import_networks.split(",") if word.strip()]
        except ValueError as error:
            raise errors.BadRequest(str(error), field="import_networks") from error

    @property
    def host_name(self) -> str:
        """The name of this host."""
        return self.host or socket.gethostname()

    @property
    def shared(self) -> bool:
        """Whether other hosts may share the database."""
        return not self.database_url.startswith("sqlite")

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.state_dir / 'boxship.db'}"

    @property
    def url(self) -> str:
        """The public base URL without a slash at the end."""
        return (self.public_url or self.local_url).rstrip("/")

    @property
    def local_url(self) -> str:
        """The base URL on this host, whatever is in front of it, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.listen}"

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """Certificate and key. None: the server speaks no TLS."""
        if not self.tls_certificate or not self.tls_key:
            return None
        return Path(self.tls_certificate), Path(self.tls_key)

    @property
    def sessions_url(self) -> str:
        """The base of the URLs of sessions."""
        return self.websocket_url or f"ws{self.url.removeprefix('http')}/container/websocket"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on. BadRequest: not of the form HOST:PORT."""
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise errors.BadRequest(f"{self.listen!r} is not HOST:PORT", field="listen")
        return host.strip("[]"), int(port)


def load(given: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings from command line (``given``; None values do not count), environment and file.

    BadRequest: an unknown name or a value that is not of the type, with the place it came from.
    """
    environment = os.environ if environment is None else environment
    names = {field.name for field in msgspec.structs.fields(Settings)}
    from_command = {name: value for name, value in given.items() if value is not None}
    from_environment = {
        name: environment[f"BOXSHIP_{name.upper()}"]
        for name in sorted(names)
        if f"BOXSHIP_{name.upper()}" in environment
    }
    state_dir = Path(str(from_command.get("state_dir") or from_environment.get("state_dir") or Settings().state_dir))
    from_file = _file(state_dir / "boxship.yaml")
    merged = {**from_file, **from_environment, **from_command, "state_dir": state_dir.absolute()}
    if isinstance(written := merged.get("volume_backends"), str):
        merged["volume_backends"] = _listed(written)
    try:
        settings = msgspec.convert(
            {name: str(value) if isinstance(value, Path) else value for name, value in merged.items()},
            Settings,
            strict=False,
            dec_hook=lambda kind, value: kind(value),
        )
    except msgspec.ValidationError as error:
        raise errors.BadRequest(f"A setting is wrong: {error}", field="settings") from error
    _check(settings)
    return settings


def _listed(written: str) -> object:
    """A list that is written as JSON. BadRequest: it is none."""
    try:
        return msgspec.json.decode(written or "[]", type=list[dict[str, str]])
    except msgspec.MsgspecError as error:
        raise errors.BadRequest(f"it is not a list in JSON: {error}", field="volume_backends") from error


_PLACES = {
    BackendKind.FILE: ({"directory"}, ({"directory"}, set())),
    BackendKind.NFS: ({"directory", "share", "options"}, ({"directory"}, {"share"})),
    BackendKind.LVM: ({"group", "pool"}, ({"group", "pool"},)),
}
"""The fields that go with each kind of backend, and those that one of has to be given."""


def _check_backends(settings: Settings) -> None:
    """BadRequest: fields that do not go with a kind, or two backends of one name or place."""
    places: set[tuple[str, ...]] = set()
    for number, backend in enumerate(settings.backends):
        _check_backend(backend)
        place = (backend.directory.rstrip("/"), backend.share, backend.group, backend.pool)
        if place in places or backend.name in {other.name for other in settings.backends[:number]}:
            raise errors.BadRequest(f"two have the name or the place of {backend.name!r}", field="volume_backends")
        places.add(place)


def _check_backend(backend: VolumeBackend) -> None:
    fields, needed = _PLACES[backend.kind]
    places = {"directory", "share", "options", "group", "pool"}
    given = {name for name in places if getattr(backend, name)}
    where = f"backend {backend.name!r} of the kind {backend.kind}"
    if given - fields:
        raise errors.BadRequest(f"{where} has no {', '.join(sorted(given - fields))}", field="volume_backends")
    if given - {"options"} not in needed:
        words = " or ".join(" and ".join(sorted(need)) for need in needed)
        raise errors.BadRequest(f"{where} needs {words}", field="volume_backends")
    if backend.directory and not Path(backend.directory).is_absolute():
        raise errors.BadRequest(f"{where}: {backend.directory!r} is not an absolute path", field="volume_backends")
    if backend.share and not re.fullmatch(r"[^\s,:-][^\s,:]*:/[^\s]*|\[[0-9A-Fa-f:]+\]:/[^\s]*", backend.share):
        raise errors.BadRequest(f"{where}: {backend.share!r} is not HOST:/PATH", field="volume_backends")


def _check(settings: Settings) -> None:
    """BadRequest: settings that are right by themselves do not go together, or a URL is of no use."""
    given, missing = ("tls_certificate", "tls_key") if settings.tls_certificate else ("tls_key", "tls_certificate")
    if getattr(settings, given) and not getattr(settings, missing):
        raise errors.BadRequest(f"it is needed where {given} is set", field=missing)
    for name in ("tls_certificate", "tls_key", "tls_ca"):
        path = getattr(settings, name)
        if path and not Path(path).is_absolute():
            raise errors.BadRequest(f"{path!r} is not an absolute path", field=name)
    _check_backends(settings)
    settings.import_ranges  # noqa: B018 (says what is wrong with it)
    sessions = settings.websocket_url
    if sessions and not re.fullmatch(r"wss?://[^/?#\s]+[^?#\s]*", sessions):
        raise errors.BadRequest(f"{sessions!r} is not a URL that begins with ws:// or wss://", field="websocket_url")


def _file(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, OSError) as error:
        raise errors.BadRequest(f"{path} cannot be read: {error}", field="settings") from error
    if not isinstance(content or {}, dict):
        raise errors.BadRequest(f"{path} must hold names and values.", field="settings")
    return dict(content or {})
