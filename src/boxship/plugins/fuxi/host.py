"""What the plugin was told about itself and its host."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from boxship.core import errors
from boxship.plugins.fuxi.options import Defaults

log = structlog.get_logger("fuxi")

_DISCARD = 9
"""A port that nobody is asked on: only the route there is looked up."""


QUICK = 15.0


@dataclass(frozen=True, slots=True)
class Host:
    """``name`` as the cloud calls it; ``address`` from which it reaches shares, empty: found when it is needed; ``directory``
    for records and mount points; ``docker`` is the socket of the engine's API, None: it is not asked. Seconds."""

    name: str
    directory: Path
    address: str = ""
    defaults: Defaults = field(default_factory=Defaults)
    docker: Path | None = None
    all_projects: bool = False
    timeout: float = 100.0
    """For calls that change something; Docker gives up after 120."""
    quick: float = QUICK
    """For calls that only look."""

    @property
    def records(self) -> Path:
        return self.directory / "records"

    def point(self, id: str) -> Path:
        """Where a volume or share is mounted."""
        return self.directory / "data" / id

    def made_point(self, id: str) -> Path:
        """The same, made; only root passes through."""
        point = self.point(id)
        point.parent.mkdir(mode=0o700, exist_ok=True)
        point.mkdir(mode=0o700, exist_ok=True)
        return point

    def connector(self) -> dict[str, object]:
        """This host as Cinder wants to know it, where os-brick does not say more."""
        return {
            "host": self.name,
            "ip": self.address or "127.0.0.1",
            "platform": os.uname().machine,
            "os_type": "linux",
            "multipath": False,
        }

    def address_towards(self, server: str) -> str:
        """The address of this host that a server sees. Unavailable: there is no way to it."""
        if self.address:
            return self.address
        try:
            family, kind, _, _, place = socket.getaddrinfo(server, _DISCARD, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as probe:
                probe.connect(place)
                return str(probe.getsockname()[0])
        except OSError as error:
            raise errors.Unavailable(f"There is no way from this host to {server}: {error}.") from error
