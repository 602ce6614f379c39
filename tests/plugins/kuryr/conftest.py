"""A running cloud with fake drivers behind a TCP port, and the plugin as its client behind a UNIX socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.kuryr import world as worlds


@pytest.fixture
def world(tmp_path: Path) -> Iterator[worlds.World]:
    with worlds.running(tmp_path) as made:
        yield made
