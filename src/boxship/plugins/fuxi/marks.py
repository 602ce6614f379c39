"""How what we make is marked in the cloud: metadata of volumes and shares, as Fuxi writes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

FROM = "volume_from"
NAME = "docker_volume_name"
FSTYPE = "fstype"
EXISTING = "docker_volume_existing"
"""Set on what a user brought: removing the Docker volume gives it back, and deletes nothing."""
FUXI = "fuxi"
FILTER = {FROM: FUXI}


def made(name: str, fstype: str = "") -> dict[str, str]:
    """The metadata of a new volume or share."""
    return {FROM: FUXI, NAME: name} | ({FSTYPE: fstype} if fstype else {})


def adopted(name: str, fstype: str = "") -> dict[str, str]:
    """The metadata that something of a user's gets."""
    return made(name, fstype) | {EXISTING: "true"}


def docker_name(name: str, metadata: Mapping[str, str]) -> str | None:
    """What it is called in Docker; None: it is none of Docker's. Upstream's Fuxi marks no name: theirs is the resource's."""
    if metadata.get(FROM) != FUXI:
        return None
    return metadata.get(NAME) or name or None


def is_existing(metadata: Mapping[str, str]) -> bool:
    """Whether a user brought it."""
    return metadata.get(EXISTING) == "true"
