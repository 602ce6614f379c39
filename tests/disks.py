"""File systems of a test's own, in files: gone with their mounts at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def sharing(directory: Path, megabytes: int = 1024) -> Iterator[Path]:
    """An xfs, whose files can share blocks, mounted in the directory; it takes room only as it is written."""
    file, point = directory / "xfs", directory / "mounted"
    point.mkdir()
    with file.open("xb") as target:
        target.truncate(megabytes << 20)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(file)], check=True)
    subprocess.run(["mount", "-o", "loop", str(file), str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)
        file.unlink()
