"""An installation of Boxship on this host as an operator runs it: by its command line, in processes of its own."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from tests.system.api import Session
from tests.system.waiting import until

BOXSHIP = (sys.executable, "-m", "boxship")
UNLIMITED = {
    **{f"BOXSHIP_QUOTA_{name}": "-1" for name in ("CONTAINERS", "MEMORY", "CPU", "DISK", "VOLUMES", "SECURITY_GROUPS")},
    **{f"BOXSHIP_{name}_ALLOCATION_RATIO": "1000" for name in ("CPU", "RAM")},
}
"""Neither quotas nor the size of the host are what these tests are about."""


@dataclass(slots=True)
class Installation:
    """One cloud: its state directory, where it listens, and the engine it uses."""

    state_dir: Path
    engine_socket: Path
    listen: str
    external: str
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    sessions: dict[str, Session] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.listen}"

    @property
    def mark(self) -> str:
        """The four digits on everything that it makes."""
        return str(json.loads((self.state_dir / "installation.json").read_text())["mark"])

    @property
    def environment(self) -> dict[str, str]:
        """Everything that the program is told; the command line says nothing more."""
        own = {
            "BOXSHIP_STATE_DIR": str(self.state_dir),
            "BOXSHIP_LISTEN": self.listen,
            "BOXSHIP_ENGINE_SOCKET": str(self.engine_socket),
            "BOXSHIP_EXTERNAL_CIDR": self.external,
        }
        return {**os.environ, **UNLIMITED, **own, **self.options}

    def command(self, *words: str, check: bool = True, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """Run ``boxship`` with these words."""
        done = subprocess.run(
            [*BOXSHIP, *words], env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert not check or done.returncode == 0, (
            f"boxship {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

    def up(self) -> None:
        """Start it in the background, as users do, and wait until it answers."""
        self.command("up", "--detach")

    def start(self) -> None:
        """Start it as a child of the test, without waiting: what is killed has to be waited for by its parent."""
        log = (self.state_dir.parent / f"{self.state_dir.name}.out").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*BOXSHIP, "up", "--quiet"], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def answers(self) -> None:
        """Wait until it does."""
        until(self._reachable, f"the cloud answers; see {self.log}", 20, pause=0.02)

    def _reachable(self) -> bool:
        ended = self.process is not None and self.process.poll() is not None
        assert not ended, f"the program ended; see {self.log}:\n{self.tail()}"
        try:
            return httpx.get(f"{self.url}/healthcheck", timeout=5).status_code < 500
        except httpx.TransportError:
            return False

    @property
    def log(self) -> Path:
        return self.state_dir / "logs" / "boxship.log"

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        out = self.state_dir.parent / f"{self.state_dir.name}.out"
        texts = [path.read_text(errors="replace") for path in (self.log, out) if path.exists()]
        return "\n".join("\n".join(text.splitlines()[-lines:]) for text in texts)

    def kill(self) -> None:
        """``kill -9``, at this very moment."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def destroy(self) -> None:
        """Remove it and all that it made."""
        for session in self.sessions.values():
            session.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None
        if (self.state_dir / "installation.json").exists():
            self.command("destroy", "--yes")

    def session(self, user: str = "demo") -> Session:
        """The user of this name in the project of this name; those that nobody knows yet are made by the admin."""
        if user not in self.sessions:
            self.sessions[user] = self._session(user)
        return self.sessions[user]

    def _session(self, user: str) -> Session:
        cloud = {"demo": "boxship", "admin": "boxship-admin"}.get(user)
        if cloud is None:
            return self._new_tenant(user)
        auth = yaml.safe_load((self.state_dir / "clouds.yaml").read_text())["clouds"][cloud]["auth"]
        return Session(self.url, auth["username"], auth["password"], auth["project_name"])

    def _new_tenant(self, name: str) -> Session:
        admin, password = self.session("admin"), secrets.token_hex(8)
        project = admin.ask("POST", "/identity/v3/projects", {"project": {"name": name}})["project"]["id"]
        user = admin.ask("POST", "/identity/v3/users", {"user": {"name": name, "password": password}})["user"]["id"]
        (role,) = admin.ask("GET", "/identity/v3/roles?name=member")["roles"]
        admin.ask("PUT", f"/identity/v3/projects/{project}/users/{user}/roles/{role['id']}")
        return Session(self.url, name, password, name)


def prepare(directory: Path, engine_socket: Path, **options: str) -> Installation:
    """An installation that shares nothing with others on this host; not started yet."""
    return Installation(directory, engine_socket, f"127.0.0.1:{free_port()}", free_range(), options)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def free_range() -> str:
    """A range of addresses for an external network that this host has no route to: one of those for benchmarks (RFC 2544),
    which are nobody's."""
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
    while True:
        start = f"198.{random.choice((18, 19))}.{random.randrange(256)}"  # noqa: S311 (no secret)
        if f"{start}." not in routes:
            return f"{start}.0/24"


def check_host() -> None:
    """AssertionError: the system tests cannot run here, and why. They never pass by being skipped."""
    assert os.geteuid() == 0, (
        "The system tests need root: network namespaces, loop devices and a Docker engine of their own."
    )
    for program in ("dockerd", "nft", "ip", "dnsmasq", "losetup", "busybox"):
        assert shutil.which(program), f"The system tests need {program}; scripts/bootstrap --tests installs it."
