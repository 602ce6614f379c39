"""A Docker engine of a test's or a benchmark's own: other directories, another socket, nobody else's engine is touched.

It is started as ``boxship up`` starts one, so it knows our runtime. When it is removed, its containers, programs, mounts,
files and (with a bridge) its device and rules on the host are gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from boxship.drivers.engine import setup
from tests.system.waiting import until

NO_BRIDGE = ("--bridge=none", "--iptables=false")
"""dockerd's options where Docker's own networks are not needed."""

_DEVICE = "docker0"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(slots=True)
class Dockerd:
    """A dockerd, and the directory where it keeps everything."""

    directory: Path
    options: Sequence[str] = NO_BRIDGE
    _host: _Host | None = None

    @property
    def socket(self) -> Path:
        return self.directory / "docker.sock"

    @property
    def pid(self) -> int:
        return int((self.directory / "dockerd.pid").read_text())

    @property
    def arguments(self) -> list[str]:
        """All of dockerd's options."""
        places = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "docker.pid"}
        return [
            *(word for option, name in places.items() for word in (option, str(self.directory / name))),
            *self.options,
        ]

    def start(self) -> None:
        """Start it as ``boxship up`` would, and wait until it answers."""
        self.directory.mkdir(exist_ok=True)
        if self._host is None and "--bridge=none" not in self.options:
            self._host = _Host()
        _apart(lambda: asyncio.run(setup.start(self.socket, self.directory, self.arguments)))

    def kill(self) -> None:
        """``kill -9``, at this very moment; containers run on."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def mend(self) -> None:
        """Start it anew if it takes a container to run whose process is gone: a dockerd that was killed and started just when
        the container ended never hears of that, and waits for ever where the container is to be removed."""
        states = self.docker("ps", "--quiet").split()
        shown = self.docker("inspect", "--format", "{{.State.Pid}}", *states).split() if states else []
        if all(Path(f"/proc/{pid}").exists() for pid in shown):
            return
        self.kill()
        self.start()

    def docker(self, *words: str) -> str:
        """What the command ``docker`` says."""
        command = ["docker", "--host", f"unix://{self.socket}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
            error.add_note(done.stderr)
            raise error
        return done.stdout.strip()

    def remove(self) -> None:
        """End it and its containers, and remove its files; repeatable, and good for one that was killed."""
        if not self.directory.exists():
            return
        try:
            self._remove_containers()
        finally:
            self._remove_rest()

    def _remove_containers(self) -> None:
        if setup.started(self.directory) is None:
            self.start()  # only an engine can end its containers
        self.mend()
        containers = self.docker("ps", "--all", "--quiet").split()
        if containers:
            self.docker("rm", "--force", "--volumes", *containers)
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)

    def _remove_rest(self) -> None:
        for pid in self._running():  # what a killed dockerd left behind: its containerd, and shims without a task
            os.kill(pid, signal.SIGKILL)
        until(lambda: not self._running(), "the engine's programs have ended")
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in sorted((point for point in points if point.startswith(f"{self.directory}/")), reverse=True):
            subprocess.run(["umount", point], check=True)
        shutil.rmtree(self.directory)
        if self._host is not None:
            self._host.restore()

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


@contextmanager
def running_dockerd(directory: Path, options: Sequence[str] = NO_BRIDGE) -> Iterator[Path]:
    """The socket of a dockerd in the directory; it is gone, with all that it made, at the end.

    Without ``NO_BRIDGE`` it has Docker's default bridge; ``--bip`` keeps that out of the way of other networks.
    """
    engine = Dockerd(directory, options)
    try:
        engine.start()
        yield engine.socket
    finally:
        engine.remove()


def _apart(work: Callable[[], None]) -> None:
    """Run it in a thread of its own, where no event loop runs yet; fail as it fails."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (raised again below)
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


_PLACES = [(family, table) for family in ("iptables", "ip6tables") for table in ("filter", "nat")]


class _Host:
    """The host before a dockerd with a bridge was started, which leaves its device, iptables rules and forwarding."""

    def __init__(self) -> None:
        assert not Path("/sys/class/net", _DEVICE).exists(), f"another Docker engine of this host has {_DEVICE}"
        self._tables, self._forwarding = _tables(), _FORWARDING.read_text()
        self._rules = {place: _saved(*place) for place in _PLACES}

    def restore(self) -> None:
        if Path("/sys/class/net", _DEVICE).exists():
            subprocess.run(["ip", "link", "delete", _DEVICE], check=True)
        for place in _PLACES:
            _restore(*place, self._rules[place])
        for table in _tables() - self._tables:
            subprocess.run(["nft", "delete", "table", *table], check=True)
        _FORWARDING.write_text(self._forwarding)


def _tables() -> set[tuple[str, str]]:
    """Those tables of nft that iptables keeps."""
    listed = json.loads(subprocess.run(["nft", "--json", "list", "tables"], check=True, capture_output=True).stdout)
    tables = [entry["table"] for entry in listed["nftables"] if "table" in entry]
    return {(table["family"], table["name"]) for table in tables if table["name"] in {"filter", "nat", "raw", "mangle"}}


def _saved(family: str, table: str) -> list[str]:
    """Chains and rules as iptables-save writes them, without counters; looking does not make the table."""
    if ("ip" if family == "iptables" else "ip6", table) not in _tables():
        return []
    said = subprocess.run([f"{family}-save", "-t", table], check=True, capture_output=True, text=True).stdout
    return [line.partition(" [")[0] for line in said.splitlines() if line.startswith((":", "-A"))]


def _restore(family: str, table: str, before: list[str]) -> None:
    """Delete those rules and chains of Docker that were not there before; those of others stay."""
    now = [line for line in _saved(family, table) if line not in before]
    rules = [line.split()[1:] for line in now if line.startswith("-A") and "docker" in line.lower()]
    chains = [line.split()[0][1:] for line in now if line.startswith(":DOCKER")]
    orders = [["-D", *rule] for rule in rules] + [["-X", chain] for chain in chains]
    if ":FORWARD DROP" in now:
        orders.append(["-P", "FORWARD", "ACCEPT"])
    for order in orders:
        subprocess.run([family, "-w", "-t", table, *order], check=True)
