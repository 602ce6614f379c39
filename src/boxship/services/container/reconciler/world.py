"""The drivers that the reconcilers of this service act with, and the host and the boot of it that they act in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from boxship.core.hosts import Hosts
from boxship.core.vault import Vault
from boxship.drivers.engine.interface import Engine
from boxship.drivers.linux.interface import Fabric
from boxship.services.image import public as image


def _boot_id() -> str:
    """Changes with every boot of the host (proc(5), /proc/sys/kernel/random/boot_id)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class World:
    """The drivers that containers are made with."""

    engine: Engine
    fabric: Fabric
    images: image.ImageLive
    vault: Vault
    hosts: Hosts
    boot_id: str = field(default_factory=_boot_id)
