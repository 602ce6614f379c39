"""Run on a machine: what it holds of one installation, as JSON. ``python -m tests.system.hosts.sight STATE MARK SOCKET``."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

from tests.system import audit


def main(state_dir: str, mark: str, engine: str) -> None:
    """Print it, and under ``aliases`` what is on its bridges."""
    seen = audit.look(Path(state_dir), mark, Path(engine))
    found = {field.name: sorted(getattr(seen, field.name)) for field in dataclasses.fields(seen)}
    print(json.dumps(found | {"aliases": _aliases(mark)}))  # noqa: T201 (what it is for)


def _aliases(mark: str) -> list[str]:
    """``<kind>:<id>`` of every device of the fabric."""
    command = ["ip", "-n", f"boxship-{mark}-fabric", "-j", "link"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    listed = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    start = f"boxship:{mark}:"
    return sorted(link["ifalias"][len(start) :] for link in listed if link.get("ifalias", "").startswith(start))


if __name__ == "__main__":
    main(*sys.argv[1:])
