"""Throughput between two containers, filters and all, against two plain namespaces on a plain bridge (iperf3, TCP)."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.table import Figure

SECONDS, ROUNDS = 3, 3


def ratio(first: str, second: str, address: str, engine_socket: Path) -> Figure:
    """The median of ROUNDS by the containers over that of the plain pair, measured in turn.

    iperf3 runs in the network namespaces of the containers (from the host's file system), so that no CPU limit counts.
    """
    here, there = _entered(first, engine_socket), _entered(second, engine_socket)
    with _plain_pair() as (plain_here, plain_there):
        ours, plain = [], []
        for _ in range(ROUNDS):
            ours.append(_gigabits(here, there, address))
            plain.append(_gigabits(plain_here, plain_there, "10.99.0.2"))
    return Figure("throughput / plain bridge", median(ours) / median(plain), "x", at_least=0.9)


def _entered(container: str, engine_socket: Path) -> list[str]:
    inspected = subprocess.run(
        ["docker", "-H", f"unix://{engine_socket}", "inspect", "--format", "{{.State.Pid}}", container],
        capture_output=True,
        check=True,
        text=True,
    )
    return ["nsenter", f"--net=/proc/{inspected.stdout.strip()}/ns/net"]


def _gigabits(client: list[str], server: list[str], address: str) -> float:
    listening = subprocess.Popen([*server, "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    try:
        for _ in range(50):
            done = subprocess.run(
                [*client, "iperf3", "-c", address, "-t", str(SECONDS), "-J"],
                capture_output=True,
                check=False,
                text=True,
            )
            received = json.loads(done.stdout or "{}").get("end", {}).get("sum_received")
            if done.returncode == 0 and received:
                return float(received["bits_per_second"]) / 1e9
            time.sleep(0.1)
        raise SystemExit(f"iperf3 failed: {done.stdout}")
    finally:
        listening.kill()
        listening.wait()


@contextmanager
def _plain_pair() -> Iterator[tuple[list[str], list[str]]]:
    """Two namespaces, a veth each, on a bridge in a third."""
    names = [f"bench-{os.getpid()}-{role}" for role in ("bridge", "a", "b")]
    middle, *ends = names
    try:
        for name in names:
            _ip("netns", "add", name)
        _ip("-n", middle, "link", "add", "br0", "up", "type", "bridge")
        for at, end in enumerate(ends, start=1):
            _ip("-n", middle, "link", "add", f"v{at}", "type", "veth", "peer", "name", "eth0", "netns", end)
            _ip("-n", middle, "link", "set", f"v{at}", "master", "br0", "up")
            _ip("-n", end, "address", "add", f"10.99.0.{at}/24", "dev", "eth0")
            _ip("-n", end, "link", "set", "eth0", "up")
        first, second = (["ip", "netns", "exec", end] for end in ends)
        yield first, second
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
