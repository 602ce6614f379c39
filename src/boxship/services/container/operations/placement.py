"""On which host a container goes."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from boxship.config import Settings
from boxship.core.db.database import Transaction


@dataclass(frozen=True, slots=True)
class PlacementWish:
    """What a container needs of a host; ``memory`` MiB, ``cpu`` cores, ``disk`` GiB."""

    memory: int
    cpu: float
    disk: int
    zone: str | None = None
    runtime: str | None = None
    host: str | None = None
    hints: Mapping[str, str] = field(default_factory=dict)


async def choose(transaction: Transaction, settings: Settings, wish: PlacementWish) -> str:  # noqa: ARG001
    """The name of the host."""
    return socket.gethostname()
