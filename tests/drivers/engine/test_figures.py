"""What a container uses, as both versions of cgroups and the kernel's books of processes tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from boxship.drivers.engine.docker import figures

MIB = 1 << 20


def sample(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    return {"cpu_stats": now, "precpu_stats": before}


def cpu(total: int, system: int | None = None, **more: Any) -> dict[str, Any]:
    told = {"cpu_usage": {"total_usage": total} | more.pop("usage", {})} | more
    return told | ({"system_cpu_usage": system} if system is not None else {})


@pytest.mark.parametrize(
    ("now", "before", "percent"),
    [
        (cpu(1500, 10_000, online_cpus=4), cpu(1000, 8_000), 100.0),
        (cpu(1500, 10_000, usage={"percpu_usage": [1, 2]}), cpu(1000, 8_000), 50.0),  # before online_cpus was told
        (cpu(1500, 10_000), cpu(1000, 8_000), 25.0),
        (cpu(1000, 10_000, online_cpus=4), cpu(1000, 8_000), 0.0),
        (cpu(10, 10_000, online_cpus=4), cpu(1000, 8_000), 0.0),  # it was started again between the samples
        (cpu(1000, 8_000, online_cpus=4), cpu(0), 50.0),
        (cpu(0), cpu(0), 0.0),  # it ended between them
    ],
)
def test_cpu(now: dict[str, Any], before: dict[str, Any], percent: float) -> None:
    assert figures.cpu(sample(now, before)) == percent


@pytest.mark.parametrize(
    ("told", "used"),
    [
        ({"usage": 10 * MIB, "stats": {"total_inactive_file": 4 * MIB, "inactive_file": MIB}}, 6 * MIB),  # cgroup v1
        ({"usage": 10 * MIB, "stats": {"inactive_file": 4 * MIB}}, 6 * MIB),  # cgroup v2
        ({"usage": 10 * MIB}, 10 * MIB),
        ({"usage": MIB, "stats": {"inactive_file": 4 * MIB}}, 0),
        ({}, 0),
    ],
)
def test_memory(told: dict[str, Any], used: int) -> None:
    assert figures.memory({"memory_stats": told}) == used
    assert figures.memory_limit({"memory_stats": told | {"limit": 5}}) == 5


def book(directory: Path, pid: int, *, read: int, written: int, cancelled: int = 0) -> None:
    place = directory / str(pid)
    place.mkdir(exist_ok=True)
    lines = {"rchar": 1 << 40, "read_bytes": read, "write_bytes": written, "cancelled_write_bytes": cancelled}
    (place / "io").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))


def born(directory: Path, pid: int, parent: int, command: str) -> None:
    """A process whose name looks like the fields after it."""
    (directory / str(pid) / "stat").write_text(f"{pid} (a) S 99 (b) S {parent} 1 1 0 -1")
    (directory / str(parent)).mkdir(exist_ok=True)
    (directory / str(parent) / "cmdline").write_bytes(command.encode() + b"\0-id\0x\0")


def blocks(*entries: tuple[str, int]) -> dict[str, Any]:
    return {"blkio_stats": {"io_service_bytes_recursive": [{"op": op, "value": value} for op, value in entries]}}


@pytest.mark.parametrize(
    ("told", "read", "written"),
    [
        ({"blkio_stats": {"io_service_bytes_recursive": None}}, 7, 25),  # a kernel that counts nothing
        ({}, 7, 25),
        (blocks(("Read", 100), ("Write", 5), ("Total", 105)), 100, 25),  # cgroup v1: only what was not done later
        (blocks(("read", 3), ("write", 30), ("read", 5), ("write", 40)), 8, 70),  # cgroup v2: two disks
    ],
)
def test_bytes_on_disk(tmp_path: Path, told: dict[str, Any], read: int, written: int) -> None:
    book(tmp_path, 10, read=3, written=10, cancelled=2)
    book(tmp_path, 11, read=4, written=7)
    book(tmp_path, 5, read=0, written=10)
    born(tmp_path, 10, 5, "/usr/bin/containerd-shim-runc-v2")
    assert figures.moved(told, 10, [10, 11, 12], tmp_path) == (read, written)


@pytest.mark.parametrize(
    ("lines", "group"),
    [
        ("9:name=systemd:/\n8:pids:/docker/c1\n7:blkio:/docker/other\n0::/\n", "pids/docker/c1"),  # cgroup v1
        ("0::/system.slice/docker-c1.scope\n", "system.slice/docker-c1.scope"),  # cgroup v2
    ],
)
def test_processes(tmp_path: Path, lines: str, group: str) -> None:
    (tmp_path / "proc" / "10").mkdir(parents=True)
    (tmp_path / "proc" / "10" / "cgroup").write_text(lines)
    assert figures.processes(10, tmp_path / "proc", tmp_path) == [10]
    for directory, listed in {group: "10\n11\n", f"{group}/below": "12\n", "pids/docker/other": "99\n"}.items():
        (tmp_path / directory).mkdir(parents=True, exist_ok=True)
        (tmp_path / directory / "cgroup.procs").write_text(listed)
    assert figures.processes(10, tmp_path / "proc", tmp_path) == [10, 11, 12]


def test_another_parent_than_the_shim_does_not_count(tmp_path: Path) -> None:
    book(tmp_path, 10, read=3, written=10)
    book(tmp_path, 1, read=1000, written=1000)
    born(tmp_path, 10, 1, "/sbin/init")
    assert figures.moved({}, 10, [10], tmp_path) == (3, 10)


def test_bytes_over_networks(tmp_path: Path) -> None:
    (tmp_path / "10" / "net").mkdir(parents=True)
    (tmp_path / "10" / "net" / "dev").write_text(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls\n"
        "    lo:     999       1    0    0    0     0          0         0      999       1    0    0    0     0\n"
        "  eth0:     100       1    0    0    0     0          0         0       20       1    0    0    0     0\n"
        "  eth1:5       1    0    0    0     0          0         0        6       1    0    0    0     0\n"
    )
    assert figures.traffic(10, tmp_path) == (105, 26)
    assert figures.traffic(11, tmp_path) == (0, 0)
