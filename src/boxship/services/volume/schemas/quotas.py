"""Quotas and limits on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core.errors import BadRequest

GROUPS = {"groups": 0}
"""Groups are not served: none are allowed."""

Key = Annotated[str, Meta(min_length=1, max_length=300)]
Limit = Annotated[int, Meta(ge=-1, le=2**31 - 1)] | Annotated[str, Meta(max_length=64)]
_BEYOND = 2**31
_NAMES = {"id", "tenant_id", "project_id"}
"""What clients send along that is no limit."""


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /os-quota-sets/{project}."""

    quota_set: Annotated[dict[Key, Limit], Meta(min_length=1, max_length=512)]


class UpdateClassRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /os-quota-class-sets/{class}."""

    quota_class_set: Annotated[dict[Key, Limit], Meta(min_length=1, max_length=512)]


def wished(given: Mapping[str, int | str]) -> dict[str, int]:
    """The limits in a body. BadRequest: one is no number from -1 on."""
    for name, limit in given.items():
        if name not in _NAMES and not re.fullmatch(r"-1|[0-9]{1,10}", str(limit)):
            raise BadRequest("not a whole number from -1 on", field=f"quota_set.{name[:64]}")
    limits = {name: int(limit) for name, limit in given.items() if name not in _NAMES}
    if any(limit >= _BEYOND for limit in limits.values()):
        raise BadRequest(f"not below {_BEYOND}", field="quota_set")
    return limits


def quota_set(limits: Mapping[str, int]) -> dict[str, Any]:
    """The limits of a project as PUT answers them."""
    return {**limits, **GROUPS}


def quota_usage(limits: Mapping[str, int], used: Mapping[str, int]) -> dict[str, Any]:
    """Limit, in use and reserved of each: what is being made is in use already, so nothing is ever reserved."""
    every = {**limits, **GROUPS}
    return {name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in every.items()}


def absolute(limits: Mapping[str, int], used: Mapping[str, int]) -> dict[str, Any]:
    """GET /limits: what the project may have and has."""
    return {
        "maxTotalVolumes": limits["volumes"],
        "maxTotalVolumeGigabytes": limits["gigabytes"],
        "maxTotalSnapshots": limits["snapshots"],
        "maxTotalBackups": limits["backups"],
        "maxTotalBackupGigabytes": limits["backup_gigabytes"],
        "totalVolumesUsed": used.get("volumes", 0),
        "totalGigabytesUsed": used.get("gigabytes", 0),
        "totalSnapshotsUsed": used.get("snapshots", 0),
        "totalBackupsUsed": used.get("backups", 0),
        "totalBackupGigabytesUsed": used.get("backup_gigabytes", 0),
    }
