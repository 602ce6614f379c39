"""Bad days of Docker's networks: engine, plugin and cloud end, are killed, or are away, while containers run in ours."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.dockerd import NO_BRIDGE
from tests.system import audit, engine, kuryr
from tests.system.api import Session
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.kuryr import NETWORK, Docker, Plugin
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("kuryr-days"), pytest.mark.timeout(300)]

RESTORE_OFF = (*NO_BRIDGE, "--live-restore=false")


@pytest.fixture
def dockerd() -> Iterator[Engine]:
    """An engine that a test may kill; containers of the cloud are in another one."""
    made = engine.make()
    yield made
    made.remove()


@pytest.fixture
def plugin(cloud: Installation, tmp_path: Path) -> Iterator[Plugin]:
    made = kuryr.plugin(cloud, "docker-days", tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def session(plugin: Plugin) -> Session:
    """The project of the plugin's user."""
    return plugin.cloud.session(plugin.user)


@pytest.fixture
def docker(dockerd: Engine, plugin: Plugin, session: Session) -> Iterator[Docker]:
    """Docker with a network and two containers in it. At the end what Docker made can be removed, and nothing stays."""
    before = kuryr.made(session)
    docker = Docker(dockerd, plugin.name)
    docker.network("blue")
    for name in ("one", "two"):
        docker.run(name, "blue", "--restart", "always")
    until(lambda: _talk(docker), "the two reach each other")
    yield docker
    mine = dockerd.docker("ps", "--all", "--quiet").split()
    if mine:
        docker.remove(*mine)
    for name in dockerd.docker("network", "ls", "--quiet", "--filter", f"driver={plugin.name}").split():
        dockerd.docker("network", "rm", name)
    assert kuryr.made(session) == before, plugin.log.read_text()[-4000:]
    audit.assert_sound(plugin.cloud)


def _address(docker: Docker, name: str) -> str:
    return str(docker.endpoint(name, "blue")["IPAddress"])


def _talk(docker: Docker) -> bool:
    """Whether the two reach each other."""
    return docker.reaches("one", _address(docker, "two")) and docker.reaches("two", _address(docker, "one"))


def _use(docker: Docker) -> None:
    """The network serves those who come, and those who go."""
    docker.run("new", "blue")
    until(lambda: docker.reaches("new", _address(docker, "one")), "the new one reaches the old one")
    docker.remove("new")


def _end(dockerd: Engine) -> None:
    """As its service manager ends it."""
    os.kill(dockerd.pid, signal.SIGTERM)
    os.waitpid(dockerd.pid, 0)


def _running(docker: Docker) -> bool:
    return sorted(docker.engine.docker("ps", "--format", "{{.Names}}").split()) == ["one", "two"]


def _started(docker: Docker) -> dict[str, str]:
    """When each process began."""
    names = ("one", "two")
    return {name: str(docker.inspect("container", name)["State"]["StartedAt"]) for name in names}


@pytest.mark.parametrize("end", [_end, Engine.kill])
def test_an_engine_that_is_restarted_keeps_containers_and_their_network(docker: Docker, end: object) -> None:
    before = _started(docker), _address(docker, "one")
    assert callable(end)
    end(docker.engine)
    docker.engine.start()
    assert (_started(docker), _address(docker, "one")) == before
    assert _talk(docker)
    _use(docker)


@pytest.mark.parametrize("end", [_end, Engine.kill])
def test_an_engine_without_live_restore_starts_containers_anew(docker: Docker, session: Session, end: object) -> None:
    _end(docker.engine)
    docker.engine.options = RESTORE_OFF
    docker.engine.start()
    until(lambda: _running(docker), "the containers run again", 20)
    assert callable(end)
    end(docker.engine)
    docker.engine.start()
    until(lambda: _running(docker), "the containers run again", 20)
    until(lambda: _talk(docker), "the two reach each other")
    _use(docker)
    ports = session.ask("GET", f"{NETWORK}/ports?device_owner=compute:kuryr&project_id={session.project_id}")["ports"]
    wanted = {docker.endpoint(name, "blue")["EndpointID"] for name in ("one", "two")}
    assert {port["device_id"] for port in ports} == wanted, "ports of endpoints that ended with the engine are gone"


def test_a_plugin_that_is_killed_leaves_containers_alone_and_goes_on(docker: Docker, plugin: Plugin) -> None:
    plugin.kill()
    assert plugin.socket.exists(), "nobody could remove it"
    assert _talk(docker)
    plugin.start()
    assert _talk(docker)
    docker.engine.docker("restart", "--time", "0", "one")
    until(lambda: _talk(docker), "the two reach each other")
    _use(docker)


