"""Processes in a sandbox that the engine no longer knows of: a dockerd that is killed while it starts a container leaves the
process to containerd, and the dockerd after it neither starts the container again nor ends that process. Ends them; never
decides whether the container should run."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def end(engine_id: str, sandbox: Path) -> None:
    """SIGKILL to the containerd-shim of the container, so that containerd forgets it, and to all processes whose network
    namespace is the sandbox (proc(5), ns/net). Repeatable."""
    try:
        wanted = _identity(sandbox)
    except OSError:
        wanted = None
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                _end(int(entry.name), engine_id, wanted)


def _end(pid: int, engine_id: str, namespace: tuple[int, int] | None) -> None:
    handle = os.pidfd_open(pid)  # holds on to this process: the number may be another's a moment later
    try:
        if _is_shim(pid, engine_id) or _identity(Path(f"/proc/{pid}/ns/net")) == namespace:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)


def _is_shim(pid: int, engine_id: str) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return Path(os.fsdecode(words[0])).name.startswith("containerd-shim") and engine_id.encode() in words


def _identity(path: Path) -> tuple[int, int]:
    """What a namespace is known by, whatever the name (namespaces(7)): device and inode."""
    found = path.stat()
    return found.st_dev, found.st_ino
