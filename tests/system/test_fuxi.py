"""Docker's volumes are the cloud's: every form of ``docker volume create`` and ``docker run -v`` on a real engine, with Boxship's
own Cinder and Manila behind the plugin."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system import audit, fuxi, kuryr_compose
from tests.system.api import Session
from tests.system.engine import Engine
from tests.system.fuxi import Docker, Plugin
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("fuxi"), pytest.mark.timeout(300)]

USER = "docker-storage"
FILL = "head -c 20000000 /dev/urandom > /data/file; sync; sha256sum < /data/file"
SUM = "sha256sum < /data/file"


@pytest.fixture(scope="module")
def session(cloud: Installation) -> Session:
    """The project of the plugin's user."""
    return cloud.session(USER)


@pytest.fixture(scope="module")
def plugin(cloud: Installation, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    directory = tmp_path_factory.mktemp("fuxi")
    made = fuxi.plugin(fuxi.clouds(cloud, USER, directory), directory, "--docker", str(engine.socket))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def docker(cloud: Installation, engine: Engine, plugin: Plugin, session: Session) -> Iterator[Docker]:
    """Docker with the plugin; when the test is over, nothing that it made is left in Docker, the cloud or the kernel."""
    docker = Docker(engine, plugin.name)
    yield docker
    mine = engine.docker("ps", "--all", "--quiet", "--filter", f"label=test={plugin.name}").split()
    if mine:
        docker.stop(*mine)
    for name in docker.names():
        docker.remove(name)
    assert plugin.nothing_left(), plugin.log.read_text()[-4000:]
    assert volumes(session) == []
    audit.assert_sound(cloud)


@pytest.fixture
def name() -> str:
    return f"v-{secrets.token_hex(3)}"


def path(session: Session, rest: str) -> str:
    return f"/volume/v3/{session.project_id}/{rest}"


def volumes(session: Session) -> list[dict[str, Any]]:
    """All volumes of the project."""
    found = session.ask("GET", path(session, "volumes/detail"))["volumes"]
    return [dict(volume) for volume in found]


def volume(session: Session, name: str) -> dict[str, Any]:
    """The volume that has this name in Docker."""
    (found,) = [one for one in volumes(session) if one["metadata"].get("docker_volume_name") == name]
    return found


def make(session: Session, **wish: Any) -> str:
    """A volume of a user's own; its id."""
    id = str(session.ask("POST", path(session, "volumes"), {"volume": {"size": 1, **wish}})["volume"]["id"])
    until(lambda: session.ask("GET", path(session, f"volumes/{id}"))["volume"]["status"] == "available", "it is there")
    return id


def test_a_volume_outlives_containers_and_what_serves_it(
    docker: Docker, plugin: Plugin, session: Session, name: str
) -> None:
    docker.create(name, size="1", description="of Docker")
    shown = volume(session, name)
    assert (shown["status"], shown["size"], shown["description"]) == ("available", 1, "of Docker")
    assert docker.status(name)["state"] == "not_attach"
    before = docker.run(name, FILL)
    docker.start(name, f"{name}:/data")
    assert docker.execute(name, SUM) == before
    assert volume(session, name)["status"] == "in-use"
    inspected = docker.inspect(name)
    assert (inspected["Status"]["state"], inspected["Status"]["uses"]) == ("attach_to_this", 1)
    assert Path(inspected["Mountpoint"], "file").exists()
    assert name in docker.names()
    plugin.kill()
    plugin.start()
    docker.engine.kill()
    docker.engine.start()
    docker.start(f"{name}-b", f"{name}:/data:ro")
    assert docker.execute(f"{name}-b", SUM) == before
    docker.stop(name)
    assert docker.status(name)["uses"] == 1
    docker.stop(f"{name}-b")
    until(lambda: volume(session, name)["status"] == "available", "the volume is detached")
    assert docker.run(name, SUM) == before


def test_every_option_for_volumes(docker: Docker, session: Session, name: str) -> None:
    (kind,) = session.ask("GET", path(session, "types?name=__DEFAULT__"))["volume_types"][:1]
    docker.create(
        name, size="2", volume_type=kind["name"], availability_zone="nova", multiattach="false", fstype="ext4"
    )
    shown = volume(session, name)
    assert (shown["size"], shown["volume_type"], shown["availability_zone"]) == (2, kind["name"], "nova")
    before = docker.run(name, FILL)
    until(lambda: volume(session, name)["status"] == "available", "the volume is detached")
    snapshot = session.ask("POST", path(session, "snapshots"), {"snapshot": {"volume_id": shown["id"]}})["snapshot"][
        "id"
    ]
    place = path(session, f"snapshots/{snapshot}")
    until(lambda: session.ask("GET", place)["snapshot"]["status"] == "available", "the snapshot is there")
    docker.run(name, "echo other > /data/file")
    docker.create(f"{name}-s", snapshot_id=snapshot)
    docker.create(f"{name}-v", source_volid=shown["id"])
    assert docker.run(f"{name}-s", SUM) == before
    assert docker.run(f"{name}-v", "cat /data/file") == "other"
    session.ask("DELETE", place)
    session.gone(place)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"size": "x"}, "no number of GiB"),
        ({"volume_type": "nothing"}, "nothing"),
        ({"snapshot_id": "0" * 32}, "could not be found"),
        ({"consistencygroup_id": "x"}, "not offered"),
        ({"colour": "red"}, "there is no such option"),
    ],
)
def test_what_cannot_be_made_says_why(docker: Docker, options: dict[str, str], reason: str, name: str) -> None:
    assert reason in docker.refused_create(name, **options)


