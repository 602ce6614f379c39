"""What the Block Storage API tells of itself: extensions."""

from __future__ import annotations

_EXTENSIONS = {
    "os-admin-actions": ("AdminActions", "Reset the status of volumes, detach and delete them by force."),
    "capabilities": ("Capabilities", "Show what a backend can."),
    "scheduler-stats": ("Scheduler_stats", "Show the pools of the backends."),
    "os-hosts": ("Hosts", "Show what hosts keep, enable and disable them."),
    "os-quota-class-sets": ("QuotaClasses", "Show and set quotas of classes."),
    "os-snapshot-actions": ("SnapshotActions", "Tell how far a snapshot is."),
    "os-extended-snapshot-attributes": ("ExtendedSnapshotAttributes", "Show project and progress of snapshots."),
    "os-volume-actions": ("VolumeActions", "Attach, extend and change volumes."),
    "os-vol-image-meta": ("VolumeImageMetadata", "Show and set the metadata of a volume's image."),
    "os-volume-transfer": ("VolumeTransfer", "Give volumes to other projects."),
    "os-volume-type-access": ("VolumeTypeAccess", "Give projects private volume types."),
    "os-vol-mig-status-attr": ("VolumeMigStatusAttribute", "Show the migration of a volume, which is none."),
    "os-availability-zone": ("AvailabilityZones", "Describe availability zones."),
    "os-quota-sets": ("Quotas", "Show and set quotas."),
    "os-services": ("Services", "Show, enable and disable services."),
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
