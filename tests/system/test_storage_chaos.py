"""Program, plugin and engine are killed while volumes are made, mounted, snapshotted, extended, unmounted and deleted: what was
acknowledged is there by checksum, every state ends, and the host holds no device, mount or file too many.

A short round is part of every test run; ``make chaos`` goes on for long. The seed is printed, and BOXSHIP_CHAOS_SEED sets it.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from tests.system import audit, fuxi, installation
from tests.system.api import Failed, Session
from tests.system.chaos import IDLE
from tests.system.engine import Engine, make
from tests.system.fuxi import Docker, Plugin
from tests.system.installation import Installation
from tests.system.marks import LONG
from tests.system.test_storage import all_volumes, checksum, fill, path
from tests.system.waiting import until

pytestmark = [pytest.mark.system, LONG, pytest.mark.xdist_group("storage-chaos"), pytest.mark.timeout(1500)]

ROUNDS = 10
"""Of every step with every victim."""
LATEST = 0.4
"""Seconds after the beginning of a step up to which somebody is killed."""
USER = "storm"


@dataclass(slots=True)
class Scene:
    """A cloud, Docker with the plugin, and one who works in both."""

    cloud: Installation
    plugin: Plugin
    docker: Docker
    chance: random.Random

    @property
    def session(self) -> Session:
        return self.cloud.session(USER)

    def kill(self) -> None:
        """One of the three, by chance, and its start."""
        who = self.chance.choice(("program", "plugin", "engine"))
        if who == "program":
            self.cloud.kill()
            self.cloud.start()
        elif who == "plugin":
            self.plugin.kill()
            self.plugin.start()
        else:
            self.docker.engine.kill()
            self.docker.engine.start()
        self.cloud.answers()

    def during(self, step: Callable[[], object]) -> None:
        """Somebody is killed at some moment of a step, whose answer may be lost."""
        begun = threading.Thread(target=_tried, args=(step,))
        begun.start()
        threading.Event().wait(self.chance.uniform(0, LATEST))
        self.kill()
        begun.join(120)
        assert not begun.is_alive(), "the step does not end"


def _tried(step: Callable[[], object]) -> None:
    try:
        step()
    except (Failed, httpx.HTTPError, AssertionError, OSError):
        return  # refused, lost or cut off; what came of it is looked at afterwards


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An engine, a cloud and a plugin of the test's own. At the end nothing of all is left on the host."""
    seed = int(os.environ.get("BOXSHIP_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"BOXSHIP_CHAOS_SEED={seed}")  # noqa: T201 (to be able to do the same again)
    installation.check_host()
    directory = tmp_path_factory.mktemp("storm")
    engine = make()
    cloud = installation.prepare(directory / "state", engine.socket)
    try:
        cloud.start()
        cloud.answers()
        cloud.session(USER).network("storm", "10.76.0.0/24")
        plugin = fuxi.plugin(fuxi.clouds(cloud, USER, directory), directory / "plugin", "--docker", str(engine.socket))
        plugin.start()
        mark = cloud.mark
        yield Scene(cloud, plugin, Docker(engine, plugin.name), random.Random(seed))  # noqa: S311 (no secret)
        plugin.stop()
        cloud.destroy()
        audit.assert_nothing_left(cloud, mark)
    finally:
        _end(cloud, engine)


def _end(cloud: Installation, engine: Engine) -> None:
    cloud.destroy()
    engine.remove()


def test_storage_survives_whoever_is_killed(scene: Scene) -> None:
    for number in range(ROUNDS):
        _container_round(scene)
        _docker_round(scene)
        until(lambda: all_volumes(scene.session) == [], "all volumes are gone", 30)
        audit.assert_sound(scene.cloud)
        print(f"round {number + 1} of {ROUNDS}: sound")  # noqa: T201


def _container_round(scene: Scene) -> None:
    """Create, mount, snapshot, extend, unmount and delete in the cloud."""
    session = scene.session
    name = f"v-{secrets.token_hex(3)}"
    scene.during(lambda: session.ask("POST", path(session), {"volume": {"size": 1, "name": name}}))
    volume = _made(session, name)
    mounts = [{"source": volume, "destination": "/data"}]
    scene.during(lambda: session.create(name, IDLE, mounts=mounts, restart_policy={"Name": "always"}))
    container = _container(session, name, mounts)
    written = _written(session, container)

    scene.during(lambda: session.ask("POST", _snapshots(session), _snapshot(volume, name)))
    snapshot = _snapped(session, volume, name)
    newer = {"OpenStack-API-Version": "volume 3.42"}
    grow = {"os-extend": {"new_size": 2}}
    scene.during(lambda: session.ask("POST", path(session, f"/{volume}/action"), grow, headers=newer))
    _settled(session, path(session, f"/{volume}"), "volume", {"in-use"})
    assert _sum(session, container) == written

    one = f"/container/v1/containers/{container}"
    scene.during(lambda: session.ask("DELETE", f"{one}?stop=true&timeout=0"))
    _deleted(session, one, "?stop=true&timeout=0")
    _settled(session, path(session, f"/{volume}"), "volume", {"available"})
    _read_again(session, volume, snapshot, written)

    for thing in (f"{_snapshots(session)}/{snapshot}", path(session, f"/{volume}")):
        scene.during(partial(session.ask, "DELETE", thing))
        _deleted(session, thing)


def _docker_round(scene: Scene) -> None:
    """The same volume life with Docker: create, mount, unmount and remove."""
    docker, name = scene.docker, f"d-{secrets.token_hex(3)}"
    options = {"size": "1"}
    scene.during(lambda: _docker(lambda: docker.create(name, **options)))
    if name not in docker.names():
        docker.create(name, **options)
    fills = "head -c 3000000 /dev/urandom > /data/file; sync; sha256sum < /data/file"
    written = docker.run(name, fills)
    scene.during(lambda: _docker(lambda: docker.run(name, "true")))
    assert docker.run(name, "sha256sum < /data/file") == written
    docker.start(f"{name}-user", f"{name}:/data")
    scene.during(lambda: _docker(lambda: docker.stop(f"{name}-user")))
    _docker(lambda: docker.stop(f"{name}-user"))
    assert docker.run(name, "sha256sum < /data/file") == written
    scene.during(lambda: _docker(lambda: docker.remove(name)))
    leftover = docker.engine.docker("ps", "--all", "--quiet", "--filter", f"label={docker.label}").split()
    if leftover:
        docker.stop(*leftover)
    if name in docker.names():
        docker.remove(name)
    until(scene.plugin.nothing_left, f"the plugin has let go; see {scene.plugin.log}", 40)


def _docker(step: Callable[[], object]) -> None:
    """A command that may fail, as somebody is killed meanwhile or it was done before."""
    try:
        step()
    except subprocess.CalledProcessError:
        return


def _made(session: Session, name: str) -> str:
    """The volume of this name, ordered again if the first order was lost; its id."""
    found = [one["id"] for one in all_volumes(session) if one["name"] == name]
    if not found:
        made = session.ask("POST", path(session), {"volume": {"size": 1, "name": name}})
        found = [made["volume"]["id"]]
    _settled(session, path(session, f"/{found[0]}"), "volume", {"available"})
    return str(found[0])


def _container(session: Session, name: str, mounts: list[dict[str, Any]]) -> str:
    """The container of this name, running; it stops with an engine that is killed, and is started then."""
    listed = session.ask("GET", f"/container/v1/containers?name={name}")["containers"]
    found = listed or [session.create(name, IDLE, mounts=mounts, restart_policy={"Name": "always"})]
    return str(session.running(found[0]["uuid"])["uuid"])


def _written(session: Session, container: str) -> str:
    return fill(session, session.running(container)["uuid"], "/data")


def _sum(session: Session, container: str) -> str:
    return checksum(session, session.running(container)["uuid"], "/data")


def _snapshots(session: Session) -> str:
    return f"/volume/v3/{session.project_id}/snapshots"


def _snapshot(volume: str, name: str) -> dict[str, Any]:
    return {"snapshot": {"volume_id": volume, "name": name, "force": True}}


def _snapped(session: Session, volume: str, name: str) -> str:
    """The snapshot of this name, ordered again if the first order was lost; its id."""
    listed = session.ask("GET", f"{_snapshots(session)}/detail")["snapshots"]
    found = [one["id"] for one in listed if one["name"] == name]
    if not found:
        found = [session.ask("POST", _snapshots(session), _snapshot(volume, name))["snapshot"]["id"]]
    _settled(session, f"{_snapshots(session)}/{found[0]}", "snapshot", {"available"})
    return str(found[0])


def _read_again(session: Session, volume: str, snapshot: str, written: str) -> None:
    """The volume and one made from the snapshot hold what was acknowledged."""
    wish = {"volume": {"size": 1, "name": "copy", "snapshot_id": snapshot}}
    copy = session.ask("POST", path(session), wish)["volume"]["id"]
    mounts = [{"source": volume, "destination": "/data"}, {"source": copy, "destination": "/copy"}]
    reader = session.run("reader", IDLE, mounts=mounts)["uuid"]
    assert [checksum(session, reader, place) for place in ("/data", "/copy")] == [written, written]
    session.delete(reader)
    _settled(session, path(session, f"/{copy}"), "volume", {"available"})
    _deleted(session, path(session, f"/{copy}"))


def _settled(session: Session, at: str, within: str, statuses: set[str]) -> None:
    until(lambda: session.ask("GET", at)[within]["status"] in statuses, f"{at} is {statuses}", 30)


def _deleted(session: Session, at: str, query: str = "") -> None:
    """Ordered again if the first order was lost; gone."""
    if not session.is_gone(at):
        _tried(lambda: session.ask("DELETE", f"{at}{query}"))
    until(lambda: session.is_gone(at), f"{at} is gone", 30)
