"""What Docker has running: asked of its API, only read, and only a hint where it does not answer."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from pathlib import Path

_SECONDS = 5.0
_LARGEST = 64 << 20
_OVER = frozenset({"created", "exited", "dead"})
"""States of containers that use no volume; one that is being started is ``created`` until its volumes are mounted."""


class _Connection(http.client.HTTPConnection):
    """HTTP through a UNIX socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


def uses(path: Path | None, name: str) -> bool | None:
    """Whether a container that is not over has the volume of this name; None: Docker does not say, or is not asked."""
    if path is None:
        return None
    filters = urllib.parse.quote(json.dumps({"volume": [name]}))
    connection = _Connection(path)
    try:
        connection.request("GET", f"/containers/json?all=1&filters={filters}")
        answer = connection.getresponse()
        content = answer.read(_LARGEST)
        if answer.status != 200:
            return None
        return any(row.get("State") not in _OVER for row in json.loads(content))
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return None
    finally:
        connection.close()
