"""A small cloud behind a TCP port, and the plugin as its client behind a UNIX socket, with real devices and mounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.fuxi import world as worlds


@pytest.fixture
def world(tmp_path: Path) -> Iterator[worlds.World]:
    with worlds.running(tmp_path) as made:
        yield made
        made.check()
