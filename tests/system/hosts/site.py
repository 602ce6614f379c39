"""Hosts with a program each on one database, as operators set them up: the first invites, the others come."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from boxship.drivers.storage import mounts
from tests.system.api import Session
from tests.system.archives import busybox
from tests.system.hosts import database, underlay
from tests.system.hosts.database import Shared
from tests.system.hosts.machine import Machine
from tests.system.hosts.underlay import Underlay
from tests.system.installation import BOXSHIP, UNLIMITED, Installation, check_host, free_range

ROOT = Path(__file__).parents[3]
"""Where the tests are imported from."""
PORT = 9500
SOON = {"BOXSHIP_SCAN_INTERVAL": "2", "BOXSHIP_HOST_DOWN_AFTER": "6"}
"""What is found by looking, and who is down, is found sooner than by default, as tests wait for it."""


@dataclass(slots=True)
class Host(Installation):
    """A program on a machine of its own."""

    machine: Machine = field(kw_only=True)
    address: str = field(kw_only=True)
    invitation: Path | None = None
    pid: int | None = None

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of this process's own settings, and no URL of a database: an invitation tells it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOXSHIP_")}
        own = {
            "BOXSHIP_STATE_DIR": str(self.state_dir),
            "BOXSHIP_LISTEN": self.listen,
            "BOXSHIP_EXTERNAL_CIDR": self.external,
            "BOXSHIP_HOST": self.name,
            "BOXSHIP_AVAILABILITY_ZONE": self.name,
            "BOXSHIP_TUNNEL_ADDRESS": self.address,
        }
        return {**inherited, **UNLIMITED, **SOON, **own, **self.options}

    def command(self, *words: str, check: bool = True, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """Run ``boxship`` with these words on the machine."""
        return self.machine.run(*BOXSHIP, *words, environment=self.environment, check=check, timeout=timeout)

    def start(self) -> None:
        """Start the program as a child of the test, without waiting; the engine too, where none runs."""
        options = () if self.invitation is None else ("--invitation", str(self.invitation))
        self.pid = self.machine.spawn([*BOXSHIP, "up", "--quiet", *options], self.environment, self.out)

    @property
    def out(self) -> Path:
        """What the program said before it had a log."""
        return self.state_dir.parent / f"{self.state_dir.name}.out"

    def _reachable(self) -> bool:
        assert self.runs(), f"the program of {self.name} ended:\n{self.tail()}"
        try:
            return httpx.get(f"{self.url}/healthcheck", timeout=5).status_code < 500
        except httpx.TransportError:
            return False

    def runs(self) -> bool:
        """Whether the program does."""
        return self.pid is not None and self.machine.child_runs(self.pid)

    def kill(self) -> None:
        """``kill -9`` of the program, at this very moment; engine, containers, networks go on. Repeatable."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the program as an operator does. Repeatable."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.pid is not None:
            self.machine.end(self.pid, number)
            self.pid = None

    def adopt(self, name: str, known: Session) -> Session:
        """A session here of a user who has one at another host."""
        self.sessions[name] = known.elsewhere(self.url)
        return self.sessions[name]

    def kill_engine(self) -> None:
        """``kill -9`` of the engine's programs but those that hold containers, which run on. Repeatable."""
        if self.machine.is_off():
            return
        for pid in [*self.machine.processes("dockerd --host"), *self.machine.processes("containerd --config")]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def power_off(self) -> None:
        """Everything on the machine ends at once."""
        self.machine.power_off()
        self.pid = None

    def load(self) -> None:
        """Give the engine the image ``busybox``."""
        archive = busybox(self.machine.directory / "busybox.tar", "busybox:latest")
        self.machine.run("docker", "load", "--input", str(archive))

    def namespaces(self) -> list[str]:
        """The names of the machine's network namespaces."""
        return [path.name for path in (self.machine.root / "run/netns").iterdir()]

    def look(self) -> dict[str, list[str]]:
        """What the machine holds of this installation (``audit.Sight``), and under ``aliases`` what is on its bridges."""
        return self._seen(self.mark)

    def _seen(self, mark: str) -> dict[str, list[str]]:
        words = [str(self.state_dir), mark, str(self.engine_socket)]
        command = [sys.executable, "-m", "tests.system.hosts.sight", *words]
        told = self.machine.run(*command, environment={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
        return dict(json.loads(told))

    def destroy(self) -> None:
        """Remove what it made; AssertionError: something is left."""
        mark = self.mark
        if self.pid:
            self.stop()
        self.command("destroy", "--yes")
        left = [f"{kind}: {one}" for kind, found in self._seen(mark).items() for one in found]
        assert not left, f"left behind on {self.name} by destroy:\n" + "\n".join(left)


@dataclass(slots=True)
class Site:
    """The cable, the database and the hosts of one cloud."""

    tag: str
    directory: Path
    underlay: Underlay
    database: Shared
    options: dict[str, str]
    external: str = field(default_factory=free_range)
    hosts: list[Host] = field(default_factory=list)

    @property
    def common(self) -> Path:
        """The directory that all hosts have volumes in."""
        return self.directory / "common"

    def add(self, name: str, **options: str) -> Host:
        """One more machine, on the cable, with nothing running; not the first is invited when it starts."""
        number = len(self.hosts) + 1
        machine = Machine(name, self.directory / name, self.tag)
        address = self.underlay.address(number)
        host = Host(
            self.directory / name / "state",
            Path("/var/run/docker.sock"),
            f"{address}:{PORT}",
            self.external,
            {**self.options, **options},
            machine=machine,
            address=address,
        )
        self.hosts.append(host)
        self.boot(host)
        return host

    def boot(self, host: Host) -> None:
        """Switch its machine on."""
        host.machine.boot()
        self.underlay.plug(host.machine, self.hosts.index(host) + 1)

    def begin(self, first: Host) -> None:
        """Start the first program, which makes the cloud."""
        first.options["BOXSHIP_DATABASE"] = self.database.url
        first.start()
        first.answers()

    def invite(self, guest: Host) -> None:
        """Let the first host write an invitation, take it to another, and start the program there."""
        first, letter = self.hosts[0], self.directory / f"invitation-{guest.name}"
        first.command("invite", str(letter))
        guest.invitation = letter
        guest.start()
        guest.answers()

    @property
    def workers(self) -> list[Host]:
        """The hosts with an engine."""
        return [host for host in self.hosts if host.options.get("BOXSHIP_ENGINE") != "none"]

    def told(self) -> str:
        """The end of every host's log, for the one who asks why."""
        ends = [(host.name, [line[:300] for line in host.tail(40).splitlines()]) for host in self.hosts]
        return "\n".join("\n".join([f"--- {name}", *lines]) for name, lines in ends)

    def holders(self, role: str, id: str) -> list[Host]:
        """The hosts that have a namespace of this role (router, names, sandbox) for this id."""
        return [
            host
            for host in self.hosts
            if not host.machine.is_off() and f"boxship-{host.mark}-{role}-{id}" in host.namespaces()
        ]

    def restore(self, host: Host) -> None:
        """Whatever was done to a host: its machine runs, on the cable, and its program answers."""
        if host.machine.is_off():
            self.boot(host)
        self.mend(host)
        if not host.pid:
            host.start()
        host.answers()

    def drop(self, host: Host) -> None:
        """Take a host out of the cloud."""
        self.restore(host)
        host.destroy()
        host.power_off()
        self.hosts.remove(host)

    def restore_all(self) -> None:
        """The same of every host."""
        for host in self.hosts:
            self.restore(host)

    def power_off(self, host: Host) -> None:
        """Pull the plug of a host's machine: not even its connections are told."""
        self.cut(host)
        host.power_off()

    def cut(self, host: Host) -> None:
        """Take a host's cable out."""
        if not host.machine.is_off():
            self.underlay.cut(self.hosts.index(host) + 1)

    def mend(self, host: Host) -> None:
        """Put it in again."""
        self.underlay.mend(self.hosts.index(host) + 1)

    def destroy(self) -> None:
        """End the cloud as operators do, the guests first; nothing of it is left on any host."""
        for host in reversed(self.hosts):
            host.destroy()

    def remove(self) -> None:
        """Take everything away, whatever state it is in."""
        for host in self.hosts:
            for session in host.sessions.values():
                session.close()
            host.power_off()
        self.underlay.remove()
        self.database.remove()
        shutil.rmtree(self.directory)


@contextlib.contextmanager
def opened(**options: str) -> Iterator[Site]:
    """Two hosts, alpha and beta, that work; nothing is left on them when the cloud is destroyed."""
    check_host()
    made = lay(**options)
    try:
        first, second = made.add("alpha"), made.add("beta")
        made.begin(first)
        made.invite(second)
        for host in (first, second):
            if options.get("BOXSHIP_ENGINE") is None:
                host.load()
        yield made
        made.destroy()
        assert list(made.common.iterdir()) == [], "volumes are left in the shared directory"
    finally:
        made.remove()


def lay(**options: str) -> Site:
    """A cable with a database on it; ``options`` are settings of all hosts to come, which share a directory for volumes."""
    tag = secrets.token_hex(2)
    cable = underlay.lay(tag)
    made = Site(tag, Path(tempfile.mkdtemp(prefix=f"bxh{tag}")), cable, database.create(cable.here), options)
    made.common.mkdir()
    kind = mounts.kind_of(made.common.resolve())
    common = {"name": "common", "kind": "nfs", "directory": str(made.common), "file_system": kind}
    options.setdefault("BOXSHIP_VOLUME_BACKENDS", json.dumps([{"name": "file", "kind": "file"}, common]))
    return made
