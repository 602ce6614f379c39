"""The managed plugin: Docker itself starts ``boxship kuryr`` in a rootfs of its own, with one capability."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import audit, engine, kuryr
from tests.system.api import Session
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.kuryr import Docker
from tests.system.marks import LONG

pytestmark = [pytest.mark.system, LONG, pytest.mark.xdist_group("kuryr-managed"), pytest.mark.timeout(300)]

BUILD = Path(__file__).parents[2] / "deploy" / "plugin.py"
NAME = "boxship/kuryr"
DRIVER = f"{NAME}:latest"


@pytest.fixture(scope="module")
def dockerd() -> Iterator[Engine]:
    """Plugins are an engine's, and this one's go with it."""
    made = engine.make()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def managed(dockerd: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine with the plugin as it is built, not enabled; at the end the plugin is away again."""
    directory = tmp_path_factory.mktemp("managed")
    subprocess.run(
        [sys.executable, str(BUILD), "kuryr", str(directory), "--host", f"unix://{dockerd.socket}", "--name", NAME],
        check=True,
    )
    shutil.rmtree(directory)
    yield dockerd
    dockerd.docker("plugin", "rm", "--force", NAME)
    assert json.loads(dockerd.docker("plugin", "ls", "--format", "[]") or "[]") == []


@pytest.fixture
def session(cloud: Installation) -> Session:
    return cloud.session("docker-managed")


@pytest.fixture
def docker(managed: Engine, cloud: Installation, session: Session, tmp_path: Path) -> Iterator[Docker]:
    """The plugin is enabled, as an operator does; at the end nothing of it is in the cloud."""
    before = kuryr.made(session)
    kuryr.plugin(cloud, "docker-managed", tmp_path).clouds()
    managed.docker("plugin", "set", NAME, f"openstack.source={tmp_path}", "OS_CLOUD=docker")
    managed.docker("plugin", "enable", NAME)
    yield Docker(managed, DRIVER)
    managed.docker("plugin", "disable", NAME)
    assert kuryr.made(session) == before
    audit.assert_sound(cloud)


def test_containers_have_networks_of_the_managed_plugin(docker: Docker) -> None:
    docker.network("managed", "--subnet", "10.71.0.0/24", "--ipv6", "--subnet", "fd71::/64")
    docker.run("one", "managed", "--ip", "10.71.0.50")
    docker.run("two", "managed")
    assert docker.reaches("two", "10.71.0.50")
    assert docker.reaches("one", docker.endpoint("two", "managed")["GlobalIPv6Address"])
    docker.remove("one", "two")
    docker.engine.docker("network", "rm", "managed")


def test_the_plugin_comes_up_with_its_engine(docker: Docker) -> None:
    """Docker starts managed plugins before it restores networks: there is no order to keep in mind."""
    docker.network("managed")
    docker.run("one", "managed")
    address = docker.endpoint("one", "managed")["IPAddress"]
    docker.engine.kill()
    docker.engine.start()
    docker.run("two", "managed")
    assert docker.reaches("two", address)
    docker.remove("one", "two")
    docker.engine.docker("network", "rm", "managed")


def test_it_may_little(managed: Engine) -> None:
    (shown,) = json.loads(managed.docker("plugin", "inspect", NAME))
    config = shown["Config"]
    assert config["Linux"] == {"AllowAllDevices": False, "Capabilities": ["CAP_NET_ADMIN"], "Devices": None}
    assert [mount["Options"] for mount in config["Mounts"]] == [["rbind", "ro"]]
    assert config["IpcHost"] is False and config["PidHost"] is False
