"""The microversions of Cinder's API and the version documents; data, a sentence each.

The maximum is the last one that changes something that is served here. Versions in between that concern resources that
are not (groups, replication, clusters, taking over of volumes, levels of logs, default types of projects) change nothing;
those resources answer 404 in every version. Messages are served in all versions, as clients ask for them without naming
one. After the maximum come paths without a project (3.67), which are not served.
"""

from __future__ import annotations

from typing import Any

from boxship.core.http.microversions import Microversions, Version

MICROVERSIONS = Microversions(
    service="volume",
    aliases=("block-storage",),
    changes={
        "3.0": "The API of version 2, with microversions.",
        "3.1": "Visibility of images made from volumes.",
        "3.2": "Volumes are filtered by bootable as a boolean.",
        "3.3": "Messages tell why a volume is in error.",
        "3.4": "Volumes are filtered by the metadata of their image.",
        "3.5": "Messages are sorted, filtered and come in pages.",
        "3.6": "Empty updates of consistency groups.",
        "3.7": "Clusters.",
        "3.8": "Resources that can be taken over.",
        "3.9": "Backups are updated.",
        "3.10": "Volumes are filtered by group.",
        "3.11": "Group types.",
        "3.12": "The summary of volumes.",
        "3.13": "Groups.",
        "3.14": "Groups from snapshots.",
        "3.15": "Metadata carries an ETag.",
        "3.16": "Migration to a cluster.",
        "3.17": "Taking over from a cluster.",
        "3.18": "The project of a backup.",
        "3.19": "Actions of group snapshots.",
        "3.20": "The status of a group can be reset.",
        "3.21": "provider_id of volumes, for admins.",
        "3.22": "Snapshots are filtered by metadata.",
        "3.23": "Deletion takes force.",
        "3.24": "Clean-up of workers.",
        "3.25": "Groups of a volume type.",
        "3.26": "Failover of clusters.",
        "3.27": "Attachments.",
        "3.28": "Pools are filtered.",
        "3.29": "Snapshots of groups come in pages.",
        "3.30": "Snapshots are sorted by name.",
        "3.31": "Filters that are not known are refused.",
        "3.32": "Levels of logs.",
        "3.33": "The filters of every list are told.",
        "3.34": "Volumes are filtered by a part of a name: name~.",
        "3.35": "Pools are filtered by volume type.",
        "3.36": "The summary of volumes has their metadata.",
        "3.37": "Backups are sorted by name.",
        "3.38": "Replication of groups.",
        "3.39": "Admins see the limits of other projects.",
        "3.40": "A volume is reverted to its last snapshot.",
        "3.41": "The user of a snapshot.",
        "3.42": "Volumes that are in use are extended.",
        "3.43": "Metadata of backups.",
        "3.44": "Attachments are completed.",
        "3.45": "Lists count all that there is: with_count.",
        "3.46": "Images that stand for a snapshot.",
        "3.47": "Volumes from backups.",
        "3.48": "Volumes have shared_targets and service_uuid.",
        "3.49": "Services tell the state of their backend.",
        "3.50": "Volumes are attached several times.",
        "3.51": "Backups in an availability zone.",
        "3.52": "Volume types are filtered by extra specs.",
        "3.53": "Bodies are checked strictly.",
        "3.54": "The mode of an attachment.",
        "3.55": "Transfers take snapshots along.",
        "3.56": "The user of a backup.",
        "3.57": "Transfers tell between whom.",
        "3.58": "The project of a group.",
        "3.59": "Transfers come in pages.",
        "3.60": "Volumes are filtered by moments: created_at=gt:...",
        "3.61": "The cluster of a volume, for admins.",
        "3.62": "Default types of projects.",
        "3.63": "Volumes have volume_type_id.",
        "3.64": "The key of an encrypted volume, which none is here.",
        "3.65": "Volumes and snapshots tell that they count against the quota.",
        "3.66": "Snapshots of volumes in use need no force.",
    },
)

CLUSTERS = Version(3, 7)
BACKUP_UPDATE = Version(3, 9)
SUMMARY = Version(3, 12)
GROUPS = Version(3, 13)
SNAPSHOT_GROUPS = Version(3, 14)
BACKUP_PROJECT = Version(3, 18)
PROVIDER_ID = Version(3, 21)
FORCED_DELETE = Version(3, 23)
ATTACHMENTS = Version(3, 27)
POOL_FILTERS = Version(3, 28)
STRICT_FILTERS = Version(3, 31)
RESOURCE_FILTERS = Version(3, 33)
LIKE = Version(3, 34)
POOLS_OF_TYPE = Version(3, 35)
SUMMARY_METADATA = Version(3, 36)
LIMITS_OF_OTHERS = Version(3, 39)
REVERT = Version(3, 40)
SNAPSHOT_USER = Version(3, 41)
EXTEND_IN_USE = Version(3, 42)
BACKUP_METADATA = Version(3, 43)
COMPLETION = Version(3, 44)
COUNTS = Version(3, 45)
SHARED_TARGETS = Version(3, 48)
BACKEND_STATE = Version(3, 49)
TYPE_FILTERS = Version(3, 52)
STRICT_BODIES = Version(3, 53)
ATTACH_MODE = Version(3, 54)
TRANSFERS_WITH_SNAPSHOTS = Version(3, 55)
BACKUP_USER = Version(3, 56)
TRANSFER_HISTORY = Version(3, 57)
TIME_FILTERS = Version(3, 60)
CLUSTER_NAME = Version(3, 61)
TYPE_ID = Version(3, 63)
CONSUMES_QUOTA = Version(3, 65)
SNAPSHOT_IN_USE = Version(3, 66)


def document(base_url: str) -> dict[str, Any]:
    """The one version, in Cinder's shape (cinder/api/versions.py)."""
    return {
        "versions": [
            {
                "id": "v3.0",
                "status": "CURRENT",
                "version": str(MICROVERSIONS.maximum),
                "min_version": str(MICROVERSIONS.minimum),
                "updated": "2023-08-31T00:00:00Z",
                "links": [
                    {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                    {"rel": "self", "href": f"{base_url}/v3/"},
                ],
                "media-types": [
                    {"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}
                ],
            }
        ]
    }
