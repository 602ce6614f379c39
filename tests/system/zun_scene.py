"""What the checks of zunclient's commands have at hand."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.system.api import Session
from tests.system.clients import Clients
from tests.system.installation import Installation

IDLE = ("sh", "-c", "echo ready; trap exit TERM; while true; do sleep 0.2; done")
ONE = "/container/v1/containers"
ADMIN = "boxship-admin"
HOST = socket.gethostname()


@dataclass(slots=True)
class Scene:
    """A cloud, the client, a user who knows what is so without it, and a place for files."""

    cloud: Installation
    client: Clients
    directory: Path
    session: Session
    network: str
    subnet: str
    made: list[str] = field(default_factory=list)

    def run(self, *words: str, cloud: str = "boxship") -> str:
        """``openstack appcontainer`` with these words."""
        return self.client.run("appcontainer", *words, cloud=cloud)

    def shown(self, *words: str, cloud: str = "boxship") -> Any:
        """The same for commands that print documents; some say a word before it, some write the names of columns large."""
        front = len(words) if words[0] not in {"create", "run"} else 1  # there the rest is the container's command
        printed = self.run(*words[:front], "-f", "json", *words[front:], cloud=cloud)
        found = json.loads(printed[min(at for at in map(printed.find, "{[") if at >= 0) :])
        return (
            [{name.lower(): value for name, value in row.items()} for row in found]
            if isinstance(found, list)
            else found
        )

    def container(self, *, run: bool = True, **wish: Any) -> str:
        """A container of the user's, running unless said otherwise; its id."""
        wish = {"nets": [{"network": self.network}], "interactive": True} | wish
        id = str(self.session.create(f"z{len(self.made)}", list(IDLE), run=run, **wish)["uuid"])
        self.made.append(id)
        self.is_(id, "Running" if run else "Created")
        return id

    def is_(self, id: str, status: str) -> dict[str, Any]:
        return self.session.becomes(id, status)
