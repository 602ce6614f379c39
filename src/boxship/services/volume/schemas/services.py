"""Services, hosts and pools on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call
from boxship.services.volume import versions
from boxship.services.volume.live import Room
from boxship.services.volume.model import FILE, GIB
from boxship.services.volume.operations import services
from boxship.services.volume.operations.scheduling import PROTOCOL, VENDOR
from boxship.services.volume.operations.services import Service
from boxship.services.volume.store.services import Kept

Word = Annotated[str, Meta(min_length=1, max_length=255)]


class SwitchRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /os-services/enable and so on; ``service`` is the older name of ``binary``."""

    host: Word
    binary: Word | None = None
    service: Word | None = None
    cluster: Annotated[str, Meta(max_length=255)] | None = None
    disabled_reason: Word | msgspec.UnsetType = msgspec.UNSET


class HostRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /os-hosts/{host}."""

    status: Annotated[str, Meta(max_length=16)]


def binary(request: SwitchRequest) -> str:
    """The service that is meant. BadRequest: none is."""
    named = request.binary or request.service
    if named is None:
        raise BadRequest("the name of the service is needed", field="binary")
    return named


def enabling(request: HostRequest) -> bool:
    """Whether the host is to take what is new. BadRequest: neither enable nor disable."""
    status = request.status.strip().lower()
    if status not in {"enable", "disable"}:
        raise BadRequest("neither enable nor disable", field="status")
    return status == "enable"


def service(call: Call[Any], one: Service) -> dict[str, Any]:
    """A service as it is listed."""
    answer: dict[str, Any] = {
        "binary": one.binary,
        "host": one.address,
        "zone": one.zone,
        "status": "disabled" if one.disabled else "enabled",
        "state": "up" if one.up else "down",
        "updated_at": clock.stamp_micro(one.updated_at),
        "disabled_reason": one.reason,
    }
    if one.binary == services.VOLUME:
        answer |= {"frozen": False, "replication_status": "disabled", "active_backend_id": None}
        if call.version >= versions.BACKEND_STATE:
            answer["backend_state"] = answer["state"]
    if call.version >= versions.CLUSTERS:
        answer["cluster"] = None
    return answer


def switched(request: SwitchRequest, *, enabled: bool) -> dict[str, Any]:
    """What was asked of a service, as it is answered."""
    return {
        "host": request.host,
        "service": request.service or "",
        "binary": request.binary or "",
        "status": "enabled" if enabled else "disabled",
        "disabled": not enabled,
    }


def host(one: Service) -> dict[str, Any]:
    """A service in the older list of hosts."""
    return {
        "host_name": one.address,
        "service": one.binary,
        "zone": one.zone,
        "service-status": "available" if one.up else "unavailable",
        "service-state": "disabled" if one.disabled else "enabled",
        "last-update": clock.stamp_micro(one.updated_at),
    }


def kept(name: str, found: Sequence[Kept]) -> list[dict[str, Any]]:
    """What a host keeps: all of it, then by project."""
    total = Kept(
        "(total)",
        sum(one.volumes for one in found),
        sum(one.gigabytes for one in found),
        sum(one.snapshots for one in found),
        sum(one.snapshot_gigabytes for one in found),
    )
    return [{"resource": _kept(name, one)} for one in (total, *found)]


def _kept(name: str, one: Kept) -> dict[str, str]:
    return {
        "host": name,
        "project": one.project_id,
        "volume_count": str(one.volumes),
        "total_volume_gb": str(one.gigabytes),
        "snapshot_count": str(one.snapshots),
        "total_snapshot_gb": str(one.snapshot_gigabytes),
    }


def pool(one: Service, capacity: Room | None, *, detail: bool) -> dict[str, Any]:
    """A pool: the one of a backend, named like it. ``capacity`` None: it is another host's, which is not asked."""
    backend = one.address.partition("@")[2]
    name = f"{one.address}#{backend}"
    if not detail:
        return {"name": name}
    return {"name": name, "capabilities": capabilities_of_pool(one, capacity)}


def capabilities_of_pool(one: Service, capacity: Room | None) -> dict[str, Any]:
    """What a pool can and has; sizes in GiB."""
    backend = one.address.partition("@")[2]
    return {
        "volume_backend_name": backend,
        "pool_name": backend,
        "vendor_name": VENDOR,
        "driver_version": "1.0",
        "storage_protocol": PROTOCOL,
        "location_info": f"boxship:{one.backend.kind if one.backend else FILE}:{one.host}",
        "total_capacity_gb": round(capacity.total / GIB, 2) if capacity else "unknown",
        "free_capacity_gb": round(capacity.free / GIB, 2) if capacity else "unknown",
        "allocated_capacity_gb": round((capacity.total - capacity.free) / GIB, 2) if capacity else 0,
        "reserved_percentage": 0,
        "thin_provisioning_support": True,
        "thick_provisioning_support": False,
        "multiattach": True,
        "online_extend_support": True,
        "QoS_support": False,
        "replication_enabled": False,
        "backend_state": "up" if one.up else "down",
        "timestamp": clock.stamp_micro(one.updated_at),
    }


def capabilities(one: Service) -> dict[str, Any]:
    """GET /capabilities/{host}: what can be asked of a backend by extra specs."""
    backend = one.address.partition("@")[2]
    return {
        "namespace": f"OS::Storage::Capabilities::{one.address}",
        "vendor_name": VENDOR,
        "volume_backend_name": backend,
        "pool_name": backend,
        "driver_version": "1.0",
        "storage_protocol": PROTOCOL,
        "display_name": f"Capabilities of {backend}",
        "description": _DESCRIPTIONS[one.backend.kind if one.backend else FILE],
        "visibility": "public",
        "replication_targets": [],
        "properties": {
            name: {"title": title, "description": text, "type": "boolean"} for name, title, text in _PROPERTIES
        },
    }


_DESCRIPTIONS = {
    FILE: "Volumes of one host, as files.",
    "nfs": "Volumes as files in a file system that hosts share; one that is detached follows its user to another host.",
    "lvm": "Volumes of one host, as thin logical volumes.",
}
"""What backends are, by their kind."""
_PROPERTIES = (
    ("multiattach", "Multiattach", "Volumes are attached several times."),
    ("thin_provisioning", "Thin Provisioning", "Volumes take room only as they are written."),
)
