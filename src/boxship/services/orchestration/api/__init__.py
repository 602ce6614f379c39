"""The routes of the orchestration service (Heat v1), joined from a module per resource."""

from __future__ import annotations

from boxship.services.orchestration.api import cloud, configs, resources, snapshots, stacks, types

ROUTES = [
    *cloud.ROUTES,
    *types.ROUTES,
    *stacks.ROUTES,
    *snapshots.ROUTES,
    *resources.ROUTES,
    *configs.ROUTES,
]
