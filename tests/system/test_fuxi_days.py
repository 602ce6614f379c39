"""Bad days of Docker's volumes: plugin, engine and cloud are killed between any two steps. What was written is there, by
checksum, and nothing stays mounted, attached or recorded."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.plugins.fuxi import mounts
from tests.dockerd import NO_BRIDGE
from tests.system import audit, fuxi, installation
from tests.system.engine import Engine, make
from tests.system.fuxi import Docker, Plugin
from tests.system.installation import Installation
from tests.system.marks import LONG
from tests.system.test_fuxi import FILL, SUM, USER, volumes
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("fuxi-days"), pytest.mark.timeout(600)]

MOMENTS = [at / 100 for at in range(1, 40)]
"""Seconds after the beginning of a step at which the plugin is killed; a step takes about 0.2."""


@pytest.fixture(scope="module")
def dockerd() -> Iterator[Engine]:
    """An engine that a test may kill; containers of the cloud are in another one."""
    made = make()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def running(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A cloud of these tests' own, as a child of theirs, to be killed and started."""
    made = installation.prepare(tmp_path_factory.mktemp("cloud") / "state", engine.socket)
    made.start()
    made.answers()
    mark = made.mark
    yield made
    made.destroy()
    audit.assert_nothing_left(made, mark)


@pytest.fixture(scope="module")
def plugin(running: Installation, dockerd: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    directory = tmp_path_factory.mktemp("fuxi")
    clouds = fuxi.clouds(running, USER, directory)
    made = fuxi.plugin(clouds, directory / "plugin", "--docker", str(dockerd.socket), "--timeout", "30")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def docker(dockerd: Engine, plugin: Plugin, running: Installation) -> Iterator[Docker]:
    """Docker with a volume that holds something, in the container ``one``. At the end all of it can be removed."""
    docker = Docker(dockerd, plugin.name)
    docker.create("data")
    docker.start("one", "data:/data", words=("--restart", "always"))
    yield docker
    mine = dockerd.docker("ps", "--all", "--quiet").split()
    docker.stop(*mine)
    for name in docker.names():
        docker.remove(name)
    until(plugin.nothing_left, f"nothing is left; see {plugin.log}", 40)
    assert volumes(running.session(USER)) == []


def _up(docker: Docker) -> bool:
    return "one" in docker.engine.docker("ps", "--format", "{{.Names}}").split()


def test_whoever_is_killed_the_data_are_there(docker: Docker, plugin: Plugin, running: Installation) -> None:
    before = docker.execute("one", FILL)
    for who in (plugin, docker.engine, running):
        who.kill()
        if who is not docker.engine:
            assert docker.execute("one", SUM) == before
        if who is running:
            docker.start("without", "data:/data")  # what is mounted needs no cloud
            docker.stop("without")
        who.start()
        running.answers()
        until(lambda: _up(docker), "the container is up", 30)
        assert docker.execute("one", SUM) == before
        assert docker.run("data", SUM) == before
        assert docker.status("data")["uses"] == 1


def test_everything_ends_at_once_as_when_a_host_loses_power(
    docker: Docker, plugin: Plugin, running: Installation
) -> None:
    before = docker.execute("one", FILL)
    (mount,) = plugin.mounted()
    pid = int(docker.engine.docker("inspect", "--format", "{{.State.Pid}}", "one"))
    plugin.kill()
    running.kill()
    docker.engine.kill()
    os.kill(pid, 9)
    until(lambda: not Path(f"/proc/{pid}").exists(), "the container has ended")
    mounts.unmount(mount.point)
    subprocess.run(["losetup", "--detach", mount.source], check=True)
    running.start()
    running.answers()
    plugin.start()
    docker.engine.start()
    until(lambda: _up(docker), "the container is up", 30)
    assert docker.execute("one", SUM) == before


def test_an_engine_without_live_restore(plugin: Plugin, running: Installation) -> None:
    """Containers end with their engine, and those that come back find their data."""
    made = Engine(Path(tempfile.mkdtemp(prefix="boxship-engine-")), (*NO_BRIDGE, "--live-restore=false"))
    try:
        made.start()
        made.load("busybox:latest")
        docker = Docker(made, plugin.name)
        docker.create("data")
        docker.start("one", "data:/data", words=("--restart", "always"))
        before = docker.execute("one", FILL)
        made.kill()
        made.start()
        until(lambda: _up(docker), "the container is up", 30)
        assert docker.execute("one", SUM) == before
        docker.stop("one")
        docker.remove("data")
        until(plugin.nothing_left, "nothing is left", 40)
    finally:
        made.remove()


@LONG
@pytest.mark.parametrize("at", MOMENTS)
def test_the_plugin_is_killed_in_each_step(docker: Docker, plugin: Plugin, at: float) -> None:
    """The step is taken again, and is whole then."""
    _killed(docker, plugin, at, "volume", "create", "--driver", plugin.name, "new")
    docker.create("new")
    before = docker.run("new", FILL)
    _killed(docker, plugin, at, "run", "--rm", "-v", "new:/data", "busybox", "true")
    assert docker.run("new", SUM) == before
    docker.start("two", "new:/data")
    _killed(docker, plugin, at, "rm", "--force", "two")
    _again(docker, "rm", "--force", "two")
    assert docker.run("new", SUM) == before
    _killed(docker, plugin, at, "volume", "rm", "new")
    _again(docker, "volume", "rm", "--force", "new")
    until(lambda: "new" not in docker.names(), "the volume is gone")


def _killed(docker: Docker, plugin: Plugin, at: float, *words: str) -> None:
    """Begin a command, kill the plugin after some time and start it anew; the command comes to its end, whatever that is."""
    command = ["docker", "--host", f"unix://{docker.engine.socket}", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as begun:
        threading.Event().wait(at)
        plugin.kill()
        plugin.start()
        begun.wait(120)


def _again(docker: Docker, *words: str) -> None:
    """A command that may have been done already."""
    subprocess.run(["docker", "--host", f"unix://{docker.engine.socket}", *words], check=False, capture_output=True)
