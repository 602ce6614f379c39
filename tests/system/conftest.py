"""A cloud and an engine per worker, made when the first test needs them, and proven to be gone after the last one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import audit, installation
from tests.system.clients import Clients
from tests.system.engine import Engine, make
from tests.system.installation import Installation


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine of our own with the image busybox."""
    installation.check_host()
    made = make()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def cloud(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A cloud started by ``boxship up --detach`` and removed by ``boxship destroy --yes``, which must leave nothing."""
    directory = tmp_path_factory.mktemp("cloud")
    made = installation.prepare(directory / "state", engine.socket)
    made.up()
    mark = made.mark
    yield made
    made.destroy()
    audit.assert_nothing_left(made, mark)


@pytest.fixture(scope="session")
def openstack(cloud: Installation) -> Iterator[Clients]:
    """The official clients, with the cloud's clouds.yaml."""
    clients = Clients(cloud.state_dir / "clouds.yaml")
    yield clients
    clients.close()


@pytest.fixture
def own_cloud(engine: Engine, tmp_path: Path) -> Iterator[Installation]:
    """A cloud of the test's own, not started yet, to be killed and started as the test likes."""
    made = installation.prepare(tmp_path / "state", engine.socket)
    yield made
    if not (made.state_dir / "installation.json").exists():
        return
    mark = made.mark
    made.destroy()
    audit.assert_nothing_left(made, mark)
