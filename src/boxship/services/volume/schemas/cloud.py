"""What the Block Storage API tells of itself: extensions."""

from __future__ import annotations

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
