"""The routes of the volume service (Cinder v3), joined from a module per resource."""

from __future__ import annotations

from boxship.services.volume.api import (
    actions,
    attachments,
    backups,
    cloud,
    messages,
    quotas,
    services,
    snapshots,
    transfers,
    volume_types,
    volumes,
)

ROUTES = [
    *cloud.ROUTES,
    *services.ROUTES,
    *quotas.ROUTES,
    *messages.ROUTES,
    *volumes.ROUTES,
    *actions.ROUTES,
    *snapshots.ROUTES,
    *backups.ROUTES,
    *volume_types.ROUTES,
    *attachments.ROUTES,
    *transfers.ROUTES,
]
