"""A Docker engine of the tests' own: other directories, another socket, no networks of Docker's; nobody else's engine is
touched."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from boxship.drivers.engine import setup
from tests.system.archives import busybox
from tests.system.waiting import until


@dataclass(slots=True)
class Engine:
    """A dockerd and where it keeps everything."""

    directory: Path

    @property
    def socket(self) -> Path:
        return self.directory / "docker.sock"

    def start(self) -> None:
        """Start it as ``boxship up`` would, and wait until it answers."""
        places = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "docker.pid"}
        options = [word for option, name in places.items() for word in (option, str(self.directory / name))]
        asyncio.run(setup.start(self.socket, self.directory, [*options, "--bridge=none", "--iptables=false"]))

    @property
    def pid(self) -> int:
        return int((self.directory / "dockerd.pid").read_text())

    def kill(self) -> None:
        """``kill -9``, at this very moment; containers run on."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def load(self, name: str) -> None:
        """An image of busybox under this name."""
        archive = busybox(self.directory / "busybox.tar", name)
        docker = ["docker", "--host", f"unix://{self.socket}", "load", "--input", str(archive)]
        subprocess.run(docker, check=True, stdout=subprocess.DEVNULL)

    def remove(self) -> None:
        """End it with its containerd, and remove its files. Containers must be gone."""
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        for pid in self._running():  # what a killed dockerd left behind: its containerd, and shims without a task
            os.kill(pid, signal.SIGKILL)
        until(lambda: not self._running(), "the engine's programs have ended")
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in sorted((point for point in points if point.startswith(f"{self.directory}/")), reverse=True):
            subprocess.run(["umount", point], check=True)
        shutil.rmtree(self.directory)

    def _running(self) -> list[int]:
        """Programs that work below the directory: containerd, and shims that are about to end."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if any(word.startswith(os.fsencode(f"{self.directory}/")) for word in words):
                    found.append(int(entry.name))
        return found


def make() -> Engine:
    """A new engine that answers, with the image ``busybox``."""
    made = Engine(Path(tempfile.mkdtemp(prefix="boxship-engine-")))
    made.start()
    made.load("busybox:latest")
    return made
