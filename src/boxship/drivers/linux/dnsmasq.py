"""A dnsmasq(8) of our own: found again by its pid file, its files put in place at once, ended for certain. Knows no options."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from boxship.drivers.linux import namespace, programs

_PATIENCE = 5.0

BASE = (
    "dnsmasq",
    "--conf-file=/dev/null",
    "--no-hosts",
    "--no-resolv",
    "--no-poll",
    "--bind-interfaces",
    "--except-interface=lo",
    "--user=nobody",
    "--group=nogroup",
)
"""How every one is started: it reads no file of the host, and is root no longer than it needs."""


class Daemon:
    """A dnsmasq in a namespace; its files are in a directory of its own."""

    def __init__(self, where: str, directory: Path) -> None:
        self.where = where
        self.directory = directory

    def running(self) -> int | None:
        """The pid, if it is alive: the pid file's process must have this directory on its command line."""
        try:
            pid = int((self.directory / "pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if self._pid_file.encode() in words else None

    @property
    def _pid_file(self) -> str:
        return f"--pid-file={self.directory / 'pid'}"

    def command(self, *words: str) -> list[str]:
        """Its command line with these options."""
        return [*BASE, self._pid_file, *words]

    def read(self, name: str) -> str:
        """One of its files; empty: it is not there."""
        try:
            return (self.directory / name).read_text()
        except FileNotFoundError:
            return ""

    def write(self, files: Mapping[str, str]) -> list[str]:
        """Put files in place, each at once; the names of those that have changed. Readable for all, as dnsmasq is nobody."""
        return [name for name, text in files.items() if self._write(self.directory / name, text)]

    def _write(self, path: Path, text: str) -> bool:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if path.is_file() and path.read_text() == text:
            return False
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.chmod(0o644)
        fresh.rename(path)
        return True

    def renewed(self, words: Sequence[str]) -> bool:
        """Whether it is to have another command line than it was started with; remembered from now on."""
        return bool(self.write({"command": "\n".join(words)}))

    def start(self, words: Sequence[str]) -> None:
        """Start it. Refused: it does not take its options."""
        programs.run(self.where, words)

    def reread(self, pid: int) -> None:
        """Let it read its files again."""
        os.kill(pid, signal.SIGHUP)

    def end(self) -> None:
        """Kill whatever serves there, and wait until its port is free. Its pid file may be lost, so the namespace is asked."""
        for pid in {*namespace.processes(self.where), *filter(None, [self.running()])}:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                os.kill(pid, signal.SIGKILL)
                select.select([handle], [], [], _PATIENCE)
            except ProcessLookupError:
                continue
            finally:
                os.close(handle)
