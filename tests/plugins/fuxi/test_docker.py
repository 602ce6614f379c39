"""A real Docker engine and the plugin's real process with the small cloud: what Docker asks of a plugin, and when."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.plugins.fuxi import fake
from tests.system import engine, fuxi, kuryr_compose
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("fuxi-docker"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def dockerd() -> Iterator[engine.Engine]:
    made = engine.make()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[fake.Cloud, Path]]:
    directory = tmp_path_factory.mktemp("cloud")
    made = fake.Cloud(directory)
    with fake.serving(made) as url:
        entry = {
            "auth_type": "admin_token",
            "auth": {"endpoint": url, "token": "x"},
            "block_storage_endpoint_override": f"{url}/volume/v3",
            "shared_file_system_endpoint_override": f"{url}/share/v2",
        }
        clouds = directory / "clouds.yaml"
        clouds.write_text(yaml.safe_dump({"clouds": {"docker": entry}}))
        yield made, clouds


@pytest.fixture(scope="module")
def plugin(
    dockerd: engine.Engine, cloud: tuple[fake.Cloud, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[fuxi.Plugin]:
    """One for all tests: an engine asks every driver that it ever knew for a volume, and waits 15 s for one that is gone."""
    directory = tmp_path_factory.mktemp("plugin")
    made = fuxi.plugin(cloud[1], directory, "--host", "here", "--docker", str(dockerd.socket), "--timeout", "20")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def docker(dockerd: engine.Engine, cloud: tuple[fake.Cloud, Path], plugin: fuxi.Plugin) -> Iterator[fuxi.Docker]:
    yield fuxi.Docker(dockerd, plugin.name)
    left = dockerd.docker("ps", "--all", "--quiet").split()  # of a test that failed
    if left:
        dockerd.docker("rm", "--force", *left)
    until(plugin.nothing_left, "nothing is mounted and recorded")
    assert not cloud[0].attachments


@pytest.fixture
def name() -> str:
    return f"v-{secrets.token_hex(3)}"


def test_a_volume_is_mounted_while_containers_use_it(docker: fuxi.Docker, plugin: fuxi.Plugin, name: str) -> None:
    docker.create(name)
    docker.run(name, "echo kept > /data/file")
    assert plugin.nothing_left()
    docker.start(f"{name}-a", f"{name}:/data")
    docker.start(f"{name}-b", f"{name}:/other:ro")
    assert docker.execute(f"{name}-b", "cat /other/file") == "kept"
    assert docker.status(name)["uses"] == 2
    docker.engine.docker("cp", f"{name}-a:/data/file", "-")  # mounts once more, for the same use
    assert docker.status(name)["uses"] == 2
    docker.stop(f"{name}-a")
    assert len(plugin.mounted()) == 1
    docker.stop(f"{name}-b")
    assert plugin.nothing_left()
    docker.remove(name)


def test_a_container_that_fails_to_start_is_no_use(docker: fuxi.Docker, plugin: fuxi.Plugin, name: str) -> None:
    docker.create(name)
    docker.refused("run", "--rm", "-v", f"{name}:/data", "busybox", "/no/such/program")
    assert plugin.nothing_left()
    docker.remove(name)


def test_containers_on_one_share_and_a_compose_file(
    docker: fuxi.Docker, plugin: fuxi.Plugin, tmp_path: Path, name: str
) -> None:
    docker.create(name, volume_provider="manila", size="1")
    docker.start(f"{name}-a", f"{name}:/data")
    docker.start(f"{name}-b", f"{name}:/data")
    docker.execute(f"{name}-a", "echo both > /data/file")
    assert docker.execute(f"{name}-b", "cat /data/file") == "both"
    assert docker.status(name)["state"] == "attach_to_this"
    docker.stop(f"{name}-a", f"{name}-b")
    assert docker.status(name)["state"] == "not_attach"
    project = kuryr_compose.Project(docker.engine, f"p{name[2:]}", tmp_path / "compose.yaml")
    service = {"image": "busybox", "command": list(fuxi.IDLE), "network_mode": "none"}
    places = ["data:/data", "docs:/docs"]
    volumes = {
        "data": {"driver": docker.driver, "driver_opts": {"size": "1"}},
        "docs": {"driver": docker.driver, "driver_opts": {"volume_provider": "manila", "size": "1"}},
        "old": {"external": {"name": name}},
    }
    project.write(
        {"one": {**service, "volumes": [*places, "old:/old"]}, "two": {**service, "volumes": places}}, {}, volumes
    )
    project("up", "-d")
    docker.execute(project.container("one"), "echo 1 > /data/x; echo 2 > /docs/x")
    assert docker.execute(project.container("two"), "cat /data/x /docs/x").split() == ["1", "2"]
    assert docker.execute(project.container("one"), "cat /old/file") == "both"
    project("down", "--volumes")
    docker.remove(name)
