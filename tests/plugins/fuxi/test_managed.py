"""The managed plugin: Docker itself starts ``boxship fuxi`` in a rootfs of its own; what it mounts reaches containers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.plugins.fuxi import fake
from tests.system import engine
from tests.system.fuxi import Docker
from tests.system.marks import LONG
from tests.system.waiting import until

pytestmark = [pytest.mark.system, LONG, pytest.mark.xdist_group("fuxi-managed"), pytest.mark.timeout(300)]

BUILD = Path(__file__).parents[3] / "deploy" / "plugin.py"
NAME = "boxship/fuxi"


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Engine]:
    """An engine with the plugin as it is built, not enabled; at the end the plugin is away again."""
    made = engine.make()
    directory = tmp_path_factory.mktemp("managed")
    command = [sys.executable, str(BUILD), "fuxi", str(directory), "--host", f"unix://{made.socket}"]
    try:
        subprocess.run(command, check=True)
        shutil.rmtree(directory)
        yield made
        made.docker("plugin", "rm", "--force", NAME)
    finally:
        made.remove()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[fake.Cloud]:
    (tmp_path / "cloud").mkdir()
    made = fake.Cloud(tmp_path / "cloud")
    with fake.serving(made) as url:
        entry = {
            "auth_type": "admin_token",
            "auth": {"endpoint": url, "token": "x"},
            "block_storage_endpoint_override": f"{url}/volume/v3",
            "shared_file_system_endpoint_override": f"{url}/share/v2",
        }
        (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"docker": entry}}))
        yield made
        assert not made.attachments


@pytest.fixture
def docker(dockerd: engine.Engine, cloud: fake.Cloud, tmp_path: Path) -> Iterator[Docker]:
    """The plugin is enabled, as an operator does."""
    dockerd.docker("plugin", "set", NAME, f"openstack.source={tmp_path}", "OS_CLOUD=docker", "args=--host here")
    dockerd.docker("plugin", "enable", NAME)
    yield Docker(dockerd, f"{NAME}:latest")
    dockerd.docker("plugin", "disable", NAME)


def test_volumes_of_the_managed_plugin_outlive_the_engine(docker: Docker, cloud: fake.Cloud) -> None:
    docker.create("managed")
    docker.run("managed", "echo kept > /data/file")
    assert not cloud.attachments
    docker.start("one", "managed:/data", words=("--restart", "always"))
    assert docker.execute("one", "cat /data/file") == "kept"
    docker.engine.kill()
    docker.engine.start()
    until(lambda: docker.engine.docker("ps", "--quiet", "--filter", "name=one"), "the container is up again", 30)
    assert docker.execute("one", "cat /data/file") == "kept"
    docker.stop("one")
    until(lambda: not cloud.attachments, "the volume is detached")
    docker.remove("managed")


def test_it_may_no_more_than_it_needs(dockerd: engine.Engine) -> None:
    (shown,) = json.loads(dockerd.docker("plugin", "inspect", NAME))
    config = shown["Config"]
    assert config["Linux"] == {"AllowAllDevices": True, "Capabilities": ["CAP_SYS_ADMIN"], "Devices": None}
    assert [mount["Destination"] for mount in config["Mounts"]] == ["/etc/openstack", "/dev"]
    assert config["IpcHost"] is False and config["PidHost"] is False
