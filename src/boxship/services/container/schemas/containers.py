"""The wire: what requests hold, checked field by field, and what answers hold. The only place that knows JSON shapes."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import clock, errors
from boxship.core.http.microversions import Version
from boxship.services.container import errors as container_errors
from boxship.services.container import model, states
from boxship.services.network import public as network

Name = Annotated[str, Meta(min_length=2, max_length=255, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
Reference = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=32768)]
Number = Annotated[str, Meta(max_length=12, pattern=r"^[0-9]+(\.[0-9]+)?$")]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Flag = bool | Literal["true", "True", "TRUE", "false", "False", "FALSE", "1", "0", "yes", "no", "on", "off"]
Words = Annotated[list[Text], Meta(max_length=1024)]
Pairs = Annotated[dict[Annotated[str, Meta(min_length=1, max_length=1024)], Text], Meta(max_length=256)]

#: Fields of a create request that came with a microversion (rest_api_version_history of Zun).
SINCE = {
    "nets": "1.2",
    "auto_remove": "1.3",
    "hostname": "1.9",
    "mounts": "1.11",
    "privileged": "1.21",
    "healthcheck": "1.22",
    "tty": "1.1",
    "host": "1.39",
    "entrypoint": "1.40",
}

MINIMUM_MEMORY, MAXIMUM_MEMORY = 4, 8192
"""MiB; Zun's limits. Default 512 MiB and one CPU."""
MAXIMUM_CPU = 16.0
_RESERVED = ("/proc", "/sys", "/dev")


