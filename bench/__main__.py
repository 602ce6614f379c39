"""All benchmarks, one after the other: `make bench`, or `python -m bench`. Needs root and Docker, as the real cloud does."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench import containers, plane, table
from boxship.drivers.engine import busybox
from tests import dockerd

_BRIDGE = ("--bip", "172.31.240.1/24")
"""The peer needs Docker's default bridge."""


def main() -> int:
    """Measure, print, write results.json; 1 where a bar is missed."""
    with tempfile.TemporaryDirectory(prefix="boxship-bench-") as scratch:
        directory = Path(scratch)
        with dockerd.running_dockerd(directory / "engine", _BRIDGE) as socket:
            _load_image(socket)
            figures = plane.cold_start(directory, socket)
            figures += plane.tokens_and_lists(directory)
            figures += containers.compare(directory, socket, busybox.REFERENCE)
    table.show(figures)
    table.write(figures, Path(__file__).parent / "results.json")
    return 1 if any(figure.verdict == "missed" for figure in figures) else 0


def _load_image(socket: Path) -> None:
    subprocess.run(
        ["docker", "-H", f"unix://{socket}", "load", "--quiet"], input=busybox.image(), check=True, capture_output=True
    )


if __name__ == "__main__":
    sys.exit(main())
