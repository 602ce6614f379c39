"""Quotas and limits on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core.errors import BadRequest
from boxship.core.http.microversions import Version
from boxship.services.share import versions
from boxship.services.share.model import TYPE, Part
from boxship.services.share.operations import quotas
from boxship.services.share.schemas.shares import Flag, ShareCall, Text, flag

Limit = Annotated[int, Meta(ge=-1, le=2**31 - 1)] | Annotated[str, Meta(pattern=r"^(-1|[0-9]{1,9})$")]
_GROUPS, _REPLICAS = Version(2, 40), Version(2, 53)


class Limits(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The quotas in PUT; those of what there is none of here are read and do not count."""

    shares: Limit | None = None
    gigabytes: Limit | None = None
    snapshots: Limit | None = None
    snapshot_gigabytes: Limit | None = None
    per_share_gigabytes: Limit | None = None
    share_networks: Limit | None = None
    share_groups: Limit | None = None
    share_group_snapshots: Limit | None = None
    share_replicas: Limit | None = None
    replica_gigabytes: Limit | None = None
    force: Flag | None = None
    tenant_id: Text | None = None
    project_id: Text | None = None
    class_name: Text | None = None


class SetRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /quota-sets/{project}."""

    quota_set: Limits


class ClassRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PUT /quota-class-sets/{class}."""

    quota_class_set: Limits


_SINCE = {
    "share_groups": _GROUPS,
    "share_group_snapshots": _GROUPS,
    "share_replicas": _REPLICAS,
    "replica_gigabytes": _REPLICAS,
    quotas.LARGEST: versions.SIZE_QUOTA,
}


def wished(call: ShareCall, limits: Limits, part: Part | None = None) -> dict[str, int]:
    """The limits that are set. BadRequest: one that this version does not know, that is no type's, or none at all."""
    given = {
        name: int(value)
        for name in (*quotas.COUNTED, quotas.LARGEST, *quotas.ABSENT)
        if (value := getattr(limits, name)) is not None
    }
    for name in given:
        if call.version < _SINCE.get(name, versions.MICROVERSIONS.minimum):
            raise BadRequest(
                f"'{name}' key is not supported by this microversion. Use {_SINCE[name]} or greater.",
                field=f"quota_set.{name}",
            )
        if _is_type(part) and name in {"share_networks", "share_groups", "share_group_snapshots"}:
            raise BadRequest(f"'{name}' quota cannot be set for share type.", field=f"quota_set.{name}")
    if not given:
        raise BadRequest("Must supply at least one quota field to update.", field="quota_set")
    return {name: limit for name, limit in given.items() if name not in quotas.ABSENT}


def forced(limits: Limits) -> bool:
    """Whether less than what is used may be set."""
    return flag(limits.force)


def shown(call: ShareCall, limits: Mapping[str, int], part: Part | None = None) -> dict[str, Any]:
    """The limits that a version knows, with zeros for what there is none of here."""
    whole = {**quotas.ABSENT, **limits}
    if _is_type(part):
        whole = {name: limit for name, limit in whole.items() if not name.startswith(("share_group", "share_networks"))}
    return {name: limit for name, limit in whole.items() if _is_known(call, name)}


def _is_type(part: Part | None) -> bool:
    return part is not None and part.scope == TYPE


def _is_known(call: ShareCall, name: str) -> bool:
    return call.version >= _SINCE.get(name, versions.MICROVERSIONS.minimum)


def detailed(
    call: ShareCall, limits: Mapping[str, int], used: Mapping[str, int], part: Part | None = None
) -> dict[str, Any]:
    """The same with what is used."""
    return {
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
        for name, limit in shown(call, limits, part).items()
    }


_ABSOLUTE = {
    "shares": ("maxTotalShares", "totalSharesUsed"),
    "gigabytes": ("maxTotalShareGigabytes", "totalShareGigabytesUsed"),
    "snapshots": ("maxTotalShareSnapshots", "totalShareSnapshotsUsed"),
    "snapshot_gigabytes": ("maxTotalSnapshotGigabytes", "totalSnapshotGigabytesUsed"),
}


def absolute(call: ShareCall, limits: Mapping[str, int], used: Mapping[str, int]) -> dict[str, Any]:
    """Limits and usage under their other names."""
    found = {"maxTotalShareNetworks": 0, "totalShareNetworksUsed": 0}
    if call.version >= _REPLICAS:
        found |= {"maxTotalShareReplicas": 0, "totalShareReplicasUsed": 0}
        found |= {"maxTotalReplicaGigabytes": 0, "totalReplicaGigabytesUsed": 0}
    for name, (most, taken) in _ABSOLUTE.items():
        found |= {most: limits[name], taken: used[name]}
    return {"limits": {"rate": [], "absolute": found}}