class _Request(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class NetRequest(_Request):
    """One network (by name or id) or one port of the caller, with an address to ask for."""

    network: Reference | UnsetType = UNSET
    port: Reference | UnsetType = UNSET
    v4_fixed_ip: Reference | UnsetType = msgspec.field(default=UNSET, name="v4-fixed-ip")
    v6_fixed_ip: Reference | UnsetType = msgspec.field(default=UNSET, name="v6-fixed-ip")


class MountRequest(_Request):
    """A volume by name or id, a new volume by size, or (``bind``) a file with content in base64."""

    destination: Annotated[str, Meta(min_length=1, max_length=4096)]
    type: Literal["volume", "bind"] = "volume"
    source: Annotated[str, Meta(max_length=1 << 20)] | None = None
    size: Number | Count | None = None


class HealthRequest(_Request):
    """Zun's healthcheck."""

    cmd: Annotated[str, Meta(min_length=1, max_length=255)]
    interval: Annotated[int, Meta(ge=1, le=86400)] | None = None
    retries: Annotated[int, Meta(ge=0, le=1000)] | None = None
    timeout: Annotated[int, Meta(ge=1, le=86400)] | None = None


class RestartRequest(_Request):
    """Docker's restart policy."""

    Name: Literal["no", "always", "on-failure", "unless-stopped"]
    MaximumRetryCount: Annotated[int, Meta(ge=0, le=1000)] | Number | None = None


class ContainerRequest(_Request):
    """The body of POST /v1/containers."""

    image: Annotated[str, Meta(min_length=2, max_length=255)]
    name: Name | None = None
    command: Text | Words | None = None
    entrypoint: Words | None | UnsetType = UNSET
    cpu: Annotated[float, Meta(gt=0, le=MAXIMUM_CPU)] | Number | None = None
    memory: Annotated[int, Meta(ge=MINIMUM_MEMORY, le=MAXIMUM_MEMORY)] | Number | None = None
    disk: Annotated[int, Meta(ge=1, le=160)] | Number | None = None
    workdir: Annotated[str, Meta(max_length=4096)] | None = None
    environment: Pairs | None = None
    labels: Pairs | None = None
    hostname: (
        Annotated[str, Meta(max_length=63, pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$")] | None | UnsetType
    ) = UNSET
    image_pull_policy: Literal["never", "always", "ifnotpresent", "Never", "Always", "IfNotPresent"] | None = None
    image_driver: Literal["docker", "glance", "None"] | None = None
    restart_policy: RestartRequest | None = None
    interactive: Flag | None = None
    tty: Flag | None | UnsetType = UNSET
    auto_remove: Flag | None | UnsetType = UNSET
    auto_heal: Flag | None = None
    privileged: Flag | None | UnsetType = UNSET
    security_groups: Annotated[list[Reference], Meta(max_length=64)] | None = None
    nets: Annotated[list[NetRequest], Meta(max_length=16)] | None | UnsetType = UNSET
    mounts: Annotated[list[MountRequest], Meta(max_length=32)] | None | UnsetType = UNSET
    healthcheck: HealthRequest | None | UnsetType = UNSET
    hints: dict[str, Text] | None = None
    availability_zone: Reference | None = None
    host: Reference | None | UnsetType = UNSET


def check_versions(request: ContainerRequest, version: Version) -> None:
    """InvalidParamInVersion: a field is newer than the request's version. BadRequest: the command has the wrong form for it."""
    for field, since in SINCE.items():
        if getattr(request, field) is not UNSET and version < Version.parse(since):
            raise container_errors.InvalidParamInVersion(field, str(version), since)
    if version < Version(1, 20) and isinstance(request.command, list):
        raise errors.BadRequest("it is a text in versions below 1.20", field="command")
    if version >= Version(1, 20) and isinstance(request.command, str):
        raise errors.BadRequest("it is a list of texts from version 1.20 on", field="command")


def words(command: str | list[str] | None, field: str = "command") -> list[str] | None:
    """A command as a list. BadRequest: its quotes are not closed."""
    if command is None or isinstance(command, list):
        return command or None
    try:
        return shlex.split(command) or None
    except ValueError as error:
        raise errors.BadRequest(f"it cannot be split into words: {error}", field=field) from error


def flag(value: Flag | None | UnsetType, *, default: bool = False) -> bool:
    """A boolean in any of Zun's spellings."""
    if value is None or value is UNSET or isinstance(value, UnsetType):
        return default
    return value if isinstance(value, bool) else value.lower() in {"true", "1", "yes", "on"}


def number(value: float | str | None, field: str, least: float, most: float) -> float | None:
    """A number that may come as text. BadRequest: out of bounds."""
    if value is None:
        return None
    if not least <= float(value) <= most:
        raise errors.BadRequest(f"{value} is not between {least:g} and {most:g}", field=field)
    return float(value)


def destination(path: str) -> str:
    """A path in the container to mount at. BadRequest: relative, with dots, the root, or where the kernel lives."""
    if not path.startswith("/") or ".." in path.split("/") or not re.fullmatch(r"[^\x00-\x1f]+", path):
        raise errors.BadRequest(f"{path!r} must be an absolute path without '..'", field="mounts.destination")
    clean = "/" + "/".join(part for part in path.split("/") if part not in {"", "."})
    if clean == "/" or any(clean == kernel or clean.startswith(f"{kernel}/") for kernel in _RESERVED):
        raise errors.BadRequest(f"nothing may be mounted at {clean}", field="mounts.destination")
    return clean


def file_content(source: str | None, version: Version) -> bytes:
    """The content of an injected file: base64 from 1.23 on. BadRequest: it is not, or more than 64 KiB."""
    try:
        content = base64.b64decode(source or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.BadRequest("the content of a file must be base64", field="mounts.source") from error
    if version < Version(1, 23):
        raise container_errors.InvalidParamInVersion("mounts.type", str(version), "1.23")
    if len(content) > 1 << 16:
        raise errors.BadRequest("an injected file may have 64 KiB", field="mounts.source")
    return content


class View(msgspec.Struct, kw_only=True):
    """A container as the API shows it; fields that a rule hides are left out."""

    uuid: str
    name: str
    project_id: str
    user_id: str
    image: str
    image_driver: str
    command: list[str] | None
    entrypoint: list[str] | None
    status: str
    status_reason: str | None
    status_detail: str | None
    task_state: str | None
    cpu: float | None
    memory: str | None
    disk: int
    environment: dict[str, str]
    labels: dict[str, str]
    workdir: str | None
    hostname: str | None
    addresses: dict[str, list[dict[str, Any]]]
    security_groups: list[str]
    ports: list[int]
    restart_policy: model.RestartPolicy | None
    healthcheck: model.HealthCheck | None
    interactive: bool
    tty: bool
    auto_remove: bool
    auto_heal: bool
    cpu_policy: str | None
    registry_id: str | None
    created_at: str | None
    updated_at: str | None
    links: list[dict[str, str]]
    host: str | None | UnsetType = UNSET
    image_pull_policy: str | None | UnsetType = UNSET
    privileged: bool | UnsetType = UNSET
    runtime: str | None | UnsetType = UNSET


def view(row: model.Container, plugs: dict[str, network.Plug], base_url: str, hidden: frozenset[str]) -> View:
    """The row, with the addresses of its ports, as Zun shows it. ``hidden`` fields are left out."""
    own = [(plug, plugs[plug.port_id]) for plug in row.plugs if plug.port_id in plugs]
    shown = View(
        uuid=row.id,
        name=row.name,
        project_id=row.project_id,
        user_id=row.user_id,
        image=row.image,
        image_driver=row.image_driver,
        command=row.command,
        entrypoint=row.entrypoint,
        status=row.shown_status,
        status_reason=row.status_reason,
        status_detail=_detail(row),
        task_state=row.task_state,
        cpu=row.cpu,
        memory=None if row.memory is None else str(row.memory),
        disk=row.disk,
        environment=row.environment,
        labels=row.labels,
        workdir=row.workdir,
        hostname=row.hostname,
        addresses=_addresses(own),
        security_groups=sorted({group for _, port in own for group in port.security_groups}),
        ports=[],
        restart_policy=row.restart_policy,
        healthcheck=row.healthcheck,
        interactive=row.interactive,
        tty=row.tty,
        auto_remove=row.auto_remove,
        auto_heal=row.auto_heal,
        cpu_policy="shared",
        registry_id=None,
        created_at=clock.stamp(row.created_at),
        updated_at=clock.stamp(row.updated_at),
        links=_links(base_url, row.id),
    )
    extra = {
        "host": row.host,
        "image_pull_policy": row.image_pull_policy,
        "privileged": row.privileged,
        "runtime": None,
    }
    for name, value in extra.items():
        if name not in hidden:
            setattr(shown, name, value)
    return shown


def _addresses(own: list[tuple[model.Plug, network.Plug]]) -> dict[str, list[dict[str, Any]]]:
    addresses: dict[str, list[dict[str, Any]]] = {}
    for plug, port in own:
        for fixed in port.addresses:
            entry = {
                "addr": fixed.ip,
                "version": fixed.version,
                "port": port.port_id,
                "subnet_id": fixed.subnet_id,
                "preserve_on_delete": plug.borrowed,
            }
            addresses.setdefault(port.network_id, []).append(entry)
    return addresses


def _links(base_url: str, id: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{base_url}/v1/containers/{id}"},
        {"rel": "bookmark", "href": f"{base_url}/containers/{id}"},
    ]


def _detail(row: model.Container) -> str | None:
    """Docker's words for how long: ``Up 5 minutes``, ``Exited(0) 2 hours ago``."""
    if row.shown_status is states.Status.RUNNING and row.started_at:
        health = f" ({row.health})" if row.health and row.health != "none" else ""
        return f"Up {_span((clock.now() - row.started_at).total_seconds())}{health}"
    if row.shown_status is states.Status.STOPPED and row.finished_at:
        return f"Exited({row.exit_code}) {_span((clock.now() - row.finished_at).total_seconds())} ago"
    return row.shown_status if row.shown_status is states.Status.CREATED else None


def _span(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            many = int(seconds // size)
            return f"{many} {word}{'s' if many > 1 else ''}"
    return f"{max(int(seconds), 0)} seconds"


class ExecuteResult(msgspec.Struct):
    """The answer of execute; the fields for interactive sessions are empty."""

    output: str
    exit_code: int
    exec_id: str | None = None
    url: str | None = None
    token: str | None = None