def test_an_engine_comes_up_though_the_plugin_is_away(docker: Docker, plugin: Plugin) -> None:
    """libnetwork asks for a plugin that has no socket for about 15 s per network, then goes on without it."""
    before = _started(docker)
    _end(docker.engine)
    plugin.stop()
    docker.engine.start()
    assert _started(docker) == before
    assert _talk(docker)
    said = docker.refused("run", "--rm", "--network", "blue", "busybox", "true")
    assert plugin.name in said and "not found" in said
    plugin.start()
    assert _talk(docker)
    _use(docker)
    docker.engine.docker("restart", "--time", "0", "one")
    until(lambda: _talk(docker), "the two reach each other")


def test_a_plugin_answers_though_the_cloud_is_away_and_serves_when_it_is_back(docker: Docker, plugin: Plugin) -> None:
    plugin.cloud.command("down")
    plugin.stop()
    plugin.start()
    assert _talk(docker), "the kernel goes on without us"
    words = ("network", "create", "--driver", plugin.name, "--ipam-driver", plugin.name, "red")
    for refused in (words, ("run", "--rm", "--network", "blue", "busybox", "true")):
        assert "does not answer" in docker.refused(*refused)
    docker.engine.kill()
    docker.engine.start()
    assert _running(docker) and _talk(docker)
    plugin.cloud.up()
    assert _talk(docker)
    _use(docker)
    docker.network("red")


def test_containers_end_while_the_cloud_is_away(docker: Docker, plugin: Plugin) -> None:
    """Docker removes a container though the plugin says that its port cannot be deleted; the network can be removed then."""
    plugin.cloud.command("down")
    docker.remove("one")
    plugin.cloud.up()
    docker.run("one", "blue")
    until(lambda: _talk(docker), "the two reach each other")


def test_the_program_is_killed_and_started_under_running_containers(docker: Docker, plugin: Plugin) -> None:
    pid = int(json.loads((plugin.cloud.state_dir / "boxship.pid").read_text())["pid"])
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid), "the program is gone")
    assert _talk(docker)
    plugin.cloud.up()
    assert _talk(docker)
    _use(docker)
    audit.assert_sound(plugin.cloud)
    assert _talk(docker), "what a start repairs are no ports that Docker has moved"


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_two_engines_make_networks_over_one_range_at_once(docker: Docker, session: Session) -> None:
    """A Docker network is one engine's: two that are made at once are two networks, each whole, and neither is in the way."""
    other = engine.make()
    try:
        _race(docker, Docker(other, docker.driver), session)
    finally:
        other.remove()


def _race(docker: Docker, other: Docker, session: Session) -> None:
    with ThreadPoolExecutor(2) as both:
        made = [both.submit(one.network, "green", "--subnet", "10.61.0.0/24") for one in (docker, other)]
        ids = [one.result() for one in made]
    for one, id in zip((docker, other), ids, strict=True):
        named = session.ask("GET", f"{NETWORK}/networks?name=kuryr-net-{id}")["networks"]
        assert [len(network["subnets"]) for network in named] == [1]
        one.run("racer", "green", "--ip", "10.61.0.5")
    other.remove("racer")
    other.engine.docker("network", "rm", "green")
    assert docker.endpoint("racer", "green")["IPAddress"] == "10.61.0.5"


def test_two_engines_join_a_users_network_at_once(docker: Docker, session: Session) -> None:
    """Docker networks of two engines on one network of the user's: containers of both reach each other, and it stays."""
    network = session.network("meeting", "10.62.0.0/24")
    before = session.ask("GET", f"{NETWORK}/networks/{network['id']}")["network"]
    other = engine.make()
    try:
        _meet(docker, Docker(other, docker.driver), network["id"])
    finally:
        other.remove()
    docker.remove("here")
    docker.engine.docker("network", "rm", "meeting")
    after = session.ask("GET", f"{NETWORK}/networks/{network['id']}")["network"]
    assert {key: after[key] for key in ("name", "tags", "subnets")} == {
        key: before[key] for key in ("name", "tags", "subnets")
    }
    session.ask("DELETE", f"{NETWORK}/networks/{network['id']}")


def _meet(docker: Docker, other: Docker, network: str) -> None:
    words = ("-o", f"neutron.net.uuid={network}", "--subnet", "10.62.0.0/24")
    with ThreadPoolExecutor(2) as both:
        for one in [both.submit(docker.network, "meeting", *words), both.submit(other.network, "meeting", *words)]:
            one.result()
    docker.run("here", "meeting")
    other.run("there", "meeting")
    here = docker.endpoint("here", "meeting")["IPAddress"]
    until(lambda: other.reaches("there", here), "containers of both engines reach each other")
    other.remove("there")
    other.engine.docker("network", "rm", "meeting")
    assert docker.endpoint("here", "meeting")["IPAddress"]


def test_a_second_plugin_does_not_take_the_place_of_the_first(docker: Docker, plugin: Plugin) -> None:
    rival = kuryr.plugin(plugin.cloud, plugin.user, plugin.directory / "rival")
    rival.name = plugin.name
    with pytest.raises(AssertionError, match="Another plugin answers"):
        rival.start()
    assert _talk(docker)
    _use(docker)
