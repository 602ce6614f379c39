"""A Docker engine with the plugin of Boxship for volumes: what a Docker user types, and what is on the host then."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boxship.plugins.fuxi import mounts
from tests.system.engine import Engine
from tests.system.installation import BOXSHIP, Installation
from tests.system.waiting import until

IDLE = ("sh", "-c", "trap exit TERM; while true; do sleep 1; done")


@dataclass(slots=True)
class Plugin:
    """``boxship fuxi`` as a process, found by Docker under a name of its own; the cloud is ``docker`` in a clouds.yaml."""

    clouds: Path
    directory: Path
    name: str
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return Path("/run/docker/plugins") / f"{self.name}.sock"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def volumes(self) -> Path:
        return self.directory / "volumes"

    def start(self) -> None:
        """Start it and wait until Docker would be answered."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        environment |= {"OS_CLIENT_CONFIG_FILE": str(self.clouds), "OS_CLOUD": "docker"}
        known = self._answers()
        own = ("--name", self.name, "--volume-dir", str(self.volumes), "--verbose", *self.options)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*BOXSHIP, "fuxi", *own], env=environment, stdout=log, stderr=log, start_new_session=True
            )
        until(lambda: self._has_ended() or self._answers() > known, f"the plugin answers; see {self.log}", 20)
        assert not self._has_ended(), self.log.read_text()

    def _answers(self) -> int:
        return self.log.read_text().count("fuxi answers") if self.log.exists() else 0

    def _has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def kill(self) -> None:
        """``kill -9``, at this very moment."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """End it as a service would; its socket is gone then."""
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(60) == 0, self.log.read_text()
            self.process = None
        assert not self.socket.exists()

    def mounted(self) -> list[mounts.Mount]:
        """What it has mounted."""
        return [mount for mount in mounts.mounts() if mount.point.is_relative_to(self.volumes)]

    def nothing_left(self) -> bool:
        """Whether nothing is mounted and no record is kept."""
        return not self.mounted() and not list((self.volumes / "records").glob("*"))


def clouds(cloud: Installation, user: str, directory: Path) -> Path:
    """A clouds.yaml for a member of the project of this name, and no more."""
    name, password, project = cloud.session(user).credentials
    auth = {
        "auth_url": f"{cloud.url}/identity/v3",
        "username": name,
        "password": password,
        "project_name": project,
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    path = directory / "clouds.yaml"
    path.touch(0o600)
    path.write_text(json.dumps({"clouds": {"docker": {"auth": auth, "region_name": "RegionOne"}}}))
    return path


def plugin(clouds: Path, directory: Path, *options: str) -> Plugin:
    """A plugin; not started yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return Plugin(clouds, directory, f"fuxi-{secrets.token_hex(4)}", options)


@dataclass(slots=True)
class Docker:
    """What a Docker user does with one plugin."""

    engine: Engine
    driver: str

    @property
    def label(self) -> str:
        """What containers of a test have, so that none of them stays."""
        return f"test={self.driver}"

    def create(self, name: str, **options: str) -> None:
        """``docker volume create`` with our driver."""
        words = [word for option, value in options.items() for word in ("-o", f"{option}={value}")]
        self.engine.docker("volume", "create", "--driver", self.driver, *words, name)

    def refused(self, *words: str) -> str:
        """What ``docker`` says where it must fail."""
        command = ["docker", "--host", f"unix://{self.engine.socket}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0, f"{' '.join(words)} did not fail: {done.stdout}"
        return done.stderr

    def refused_create(self, name: str, **options: str) -> str:
        words = [word for option, value in options.items() for word in ("-o", f"{option}={value}")]
        return self.refused("volume", "create", "--driver", self.driver, *words, name)

    def inspect(self, name: str) -> dict[str, Any]:
        (found,) = json.loads(self.engine.docker("volume", "inspect", name))
        return dict(found)

    def status(self, name: str) -> dict[str, Any]:
        return dict(self.inspect(name)["Status"])

    def names(self) -> list[str]:
        """``docker volume ls`` of our driver."""
        return self.engine.docker("volume", "ls", "--quiet", "--filter", f"driver={self.driver}").split()

    def run(self, volume: str, script: str, *words: str) -> str:
        """A container with the volume at /data that does something and is gone; what it said."""
        return self.engine.docker(
            "run", "--rm", "--label", self.label, "-v", f"{volume}:/data", *words, "busybox", "sh", "-c", script
        )

    def start(self, name: str, *volumes: str, words: tuple[str, ...] = ()) -> None:
        """A container that stays, with volumes at places (``volume:/place``)."""
        mounts = [word for volume in volumes for word in ("-v", volume)]
        self.engine.docker("run", "--detach", "--name", name, "--label", self.label, *mounts, *words, "busybox", *IDLE)

    def execute(self, name: str, script: str) -> str:
        return self.engine.docker("exec", name, "sh", "-c", script)

    def stop(self, *names: str) -> None:
        self.engine.docker("rm", "--force", *names)

    def remove(self, *names: str) -> None:
        self.engine.docker("volume", "rm", *names)
