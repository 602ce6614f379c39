"""What the Block Storage API tells of itself: limits, quotas, zones, services, extensions, messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from boxship.config import Settings
from boxship.core import clock
from boxship.services.volume.model import Volume
from boxship.services.volume.operations.volumes import ZONE
from boxship.services.volume.schemas.volumes import HOST

_ABSENT = {"snapshots": 0, "backups": 0, "backup_gigabytes": 0, "groups": 0}
"""Resources that are not served: none are allowed."""


def limits(settings: Settings, count: int, gigabytes: int) -> dict[str, Any]:
    """GET /limits: what the project may have and has."""
    absolute = {
        "maxTotalVolumes": settings.quota_volumes,
        "maxTotalVolumeGigabytes": settings.quota_gigabytes,
        "maxTotalSnapshots": 0,
        "maxTotalBackups": 0,
        "maxTotalBackupGigabytes": 0,
        "totalVolumesUsed": count,
        "totalGigabytesUsed": gigabytes,
        "totalSnapshotsUsed": 0,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    return {"limits": {"rate": [], "absolute": absolute}}


def quota_set(settings: Settings, project_id: str) -> dict[str, Any]:
    """GET /os-quota-sets/{project}."""
    quotas = {"volumes": settings.quota_volumes, "gigabytes": settings.quota_gigabytes, "per_volume_gigabytes": -1}
    return {"quota_set": {"id": project_id, **quotas, **_ABSENT}}


def quota_usage(settings: Settings, project_id: str, count: int, gigabytes: int) -> dict[str, Any]:
    """The same with ``usage``: limit, in use and reserved of each."""
    used = {"volumes": count, "gigabytes": gigabytes}
    plain = quota_set(settings, project_id)["quota_set"]
    return {
        "quota_set": {
            name: limit if name == "id" else {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in plain.items()
        }
    }


ZONES = {"availabilityZoneInfo": [{"zoneName": ZONE, "zoneState": {"available": True}}]}


def services(binary: str | None, host: str | None, *, clusters: bool) -> dict[str, Any]:
    """The one service, unless it is filtered out; it is the program that answers, so it is up. ``clusters``: whether the
    version of the request knows them."""
    service: dict[str, object] = {
        "binary": "cinder-volume",
        "host": HOST.partition("#")[0],
        "zone": ZONE,
        "status": "enabled",
        "state": "up",
        "updated_at": clock.stamp_micro(clock.now()),
        "disabled_reason": None,
        "frozen": False,
        "replication_status": "disabled",
        "active_backend_id": None,
    }
    if clusters:
        service["cluster"] = None
    wanted = binary in {None, service["binary"]} and host in {None, service["host"]}
    return {"services": [service] if wanted else []}


_EXTENSIONS = {
    "os-admin-actions": ("AdminActions", "Reset the status of volumes and delete them by force."),
    "os-availability-zone": ("AvailabilityZones", "Describe availability zones."),
    "os-quota-sets": ("Quotas", "Show quotas."),
    "os-services": ("Services", "Show services."),
    "os-types-extra-specs": ("TypesExtraSpecs", "Extra specs of volume types."),
    "os-types-manage": ("TypesManage", "Create, change and delete volume types."),
    "os-used-limits": ("UsedLimits", "Show what is used of the limits."),
    "os-vol-host-attr": ("VolumeHostAttribute", "Show the host of a volume."),
    "os-vol-tenant-attr": ("VolumeTenantAttribute", "Show the project of a volume."),
}

EXTENSIONS = {
    "extensions": [
        {"alias": alias, "name": name, "description": text, "updated": "2016-01-01T00:00:00+00:00", "links": []}
        for alias, (name, text) in _EXTENSIONS.items()
    ]
}


def message(volume: Volume) -> dict[str, Any]:
    """Why a volume is in error, as one of Cinder's messages; it lasts as long as the error."""
    since = volume.updated_at or volume.created_at
    return {
        "id": volume.id,
        "request_id": None,
        "resource_type": "VOLUME",
        "resource_uuid": volume.id,
        "event_id": "VOLUME_VOLUME_001_001",
        "user_message": volume.fault or "An administrator declared the volume broken.",
        "message_level": "ERROR",
        "created_at": clock.stamp_micro(since),
        "guaranteed_until": clock.stamp_micro(since + timedelta(days=30)),
    }
