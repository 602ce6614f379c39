"""What a container uses, from the engine's samples and from the kernel's own books of its processes; reads /proc, asks nobody.

Docker knows CPU and memory. It knows no networks, as containers are on ours, and on many kernels no block I/O: cgroup v1
does not know who caused a write that the kernel does later, and a kernel may count nothing at all. The kernel's accounts of
processes (proc(5), /proc/pid/io) know both, and keep what children did that have ended. Commands that were executed in a
container and have ended are in the account of containerd's shim, their parent; so is what starting them took, some 100 KiB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
_SHIM = "containerd-shim"


def cpu(sample: Mapping[str, Any]) -> float:
    """Per cent of one core between the two samples that ``stream=false`` gives (``docker stats`` reckons so as well)."""
    now, before = sample["cpu_stats"], sample["precpu_stats"]
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    passed = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    cores = now.get("online_cpus") or len(now["cpu_usage"].get("percpu_usage") or ()) or 1
    return used / passed * cores * 100 if used > 0 and passed > 0 else 0.0


def memory(sample: Mapping[str, Any]) -> int:
    """Bytes without the page cache that the kernel would give back (cgroup v1 and v2 name it differently)."""
    told = sample["memory_stats"].get("stats", {})
    cache = told.get("total_inactive_file", told.get("inactive_file", 0))
    return max(int(sample["memory_stats"].get("usage", 0)) - int(cache), 0)


def memory_limit(sample: Mapping[str, Any]) -> int:
    """Bytes; the host's memory where it has no limit of its own."""
    return int(sample["memory_stats"].get("limit", 0))


def processes(first: int, proc: Path = PROC, cgroups: Path = CGROUPS) -> list[int]:
    """The processes in the control group of process 1 and in those below it, as the host knows them (cgroups(7)); process 1
    alone where the kernel does not show them here."""
    found: set[int] = set()
    for line in _read(proc / str(first) / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in {"", "pids"} or path == "/":
            continue
        for listed in (cgroups / controllers / path.lstrip("/")).rglob("cgroup.procs"):
            found.update(int(word) for word in _read(listed).split())
    return sorted(found) or [first]


def moved(sample: Mapping[str, Any], first: int, pids: Iterable[int], proc: Path = PROC) -> tuple[int, int]:
    """Bytes read from and written to disks: what the block layer put down to the container, or what its processes caused, if
    that is more. ``first`` is its process 1, ``pids`` all of them, as the host knows them."""
    entries = (sample.get("blkio_stats") or {}).get("io_service_bytes_recursive") or []
    block = {
        word: sum(entry["value"] for entry in entries if entry["op"].lower() == word) for word in ("read", "write")
    }
    books = [_book(_read(proc / str(pid) / "io")) for pid in (*pids, *_shim(first, proc))]
    read = sum(book.get("read_bytes", 0) for book in books)
    written = sum(book.get("write_bytes", 0) - book.get("cancelled_write_bytes", 0) for book in books)
    return max(block["read"], read), max(block["write"], written)


def _shim(first: int, proc: Path) -> list[int]:
    """The parent of process 1, where it is containerd's shim, which every container has one of its own of."""
    fields = _read(proc / str(first) / "stat").rpartition(")")[2].split()  # the name before may hold anything
    if len(fields) < 2:
        return []
    command = _read(proc / fields[1] / "cmdline").partition("\0")[0]
    return [int(fields[1])] if Path(command).name.startswith(_SHIM) else []


def _book(text: str) -> dict[str, int]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: int(value) for name, _, value in pairs if value.strip().isdigit()}


def traffic(first: int, proc: Path = PROC) -> tuple[int, int]:
    """Bytes received and sent in the network namespace of a process, over all devices but the loopback (proc(5), net/dev)."""
    received = sent = 0
    for line in _read(proc / str(first) / "net" / "dev").splitlines()[2:]:
        device, _, counts = line.partition(":")
        if device.strip() != "lo" and counts:
            received += int(counts.split()[0])
            sent += int(counts.split()[8])
    return received, sent


def _read(path: Path) -> str:
    """Empty where the process has ended meanwhile."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
