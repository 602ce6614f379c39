"""A running cloud with fake drivers behind a TCP port, and the plugin as its client behind a UNIX socket. The cloud is made once
for the tests of a module, and wiped after each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.kuryr import world as worlds


@pytest.fixture(scope="module")
def cloud_thread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.CloudThread]:
    made = worlds.CloudThread(tmp_path_factory.mktemp("cloud") / "state")
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def world(tmp_path: Path, cloud_thread: worlds.CloudThread) -> Iterator[worlds.World]:
    with worlds.running(tmp_path, cloud_thread) as made:
        yield made
