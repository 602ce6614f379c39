"""The microversions of Cinder's API and the version documents; data, a sentence each.

The maximum is the last one that changes something that is served here. Versions in between that concern resources that
are not (groups, backups, replication) change nothing; those resources answer 404 in every version. Messages are served
in all versions, as clients ask for them without naming one.
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
    },
)

CLUSTERS = Version(3, 7)
SUMMARY = Version(3, 12)
GROUPS = Version(3, 13)
PROVIDER_ID = Version(3, 21)
FORCED_DELETE = Version(3, 23)
ATTACHMENTS = Version(3, 27)


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
