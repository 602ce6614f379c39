"""What grows with the number of containers: latency of creating and listing them (it must not), and memory."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import cloud as clouds
from bench.table import Figure

PORT = 19520
STEPS = (10, 1000, 10000)
"""Numbers of containers on the fake engine at which creating and listing are timed."""
SAMPLES = 40
_ROOMY = {
    **{f"quota_{name}": -1 for name in ("ports", "containers", "memory", "cpu", "disk")},
    **{f"{name}_allocation_ratio": 1000 for name in ("cpu", "ram")},
}
_AVAILABLE = 4 << 10
"""MiB that the real containers may take."""
_BATCH, _MOST = 25, 1000


def latency(directory: Path) -> list[Figure]:
    """Creation and a page of a list beside ten and beside ten thousand containers, on the fake engine."""
    with clouds.running(directory / "growth", PORT, engine="fake", **_ROOMY) as cloud:
        network = clouds.network(cloud, "10.9.0.0/16")
        body = {"image": "busybox", "nets": [{"network": network}], "memory": 64}
        created, listed, present = {}, {}, 0
        for step in STEPS:
            while present < step - SAMPLES:
                cloud.call("POST", "/container/v1/containers", body)
                present += 1
            clouds.settled(cloud)
            created[step] = statistics.median(
                _timed(cloud, "POST", "/container/v1/containers", body) for _ in range(SAMPLES)
            )
            listed[step] = statistics.median(
                _timed(cloud, "GET", "/container/v1/containers?limit=50") for _ in range(SAMPLES)
            )
            present += SAMPLES
        memory = clouds.resident(cloud.process.pid)
    first, *_, last = STEPS
    return [
        *(Figure(f"POST beside {step:,} containers", created[step] * 1000, "ms") for step in STEPS),
        *(Figure(f"GET of 50 beside {step:,} containers", listed[step] * 1000, "ms") for step in STEPS),
        Figure(f"POST beside {last:,} / {first}", created[last] / created[first], "x", at_most=1.5),
        Figure(f"GET of 50 beside {last:,} / {first}", listed[last] / listed[first], "x", at_most=1.5),
        Figure(f"memory with {last:,} containers on the fake engine", memory, "MB"),
    ]


def density(directory: Path, engine_socket: Path, image: str) -> list[Figure]:
    """Real containers with ports of their own, until they have taken 4 GB of the host: how many, and what each costs."""
    options = {"external_cidr": "172.29.8.0/24", "quota_security_groups": -1, **_ROOMY}
    with clouds.running(
        directory / "density", PORT + 1, engine="docker", engine_socket=engine_socket, **options
    ) as cloud:
        network = clouds.network(cloud, "10.11.0.0/16")
        body = {
            "image": image,
            "command": ["sleep", "100000"],
            "nets": [{"network": network}],
            "memory": 6,
            "cpu": 0.01,
            "disk": 1,
        }
        program, before = clouds.resident(cloud.process.pid), _available()
        count = 0
        while before - _available() < _AVAILABLE and count < _MOST:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: cloud.call("POST", "/container/v1/containers?run=true", body), range(_BATCH)))
            count += _BATCH
            if reason := clouds.all_run(cloud):
                print(f"No more than {count} containers run on this host: {reason}")  # noqa: T201 (a finding)
                break
        taken, grown = before - _available(), clouds.resident(cloud.process.pid) - program
    return [
        Figure("containers with ports of their own", count, ""),
        Figure("containers in 4 GB", count * _AVAILABLE / taken, ""),
        Figure("memory of the host per container", taken / count, "MB"),
        Figure("memory of the program per container", grown / count * 1024, "kB"),
    ]


def _available() -> float:
    """MiB that the kernel says could still be given out (proc(5), MemAvailable)."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024


def _timed(cloud: clouds.Cloud, method: str, path: str, body: object = None) -> float:
    started = time.perf_counter()
    cloud.call(method, path, body)
    return time.perf_counter() - started