def test_a_volume_that_a_user_brings_stays(docker: Docker, session: Session, name: str) -> None:
    id = make(session)
    docker.create(name, volume_id=id)
    docker.run(name, "echo mine > /data/file")
    assert volume(session, name)["id"] == id
    docker.remove(name)
    assert session.ask("GET", path(session, f"volumes/{id}"))["volume"]["status"] == "available"
    docker.create(name, volume_id=id)
    assert docker.run(name, "cat /data/file") == "mine"
    docker.remove(name)
    session.ask("DELETE", path(session, f"volumes/{id}"))
    session.gone(path(session, f"volumes/{id}"))


def test_a_volume_that_a_container_of_the_cloud_has_is_refused(docker: Docker, session: Session, name: str) -> None:
    docker.create(name)
    id = volume(session, name)["id"]
    mount = {"type": "volume", "source": id, "destination": "/data"}
    network = session.network(name, "10.99.0.0/24")["id"]
    made = session.run(name, "sleep 600", mounts=[mount], nets=[{"network": network}])
    said = docker.refused("run", "--rm", "-v", f"{name}:/data", "busybox", "true")
    assert "is attached to" in said and "detach it there first" in said
    assert docker.status(name)["state"] == "attach_to_other"
    session.delete(made["uuid"])
    until(lambda: volume(session, name)["status"] == "available", "the volume is free")
    docker.run(name, "echo free > /data/file")
    session.ask("DELETE", f"/network/v2.0/networks/{network}")


def test_a_container_of_the_cloud_and_one_of_docker_share_a_volume(docker: Docker, session: Session, name: str) -> None:
    docker.create(name, multiattach="true")
    id = volume(session, name)["id"]
    before = docker.run(name, FILL)
    until(lambda: volume(session, name)["status"] == "available", "the volume is detached")
    network = session.network(name, "10.98.0.0/24")["id"]
    mount = {"type": "volume", "source": id, "destination": "/data"}
    made = session.run(name, "sleep 600", mounts=[mount], nets=[{"network": network}])
    docker.start(name, f"{name}:/data")
    assert docker.execute(name, SUM) == before
    docker.execute(name, "echo docker > /data/word")
    assert session.execute(made["uuid"], "cat /data/word")[1].strip() == "docker"
    session.delete(made["uuid"])
    assert docker.execute(name, SUM) == before
    docker.stop(name)
    until(lambda: volume(session, name)["status"] == "available", "the volume is free")
    session.ask("DELETE", f"/network/v2.0/networks/{network}")


def test_compose(docker: Docker, tmp_path: Path, name: str) -> None:
    project = kuryr_compose.Project(docker.engine, name, tmp_path / "compose.yaml")
    service: dict[str, object] = {"image": "busybox", "command": list(fuxi.IDLE), "volumes": ["data:/data"]}
    service |= {"network_mode": "none", "labels": {"test": docker.driver}}
    project.write(
        {"one": service, "two": service}, {}, {"data": {"driver": docker.driver, "driver_opts": {"size": "1"}}}
    )
    project("up", "-d")
    before = docker.execute(project.container("one"), FILL)
    assert docker.execute(project.container("two"), SUM) == before
    project("down")
    project("up", "-d")
    assert docker.execute(project.container("two"), SUM) == before
    project("down", "--volumes")
    assert docker.names() == []
