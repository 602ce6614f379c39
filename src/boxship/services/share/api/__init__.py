"""The routes of the share service (Manila v2), joined from a module per resource."""

from __future__ import annotations

from boxship.services.share.api import cloud, instances, quotas, rules, shares, snapshots, types

ROUTES = [
    *cloud.ROUTES,
    *quotas.ROUTES,
    *types.ROUTES,
    *shares.ROUTES,
    *instances.ROUTES,
    *rules.ROUTES,
    *snapshots.ROUTES,
]
