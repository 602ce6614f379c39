"""The routes of the volume service (Cinder v3), joined from a module per resource."""

from __future__ import annotations

from boxship.services.volume.api import attachments, cloud, volume_types, volumes

ROUTES = [*cloud.ROUTES, *volumes.ROUTES, *volume_types.ROUTES, *attachments.ROUTES]
