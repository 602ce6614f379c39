"""The Docker engine of the system tests, with an image of busybox in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.dockerd import NO_BRIDGE, Dockerd
from tests.system.archives import busybox


class Engine(Dockerd):
    """A dockerd that can be given images."""

    def load(self, name: str) -> None:
        """An image of busybox under this name."""
        self.docker("load", "--input", str(busybox(self.directory / "busybox.tar", name)))


def make(bridge: str = "") -> Engine:
    """A new engine that answers, with the image ``busybox``; ``bridge``: with Docker's own network, under this address."""
    options = ("--bip", bridge) if bridge else NO_BRIDGE
    made = Engine(Path(tempfile.mkdtemp(prefix="boxship-engine-")), options)
    made.start()
    made.load("busybox:latest")
    return made
