"""The microversions of Manila's API and the version documents; data, a sentence each.

The maximum is the last one that changes something that is served here. Versions in between that concern resources that are
not (share networks and servers, groups, replicas, migration, taking over of shares, security services) change
nothing; those resources answer 404 in every version.
"""

from __future__ import annotations

from typing import Any

from boxship.core.http.microversions import Microversions, Version

MICROVERSIONS = Microversions(
    service="shared-file-system",
    legacy_header="X-OpenStack-Manila-API-Version",
    changes={
        "2.0": "The API of version 1, with microversions.",
        "2.1": "A share is made in the availability zone that is asked for.",
        "2.2": "Shares tell whether they can have snapshots.",
        "2.3": "Instances of shares, of which every share has one here.",
        "2.4": "Consistency groups.",
        "2.5": "Migration; shares have task_state.",
        "2.6": "share_type is the id of the type, share_type_name its name.",
        "2.7": "Actions and resources lose the prefix os-.",
        "2.8": "Shares that are taken over can be public.",
        "2.9": "Export locations are a resource.",
        "2.10": "Shares tell whether their access rules are in force.",
        "2.11": "Replicas.",
        "2.12": "Snapshots that are taken over.",
        "2.13": "Access by cephx.",
        "2.14": "Export locations tell which is preferred.",
        "2.15": "Migration is cancelled and completed.",
        "2.16": "The user of a share.",
        "2.17": "The project and the user of a snapshot.",
        "2.18": "The gateway of share networks.",
        "2.19": "Instances of snapshots.",
        "2.20": "The MTU of share networks.",
        "2.21": "Access rules have access_key.",
        "2.22": "What a migration keeps.",
        "2.23": "Pools are filtered by share type.",
        "2.24": "Types say whether shares are made from snapshots.",
        "2.25": "Quotas with what is used of them.",
        "2.26": "Share networks without Nova's.",
        "2.27": "A share is reverted to its last snapshot.",
        "2.28": "Access rules have states on their way.",
        "2.29": "What a migration has to keep.",
        "2.30": "Instances of shares tell whether they may only be read.",
        "2.31": "Groups in place of consistency groups.",
        "2.32": "Snapshots that are mounted.",
        "2.33": "Access rules tell when they were made.",
        "2.34": "Groups in an availability zone.",
        "2.35": "Shares are filtered by export location.",
        "2.36": "Lists are filtered by parts of names and descriptions.",
        "2.37": "Messages tell why something failed.",
        "2.38": "Access rules for IPv6.",
        "2.39": "Quotas of share types.",
        "2.40": "Quotas of groups.",
        "2.41": "Share types have a description.",
        "2.42": "The list of shares counts all that there is: with_count.",
        "2.43": "Share types are filtered by extra specs.",
        "2.44": "Organisational units of security services.",
        "2.45": "Access rules are a resource, with metadata.",
        "2.46": "Share types tell which is the default.",
        "2.47": "Export locations of replicas.",
        "2.48": "Types may be for some availability zones only.",
        "2.49": "Share servers that are taken over.",
        "2.50": "Share types are renamed.",
        "2.51": "Share networks with several subnets.",
        "2.52": "Messages are filtered by their time.",
        "2.53": "Quotas of replicas.",
        "2.54": "Shares tell their progress, and when they are made from a snapshot.",
        "2.55": "Groups for everybody.",
        "2.56": "Replicas for everybody.",
        "2.57": "Share servers that move.",
        "2.58": "Limits of groups.",
        "2.59": "Details of a migration.",
        "2.60": "Paths without a project.",
        "2.61": "Types limit the size of shares.",
        "2.62": "A quota of the size of a single share.",
        "2.63": "Security services of share networks in use.",
        "2.64": "Shares are extended by force.",
        "2.65": "Hints for the scheduler.",
        "2.66": "Types of groups are filtered by specs.",
        "2.67": "The scheduler's hint only_host.",
        "2.68": "Metadata that is for admins.",
        "2.69": "The recycle bin, which holds nothing here.",
        "2.70": "Several subnets of share servers.",
        "2.71": "Instances tell when they were changed.",
        "2.72": "Share networks of replicas.",
        "2.73": "Snapshots have metadata.",
    },
)

SNAPSHOT_SUPPORT = Version(2, 2)
INSTANCES = Version(2, 3)
TASK_STATE = Version(2, 5)
TYPE_NAME = Version(2, 6)
LAST_OS_PREFIX = Version(2, 6)
NO_OS_PREFIX = Version(2, 7)
EXPORT_LOCATIONS = Version(2, 9)
RULES_STATUS = Version(2, 10)
REPLICATION = Version(2, 11)
PROVIDER_LOCATION = Version(2, 12)
PREFERRED = Version(2, 14)
SHARE_USER = Version(2, 16)
SNAPSHOT_USER = Version(2, 17)
ACCESS_KEY = Version(2, 21)
INSTANCE_TYPE = Version(2, 22)
POOLS_OF_TYPE = Version(2, 23)
FROM_SNAPSHOT = Version(2, 24)
QUOTA_DETAIL = Version(2, 25)
REVERT = Version(2, 27)
RULE_STATES = Version(2, 28)
INSTANCE_RULES = Version(2, 30)
GROUPS = Version(2, 31)
MOUNT_SNAPSHOT = Version(2, 32)
RULE_TIMES = Version(2, 33)
LOCATION_FILTERS = Version(2, 35)
LIKE = Version(2, 36)
MESSAGES = Version(2, 37)
IPV6_RULES = Version(2, 38)
TYPE_QUOTAS = Version(2, 39)
TYPE_DESCRIPTION = Version(2, 41)
COUNTS = Version(2, 42)
TYPE_FILTERS = Version(2, 43)
LAST_ACCESS_LIST = Version(2, 44)
RULE_METADATA = Version(2, 45)
DEFAULT_TYPE = Version(2, 46)
TYPE_ZONES = Version(2, 48)
TYPE_UPDATE = Version(2, 50)
MESSAGE_TIMES = Version(2, 52)
PROGRESS = Version(2, 54)
TYPE_SIZES = Version(2, 61)
SIZE_QUOTA = Version(2, 62)
FORCED_EXTEND = Version(2, 64)
RECYCLE_BIN = Version(2, 69)
INSTANCE_TIMES = Version(2, 71)
SNAPSHOT_METADATA = Version(2, 73)


def document(base_url: str) -> dict[str, Any]:
    """The one version, in Manila's shape (manila/api/versions.py)."""
    return {
        "versions": [
            {
                "id": "v2.0",
                "status": "CURRENT",
                "version": str(MICROVERSIONS.maximum),
                "min_version": str(MICROVERSIONS.minimum),
                "updated": "2015-08-27T11:33:21Z",
                "links": [
                    {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                    {"rel": "self", "href": f"{base_url}/v2/"},
                ],
                "media-types": [{"base": "application/json", "type": "application/vnd.openstack.share+json;version=1"}],
            }
        ]
    }
