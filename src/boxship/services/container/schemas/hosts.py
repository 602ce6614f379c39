"""Hosts, their services and availability zones on the wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import clock
from boxship.core.http.microversions import Version
from boxship.services.container import model

Word = Annotated[str, Meta(min_length=1, max_length=255)]
_PINNING = Version(1, 29)


class ServiceRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The query of what is said of a service."""

    host: Word
    binary: Word


class DisableRequest(ServiceRequest, kw_only=True, forbid_unknown_fields=True):
    """The query of ``disable``."""

    disabled_reason: Word | None = None


class ForceDownRequest(ServiceRequest, kw_only=True, forbid_unknown_fields=True):
    """The query of ``force_down``; the flag in any of OpenStack's spellings is read apart."""

    forced_down: Word


class HostView(msgspec.Struct, kw_only=True):
    """A host as Zun shows it: memory in MiB, disk in GiB. What is used is what containers were promised."""

    uuid: str
    links: list[dict[str, str]]
    hostname: str
    mem_total: int
    mem_used: int
    cpus: int
    cpu_used: float
    disk_total: int
    disk_used: int
    disk_quota_supported: bool
    total_containers: int
    architecture: str
    os_type: str
    os: str
    kernel_version: str
    labels: dict[str, str]
    runtimes: list[str]
    enable_cpu_pinning: bool | UnsetType = UNSET


def host(row: model.Host, share: model.Share, base_url: str, version: Version) -> HostView:
    """The row. Where the engine limits no disks, ``disk_used`` is what is used of the file system."""
    return HostView(
        uuid=row.id,
        links=links(base_url, "hosts", row.id),
        hostname=row.hostname,
        mem_total=row.memory,
        mem_used=share.memory,
        cpus=row.cpus,
        cpu_used=round(share.cpu, 6),
        disk_total=row.disk,
        disk_used=share.disk if row.disk_quota else row.disk_used,
        disk_quota_supported=row.disk_quota,
        total_containers=share.containers,
        architecture=row.architecture,
        os_type=row.os_type,
        os=row.os,
        kernel_version=row.kernel,
        labels=row.labels,
        runtimes=row.runtimes,
        enable_cpu_pinning=False if version >= _PINNING else UNSET,
    )


def service(row: model.Host, *, up: bool) -> dict[str, Any]:
    """What Zun shows of the service of a host."""
    return {
        "id": row.number,
        "host": row.hostname,
        "binary": model.HOST_SERVICE,
        "state": "up" if up else "down",
        "disabled": row.disabled,
        "disabled_reason": row.disabled_reason,
        "forced_down": row.forced_down,
        "report_count": row.report_count,
        "last_seen_up": clock.stamp_micro(row.last_seen_up),
        "created_at": clock.stamp_micro(row.created_at),
        "updated_at": clock.stamp_micro(max(row.last_seen_up, row.updated_at or row.created_at)),
        "availability_zone": row.zone,
    }


def links(base_url: str, collection: str, id: str) -> list[dict[str, str]]:
    """Where a resource is."""
    return [
        {"rel": "self", "href": f"{base_url}/v1/{collection}/{id}"},
        {"rel": "bookmark", "href": f"{base_url}/{collection}/{id}"},
    ]
