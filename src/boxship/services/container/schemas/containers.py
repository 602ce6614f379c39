"""Containers on the wire: what requests hold, checked field by field. What answers hold is in ``views``."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
import signal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import errors
from boxship.core.http.microversions import Version
from boxship.services.container import errors as container_errors

Name = Annotated[str, Meta(min_length=2, max_length=255, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
Reference = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=32768)]
Number = Annotated[str, Meta(max_length=12, pattern=r"^[0-9]+(\.[0-9]+)?$")]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Flag = bool | Literal["true", "True", "TRUE", "false", "False", "FALSE", "1", "0", "yes", "no", "on", "off"]
Words = Annotated[list[Text], Meta(max_length=1024)]
PortWord = Annotated[str, Meta(max_length=16)]
Pairs = Annotated[dict[Annotated[str, Meta(min_length=1, max_length=1024)], Text], Meta(max_length=256)]

#: Fields of a create request that came with a microversion (rest_api_version_history of Zun).
SINCE = {
    "auto_remove": "1.3",
    "runtime": "1.5",
    "hostname": "1.9",
    "mounts": "1.11",
    "privileged": "1.21",
    "healthcheck": "1.22",
    "exposed_ports": "1.24",
    "cpu_policy": "1.28",
    "registry": "1.31",
    "host": "1.39",
    "entrypoint": "1.40",
}

MINIMUM_MEMORY, MAXIMUM_MEMORY = 4, 8192
"""MiB; Zun's limits. Default 512 MiB and one CPU."""
MINIMUM_CPU, MAXIMUM_CPU = 0.01, 16.0
"""Cores; Zun begins at 0.1, and small containers are worth having."""
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
    """A volume by name or id, a new volume by size, a share by name or id, or (``bind``) a file with content in base64.

    ``share`` and ``read_only`` (the container cannot write there) are additions to Zun's.
    """

    destination: Annotated[str, Meta(min_length=1, max_length=4096)]
    type: Literal["volume", "bind", "share"] = "volume"
    source: Annotated[str, Meta(max_length=1 << 20)] | None = None
    size: Number | Count | None = None
    read_only: Flag = False


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
    exposed_ports: Annotated[dict[PortWord, Any], Meta(max_length=64)] | None | UnsetType = UNSET
    cpu_policy: Literal["shared", "dedicated"] | None | UnsetType = UNSET
    runtime: Reference | None | UnsetType = UNSET
    registry: Reference | None | UnsetType = UNSET
    hints: Annotated[dict[str, Text], Meta(max_length=64)] | None = None
    availability_zone: Reference | None = None
    host: Reference | None | UnsetType = UNSET


class UpdateRequest(_Request):
    """The body of PATCH /v1/containers/{container} and of resize_container."""

    name: Name | UnsetType = UNSET
    cpu: Annotated[float, Meta(gt=0, le=MAXIMUM_CPU)] | Number | None | UnsetType = UNSET
    memory: Annotated[int, Meta(ge=MINIMUM_MEMORY, le=MAXIMUM_MEMORY)] | Number | None | UnsetType = UNSET
    auto_heal: Flag | UnsetType = UNSET


class AttachRequest(_Request):
    """What network_attach and network_detach name; the client sends it as a query."""

    network: Reference | None = None
    port: Reference | None = None
    fixed_ip: Reference | None = None


class RebuildRequest(_Request):
    """The query of rebuild."""

    image: Annotated[str, Meta(min_length=2, max_length=255)] | None = None
    image_driver: Literal["docker", "glance"] | None = None


class RenameRequest(_Request):
    """The query of rename."""

    name: Name


class GroupRequest(_Request):
    """The query of add_security_group and remove_security_group."""

    name: Reference


def exposed_ports(asked: dict[str, Any] | None | UnsetType) -> list[str]:
    """Ports as ``80/tcp``, each once. BadRequest: no number, or another protocol than tcp and udp."""
    found = []
    for word in asked or {}:
        number, _, protocol = word.partition("/")
        if protocol not in {"", "tcp", "udp"} or not re.fullmatch(r"[0-9]{1,5}", number) or not 0 < int(number) < 65536:
            raise errors.BadRequest(f"{word!r} is not a port like 80/tcp", field="exposed_ports")
        found.append(f"{int(number)}/{protocol or 'tcp'}")
    return list(dict.fromkeys(found))


_SIGNALS = {name.name: name.value for name in signal.Signals}


def signal_name(asked: str | None) -> str:
    """A signal in any of the ways to write it (9, KILL, sigkill) as its name; SIGKILL for none. BadRequest: unknown."""
    if asked in {None, "", "None"}:
        return "SIGKILL"
    name = str(asked).upper()
    by_number = {str(value): known for known, value in _SIGNALS.items()}
    found = by_number.get(name) or (name if name in _SIGNALS else f"SIG{name}")
    if found not in _SIGNALS:
        raise errors.BadRequest(f"{asked!r} is no signal", field="signal")
    return found


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


class ExecuteResult(msgspec.Struct):
    """The answer of execute: what the command printed, or where the session with it is opened."""

    output: str | None
    exit_code: int | None
    exec_id: str | None = None
    url: str | None = None
    token: str | None = None
    proxy_url: str | None = None
