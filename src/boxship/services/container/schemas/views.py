"""Containers, their networks and their actions as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from boxship.core import clock
from boxship.core.http.microversions import Version
from boxship.services.container import model, states
from boxship.services.network import public as network


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
    own = [plugs[plug.port_id] for plug in row.plugs if plug.port_id in plugs]
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
        addresses=addresses(row.plugs, plugs),
        security_groups=sorted({group for port in own for group in port.security_groups}),
        ports=sorted({int(port.partition("/")[0]) for port in row.exposed_ports}),
        restart_policy=row.restart_policy,
        healthcheck=row.healthcheck,
        interactive=row.interactive,
        tty=row.tty,
        auto_remove=row.auto_remove,
        auto_heal=row.auto_heal,
        cpu_policy=row.cpu_policy or "shared",
        registry_id=row.registry_id,
        created_at=clock.stamp_plain(row.created_at),
        updated_at=clock.stamp_plain(row.updated_at),
        links=_links(base_url, row.id),
    )
    extra = {
        "host": row.host,
        "image_pull_policy": row.image_pull_policy,
        "privileged": row.privileged,
        "runtime": row.runtime,
    }
    for name, value in extra.items():
        if name not in hidden:
            setattr(shown, name, value)
    return shown


def addresses(own: Sequence[model.Plug], plugs: Mapping[str, network.Plug]) -> dict[str, list[dict[str, Any]]]:
    """Per network the addresses of a container's or capsule's ports."""
    found: dict[str, list[dict[str, Any]]] = {}
    for plug, port in ((plug, plugs[plug.port_id]) for plug in own if plug.port_id in plugs):
        for fixed in port.addresses:
            entry = {
                "addr": fixed.ip,
                "version": fixed.version,
                "port": port.port_id,
                "subnet_id": fixed.subnet_id,
                "preserve_on_delete": plug.borrowed,
            }
            found.setdefault(port.network_id, []).append(entry)
    return found


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


def networks(row: model.Container, plugs: dict[str, network.Plug], version: Version) -> list[dict[str, Any]]:
    """What network_list shows: an entry per address up to 1.17, an entry per port with its addresses from 1.18 on."""
    shown: list[dict[str, Any]] = []
    for port in (plugs[plug.port_id] for plug in row.plugs if plug.port_id in plugs):
        fixed = [{"subnet_id": ip.subnet_id, "version": ip.version, "ip_address": ip.ip} for ip in port.addresses]
        if version >= Version(1, 18):
            shown.append({"net_id": port.network_id, "port_id": port.port_id, "fixed_ips": fixed})
        else:
            shown += [{"net_id": port.network_id, "port_id": port.port_id, **address} for address in fixed]
    return shown


class ActionView(msgspec.Struct, kw_only=True):
    """An action as Zun shows it; ``finish_time`` from 1.33 on, ``events`` where one action is shown."""

    action: str
    container_uuid: str
    request_id: str
    project_id: str
    user_id: str
    start_time: str | None
    message: str | None
    finish_time: str | None | UnsetType = UNSET
    events: list[dict[str, str | None]] | UnsetType = UNSET


def action(row: model.Action, version: Version) -> ActionView:
    """What was asked, by whom and when."""
    shown = ActionView(
        action=row.action,
        container_uuid=row.container_id,
        request_id=row.request_id,
        project_id=row.project_id,
        user_id=row.user_id,
        start_time=clock.stamp(row.started_at),
        message=row.message,
    )
    if version >= Version(1, 33):
        shown.finish_time = clock.stamp(row.finished_at)
    return shown


def event(taken: model.Event, *, reason: bool) -> dict[str, str | None]:
    """A step taken for an action; why it failed is for those whom the rule lets see it."""
    return {
        "event": taken.event,
        "start_time": clock.stamp(taken.started_at),
        "finish_time": clock.stamp(taken.finished_at),
        "result": taken.result,
        "traceback": (taken.reason or None) if reason else None,
    }
