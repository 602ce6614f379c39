"""A process of the host that cannot be mistaken for a later one with the same number. Reads /proc only."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """``started`` is the start time in clock ticks since boot, field 22 of /proc/PID/stat (proc(5)); with ``boot``, the
    kernel's boot id, it tells the process from any other that ever has the same ``pid``."""

    pid: int
    started: int
    boot: str

    @property
    def alive(self) -> bool:
        return look(self.pid) == self

    @property
    def age(self) -> float:
        """Seconds since it started."""
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return max(0.0, uptime - self.started / os.sysconf("SC_CLK_TCK"))


def look(pid: int) -> Process | None:
    """The process with this number, or None where there is none or only its zombie is left."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command's name may hold spaces and parentheses; the fields after it start behind the last parenthesis.
    state, *fields = text.rpartition(")")[2].split()
    if state in {"Z", "X"}:
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Process(pid, int(fields[18]), boot)


def stop(process: Process, seconds: float, number: signal.Signals = signal.SIGTERM) -> bool:
    """Send the signal to exactly this process and wait; whether it ended in time. Repeatable."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor):
        if not process.alive:
            return True
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
        return bool(select.select([descriptor], [], [], seconds)[0])
