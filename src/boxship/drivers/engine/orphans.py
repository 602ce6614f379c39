"""Processes in a sandbox that the engine no longer knows of: a dockerd that is killed while it starts a container leaves the
process to containerd, and the dockerd after it neither starts the container again nor ends that process. Ends them; never
decides whether the container should run."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def end(sandbox: Path) -> int:
    """SIGKILL to all processes whose network namespace this is (proc(5), ns/net); how many there were. Repeatable."""
    try:
        wanted = _identity(sandbox)
    except OSError:
        return 0
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found += _end(int(entry.name), wanted)
    return found


def _end(pid: int, wanted: tuple[int, int]) -> bool:
    if _identity(Path(f"/proc/{pid}/ns/net")) != wanted:
        return False
    handle = os.pidfd_open(pid)  # holds on to this process: the number may be another's a moment later
    try:
        if _identity(Path(f"/proc/{pid}/ns/net")) != wanted:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)
    return True


def _identity(path: Path) -> tuple[int, int]:
    """What a namespace is known by, whatever the name (namespaces(7)): device and inode."""
    found = path.stat()
    return found.st_dev, found.st_ino
