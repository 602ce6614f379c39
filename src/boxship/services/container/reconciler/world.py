"""The drivers that the reconcilers of this service act with, and the boot of the host that they act in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from boxship.core.vault import Vault
from boxship.drivers.engine.interface import Engine
from boxship.drivers.linux.interface import Fabric
from boxship.drivers.storage.interface import Blobs


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
    blobs: Blobs
    vault: Vault
    boot_id: str = field(default_factory=_boot_id)
