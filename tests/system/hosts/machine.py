"""A host within this host: namespaces of its own for network, mounts, processes and its name, on a cable to others.

It is a host as far as the program can see: an own ``/run``, which a power failure empties, an own process 1, an own
``/var/lib/docker`` that outlasts it, an own boot id. The kernel, its memory and loop devices are this host's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.waiting import until

_CGROUPS = Path("/sys/fs/cgroup")
_BOOT = """
set -e
mount --make-rprivate /
mount --rbind /sys/fs/cgroup "$1/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$1/cgroup" /sys/fs/cgroup
umount -R "$1/cgroup"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock /run/netns
mkdir -p /var/lib/docker /etc/docker
mount --bind "$1/docker" /var/lib/docker
mount --bind "$1/etc-docker" /etc/docker
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
hostname "$2"
ip link set lo up
sysctl -qw net.ipv4.ip_forward=0
touch "$1/booted"
exec env --ignore-signal=CHLD sleep infinity
"""
"""Process 1: its children's ends are of no interest to it, so that none stays a zombie."""


@dataclass(slots=True)
class Machine:
    """``name`` is what it calls itself; ``directory`` what is its disk; ``tag`` tells its cgroup from others'."""

    name: str
    directory: Path
    tag: str
    _holder: subprocess.Popen[bytes] | None = None
    _spawned: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """Its process 1, as this host counts."""
        assert self._holder is not None, f"{self.name} is off"
        return _children(self._holder.pid)[0]

    @property
    def root(self) -> Path:
        """Its file system as seen from here."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def cgroup(self) -> str:
        return f"/bxh-{self.tag}-{self.name}"

    def boot(self) -> None:
        """Switch it on: nothing runs yet."""
        for name in ("docker", "etc-docker", "cgroup"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "boot_id").write_text(f"{uuid.uuid4()}\n")
        (self.directory / "etc-docker" / "daemon.json").write_text(f'{{"cgroup-parent": "{self.cgroup}"}}\n')
        booted = self.directory / "booted"
        booted.unlink(missing_ok=True)
        namespaces = ["--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        command = ["unshare", *namespaces, "sh", "-c", _BOOT, "boot", str(self.directory), self.name]
        with (self.directory / "console").open("ab") as console:
            self._holder = subprocess.Popen(command, stdout=console, stderr=console, start_new_session=True)
        until(lambda: booted.exists() or self.is_off(), f"{self.name} boots", pause=0.01)
        assert not self.is_off(), (self.directory / "console").read_text()

    def is_off(self) -> bool:
        """Whether nothing runs on it."""
        return self._holder is None or self._holder.poll() is not None

    def entering(self, *words: str) -> list[str]:
        """The command line that runs these words on it."""
        kinds = ("--net", "--mount", "--uts", "--pid")
        return ["nsenter", "--target", str(self.pid), *kinds, "--", *words]

    def run(
        self, *words: str, environment: Mapping[str, str] | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it to its end. AssertionError: it fails where ``check``."""
        done = subprocess.run(
            self.entering(*words), env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        said = f"{self.name}: {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert not check or done.returncode == 0, said
        return done

    def says(self, *words: str) -> str:
        """What a command on it prints."""
        return self.run(*words).stdout.strip()

    def spawn(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start a program on it; its process as this host counts, which ``end`` takes."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                self.entering(*words), env=environment, stdout=output, stderr=output, start_new_session=True
            )
        until(lambda: _children(process.pid) or process.poll() is not None, f"{words[0]} starts", pause=0.01)
        found = _children(process.pid)
        assert found, log.read_text(errors="replace")[-3000:]
        self._spawned[found[0]] = process
        return found[0]

    def child_runs(self, pid: int) -> bool:
        """Whether what ``spawn`` started still does."""
        return self._spawned[pid].poll() is None

    def end(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to what ``spawn`` started, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        self._spawned.pop(pid).wait(60)

    def processes(self, word: str) -> list[int]:
        """Its processes, as this host counts, with the word in their command line."""
        space = Path(f"/proc/{self.pid}/ns/pid").stat().st_ino
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if (entry / "ns/pid").stat().st_ino == space and word in words:
                    found.append(int(entry.name))
        return found

    def power_off(self) -> None:
        """Pull the plug: every process ends at this very moment, devices, rules and mounts are gone, the disk stays."""
        if self._holder is None:
            return
        with contextlib.suppress(IndexError, ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._holder.wait(30)
        self._holder = None
        for process in self._spawned.values():
            process.wait(30)
        self._spawned.clear()
        until(self._cleared, f"the processes of {self.name} have ended")

    def _cleared(self) -> bool:
        """Remove its cgroups, which are empty soon."""
        for controller in _CGROUPS.iterdir():
            for place, _, _ in os.walk(controller / self.cgroup[1:], topdown=False):
                with contextlib.suppress(OSError):
                    Path(place).rmdir()
        return not list(_CGROUPS.glob(f"*{self.cgroup}"))

    def remove(self) -> None:
        """Switch it off and remove its disk."""
        self.power_off()
        shutil.rmtree(self.directory, ignore_errors=False)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
