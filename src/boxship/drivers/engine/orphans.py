"""Processes in a sandbox that the engine no longer knows of: a dockerd that is killed while it starts a container leaves the
process to containerd, and the dockerd after it neither starts the container again nor ends that process. Ends them; never
decides whether the container should run."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
from pathlib import Path


def end(engine_id: str, sandbox: Path, *, alone: bool) -> None:
    """SIGKILL to the containerd-shim of the container, so that containerd forgets it, and to all processes whose network
    namespace is the sandbox (proc(5), ns/net); where the container is not alone in that, to those whose control group is
    named after it (cgroups(7), /proc/PID/cgroup). Repeatable."""
    try:
        wanted = _identity(sandbox)
    except OSError:
        wanted = None
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                _end(int(entry.name), engine_id, wanted, alone=alone)


def clear(said: str, engine_id: str) -> None:
    """Remove the directory of the container's task that containerd complains of and no longer knows; it would do so itself
    when it is started the next time. Nothing is touched where something is still mounted in it."""
    found = re.search(r"mkdir (/\S+/io\.containerd\.runtime\.v2\.task/moby/[0-9a-f]{64}): file exists", said)
    if found is None or Path(found.group(1)).name != engine_id:
        return
    bundle = found.group(1)
    if not any(f" {bundle}/" in line for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        shutil.rmtree(bundle, ignore_errors=True)


def _end(pid: int, engine_id: str, namespace: tuple[int, int] | None, *, alone: bool) -> None:
    handle = os.pidfd_open(pid)  # holds on to this process: the number may be another's a moment later
    try:
        inside = _identity(Path(f"/proc/{pid}/ns/net")) == namespace and (alone or _is_grouped(pid, engine_id))
        if inside or _is_shim(pid, engine_id):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)


def _is_shim(pid: int, engine_id: str) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return Path(os.fsdecode(words[0])).name.startswith("containerd-shim") and engine_id.encode() in words


def _is_grouped(pid: int, engine_id: str) -> bool:
    """Whether dockerd has put it into the container's group, which runc does before it starts anything of the container's."""
    return engine_id in Path(f"/proc/{pid}/cgroup").read_text()


def _identity(path: Path) -> tuple[int, int]:
    """What a namespace is known by, whatever the name (namespaces(7)): device and inode."""
    found = path.stat()
    return found.st_dev, found.st_ino
