"""Capsule templates as they come, and capsules as they are shown (Zun, api/controllers/v1/schemas and views)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from boxship.core import clock, errors
from boxship.core.http import call as http
from boxship.core.http.microversions import Version
from boxship.services.container import model
from boxship.services.container.schemas import containers as wire
from boxship.services.container.schemas import views
from boxship.services.network import public as network

NEW_FORM = Version(1, 32)
"""From here on a capsule is shown with ``name`` and ``labels``; before with ``meta_name`` and ``meta_labels``."""
POLICIES = {"Always": "always", "OnFailure": "on-failure", "Never": "no"}

Policy = Literal["Always", "OnFailure", "Never"]
VolumeName = Annotated[str, Meta(min_length=2, max_length=255, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
Path = Annotated[str, Meta(min_length=1, max_length=4096)]
Digits = Annotated[str, Meta(max_length=12, pattern=r"^[0-9]+$")]
PortNumber = Annotated[int, Meta(ge=1, le=65535)] | Digits


class _Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    pass


class Requests(_Strict):
    """What a container asks for: cores and MiB."""

    cpu: Annotated[float, Meta(gt=0, le=wire.MAXIMUM_CPU)] | wire.Number | None = None
    memory: Annotated[int, Meta(ge=wire.MINIMUM_MEMORY, le=wire.MAXIMUM_MEMORY)] | Digits | None = None


class Resources(_Strict):
    """The wrapper of ``requests``."""

    requests: Requests = msgspec.field(default_factory=Requests)


class Port(_Strict):
    """A port that anybody may reach; ``hostPort`` is read and means nothing, as every capsule has addresses of its own."""

    container_port: PortNumber
    host_port: PortNumber | None = None
    name: wire.Name | None = None
    protocol: Literal["TCP", "UDP"] = "TCP"

    @property
    def exposed(self) -> str:
        """As containers expose it: ``80/tcp``. BadRequest: it came as text and is no port."""
        number = wire.number(self.container_port, "ports.containerPort", 1, 65535)
        return f"{int(number or 0)}/{self.protocol.lower()}"


class VolumeMount(_Strict):
    """A volume of the capsule, by its name there, in a container."""

    name: VolumeName
    mount_path: Path
    read_only: wire.Flag = False


class Part(_Strict):
    """A container of a capsule."""

    image: Annotated[str, Meta(min_length=2, max_length=255)]
    name: wire.Name | None = None
    command: wire.Words | None = None
    args: wire.Words | None = None
    env: wire.Pairs | None = None
    work_dir: Path | None = None
    resources: Resources | None = None
    ports: Annotated[list[Port], Meta(max_length=64)] | None = None
    volume_mounts: Annotated[list[VolumeMount], Meta(max_length=32)] | None = None
    image_pull_policy: Literal["never", "always", "ifnotpresent", "Never", "Always", "IfNotPresent"] | None = None
    stdin: wire.Flag = True
    tty: wire.Flag = False


class Cinder(_Strict):
    """A volume that is there (``volumeID``), or a new one by its size in GiB. ``autoRemove`` is about new ones: what was
    there before is only borrowed, as in Zun."""

    volume_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = msgspec.field(default=None, name="volumeID")
    size: Annotated[int, Meta(ge=1, le=2**20)] | Digits | None = None
    auto_remove: wire.Flag = False


class Volume(_Strict):
    """A volume that containers of the capsule may mount."""

    name: VolumeName
    cinder: Cinder


class Spec(_Strict):
    """The containers and what they share."""

    containers: Annotated[list[Part], Meta(min_length=1, max_length=32)]
    init_containers: Annotated[list[Part], Meta(max_length=32)] | None = None
    volumes: Annotated[list[Volume], Meta(max_length=32)] | None = None
    restart_policy: Policy | None = None


class Metadata(msgspec.Struct, kw_only=True):
    """How a capsule is called. What else pods have here (``namespace``, ``uid``) is read and means nothing."""

    name: wire.Name | None = None
    labels: wire.Pairs | None = None
    annotations: wire.Pairs | None = None


class Template(_Strict):
    """A capsule as its author writes it. ``restartPolicy`` beside the spec is the form before 1.16; ``nets`` is what Zun reads
    and does not document."""

    kind: Literal["capsule", "Capsule"]
    spec: Spec
    metadata: Metadata
    capsule_version: Literal["beta", "Beta"] = "beta"
    restart_policy: Policy | None = None
    availability_zone: wire.Reference | None = None
    nets: Annotated[list[wire.NetRequest], Meta(max_length=16)] | None = None


class _Body(_Strict):
    template: msgspec.Raw


def read(body: bytes) -> Template:
    """The template in the body of a request: an object, or the same as text. BadRequest names the field."""
    raw = bytes(http.decode(body, _Body).template)
    try:
        if raw.lstrip()[:1] == b'"':
            raw = http.decode(raw, str).encode(errors="replace")
        return http.decode(raw, Template)
    except errors.BadRequest as error:
        raise within("template", error) from error


def within(place: str, error: errors.BadRequest) -> errors.BadRequest:
    """The error with the whole path of its field, as the author of the template knows it."""
    field = _FIELDS.get(error.field or "body", error.field)
    reason = error.sentence.removeprefix(f"{error.field}: ")
    return errors.BadRequest(reason, field=f"{place}.{field}" if field else place)


_FIELDS = {
    "body": "",
    "workdir": "workDir",
    "cpu": "resources.requests.cpu",
    "memory": "resources.requests.memory",
    "mounts.destination": "volumeMounts.mountPath",
}
"""What fields of containers are called in templates."""


def view(
    row: model.Capsule,
    containers: list[model.Container],
    plugs: dict[str, network.Plug],
    base_url: str,
    *,
    version: Version,
    hidden: frozenset[str],
) -> dict[str, Any]:
    """The capsule as Zun shows it in this version. ``hidden`` fields are left out."""
    shown = {
        role: [views.view(each, {}, base_url, hidden) for each in containers if each.role is role]
        for role in model.Role
    }
    document: dict[str, Any] = {
        "uuid": row.id,
        "project_id": row.project_id,
        "user_id": row.user_id,
        "created_at": clock.stamp_plain(row.created_at),
        "updated_at": clock.stamp_plain(row.updated_at),
        "status": row.shown_status,
        "status_reason": row.status_reason,
        "addresses": views.addresses(row.plugs, plugs),
        "cpu": row.cpu,
        "memory": str(row.memory),
        "annotations": row.annotations,
        "init_containers": shown[model.Role.INIT],
        "containers": shown[model.Role.MAIN],
        "links": [
            {"rel": "self", "href": f"{base_url}/v1/capsules/{row.id}"},
            {"rel": "bookmark", "href": f"{base_url}/capsules/{row.id}"},
        ],
    }
    if version >= NEW_FORM:
        document |= {
            "name": row.name,
            "labels": row.labels,
            "restart_policy": model.RestartPolicy(row.restart_policy),
        }
    else:
        document |= {
            "meta_name": row.name,
            "meta_labels": row.labels,
            "restart_policy": row.restart_policy,
            "volumes_info": {},
            "containers_uuids": [],
            "init_containers_uuids": [],
            "capsule_version": "beta",
        }
    if "host" not in hidden:
        document["host"] = row.host
    return document
