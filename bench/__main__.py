"""All benchmarks, one after the other: `make bench`, or `python -m bench`. Needs root and Docker, as the real cloud does."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench import containers, growth, networks, plane, ports, stacks, storage, table, wires
from tests.system import engine

_BRIDGE = "172.31.240.1/24"
"""The peer needs Docker's own network."""


def main() -> int:
    """Measure, print, write results.json; 1 where a bar is missed."""
    docker = engine.make(_BRIDGE)
    try:
        with tempfile.TemporaryDirectory(prefix="boxship-bench-") as scratch:
            directory = Path(scratch)
            figures = plane.cold_start(directory, docker.socket)
            figures += plane.tokens_and_lists(directory)
            figures += networks.api(directory)
            figures += networks.wiring(directory, docker.socket)
            figures += ports.many()
            figures += growth.latency(directory)
            figures += stacks.engine(directory)
            figures += containers.compare(directory, docker.socket, "busybox:latest")
            figures += stacks.containers(directory, docker.socket, "busybox:latest")
            figures += growth.density(directory, docker.socket, "busybox:latest")
            figures += storage.figures(directory, docker.socket)
    finally:
        docker.remove()
    figures += wires.figures()
    table.show(figures)
    table.write(figures, Path(__file__).parent / "results.json")
    return 1 if any(figure.verdict == "missed" for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
