"""Run on a machine: what it holds of one installation, as JSON. ``python -m tests.system.hosts.sight STATE MARK SOCKET``."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from tests.system import audit


def main(state_dir: str, mark: str, engine: str) -> None:
    """Print it."""
    seen = audit.look(Path(state_dir), mark, Path(engine))
    found = {field.name: sorted(getattr(seen, field.name)) for field in dataclasses.fields(seen)}
    print(json.dumps(found))  # noqa: T201 (what it is for)


if __name__ == "__main__":
    main(*sys.argv[1:])
