"""The microversions of Zun's API and the version documents; data, a sentence each."""

from __future__ import annotations

from typing import Any

from boxship.core.http.microversions import Microversions

MICROVERSIONS = Microversions(
    service="container",
    changes={
        "1.1": "The first with microversions.",
        "1.2": "nets at creation.",
        "1.3": "auto_remove.",
        "1.4": "Hosts.",
        "1.5": "runtime.",
        "1.6": "network_detach.",
        "1.7": "Deletion by force is for admins.",
        "1.8": "network_attach.",
        "1.9": "hostname.",
        "1.10": "Deletion does not wait.",
        "1.11": "mounts.",
        "1.12": "Deletion may stop first.",
        "1.13": "network_list.",
        "1.14": "Renaming is an update.",
        "1.15": "Security groups are no longer added or removed by an action.",
        "1.16": "restartPolicy of capsules in their spec.",
        "1.17": "network_detach by port.",
        "1.18": "network_list answers with a list.",
        "1.19": "resize_container.",
        "1.20": "command is a list.",
        "1.21": "privileged.",
        "1.22": "healthcheck.",
        "1.23": "Files in mounts.",
        "1.24": "exposed_ports.",
        "1.25": "Archives in base64.",
        "1.26": "Quotas.",
        "1.27": "Networks can be deleted.",
        "1.28": "cpu_policy.",
        "1.29": "enable_cpu_pinning of hosts.",
        "1.30": "Registries.",
        "1.31": "registry at creation.",
        "1.32": "Deletion of capsules does not wait.",
        "1.33": "finish_time of actions.",
        "1.34": "initContainers of capsules.",
        "1.35": "ports of capsules.",
        "1.36": "tty apart from interactive.",
        "1.37": "tty and stdin of capsules.",
        "1.38": "annotations of capsules.",
        "1.39": "host at creation.",
        "1.40": "entrypoint.",
    },
)


def root(base_url: str) -> dict[str, Any]:
    """The answer to GET / (Zun, zun/api/controllers/root.py)."""
    version = {
        "id": "v1",
        "status": "CURRENT",
        "min_version": str(MICROVERSIONS.minimum),
        "max_version": str(MICROVERSIONS.maximum),
        "links": [{"rel": "self", "href": f"{base_url}/v1/"}],
    }
    return {
        "name": "OpenStack Zun API",
        "description": "Containers, as Zun offers them, by Boxship.",
        "versions": [version],
        "default_version": version,
    }


_RESOURCES = (
    *("services", "containers", "images", "networks", "hosts", "availability_zones", "capsules"),
    *("quotas", "quota_classes", "registries"),
)


def v1(base_url: str) -> dict[str, Any]:
    """The answer to GET /v1: the resources that are there."""
    document: dict[str, Any] = {
        "id": "v1",
        "media_types": [{"base": "application/json", "type": "application/vnd.openstack.zun.v1+json"}],
        "links": [{"rel": "self", "href": f"{base_url}/v1/"}],
    }
    for name in _RESOURCES:
        document[name] = [
            {"rel": "self", "href": f"{base_url}/v1/{name}/"},
            {"rel": "bookmark", "href": f"{base_url}/{name}/"},
        ]
    return document
