"""The program and the engine are killed at random moments while containers come and go: nothing that was acknowledged is
lost, nothing is stuck, and the host holds what the database says, no more and no less.

A short round is part of every test run; ``make chaos`` goes on for long. The seed is printed, and BOXSHIP_CHAOS_SEED sets it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.system import audit
from tests.system.api import Session, address
from tests.system.chaos import IDLE, Crowd, User
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(1200)]

LONG = os.environ.get("BOXSHIP_CHAOS") == "long"
CONTAINERS, KILLS, USERS = (60, 20, 6) if LONG else (12, 2, 3)
CONVERGENCE = 10.0
"""Seconds from the moment in which all parts answer again."""


@dataclass(slots=True)
class Scene:
    """A cloud with a crowd in it."""

    cloud: Installation
    crowd: Crowd
    chance: random.Random

    def settle(self, what: str) -> float:
        """Wait until all is as acknowledged, and compare host and database; how long the first took."""
        started = time.monotonic()
        last: list[str] = []

        def settled() -> bool:
            last[:] = self.crowd.differences()
            return not last

        try:
            until(settled, what, CONVERGENCE, pause=0.1)
        except AssertionError as error:
            raise AssertionError(f"{what}: not converged:\n" + "\n".join(last) + "\n" + self.cloud.tail(200)) from error
        taken = time.monotonic() - started
        print(f"{what}: converged after {taken:.1f} s; {self.crowd.acknowledged} orders acknowledged so far")  # noqa: T201
        audit.assert_sound(self.cloud)
        return taken


@pytest.fixture
def scene(own_cloud: Installation) -> Scene:
    seed = int(os.environ.get("BOXSHIP_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"BOXSHIP_CHAOS_SEED={seed}")  # noqa: T201 (to be able to do the same again)
    own_cloud.start()
    own_cloud.answers()
    first = own_cloud.session("demo")
    networks = [first.network(f"chaos-{number}", "10.0.0.0/24")["id"] for number in range(3)]
    crowd = Crowd([_user(own_cloud, number, seed, networks) for number in range(USERS)])
    return Scene(own_cloud, crowd, random.Random(seed))  # noqa: S311 (no secret)


def _user(cloud: Installation, number: int, seed: int, networks: list[str]) -> User:
    session = Session.again(cloud.session("demo"))
    cloud.sessions[f"user{number}"] = session
    return User(session, number, random.Random(seed + number), networks, CONTAINERS // USERS)  # noqa: S311


def _report(times: list[float], what: str) -> None:
    worst, middle = max(times), sorted(times)[len(times) // 2]
    kills = f"{what}: {len(times)} kills among {CONTAINERS} containers"
    print(f"{kills}, converged after {middle:.1f} s (median), {worst:.1f} s (worst)")  # noqa: T201 (a measurement)


def test_chaos_of_the_program(scene: Scene) -> None:
    times = []
    for kill in range(KILLS):
        scene.crowd.work(scene.chance.uniform(0.3, 4), scene.cloud.kill)
        scene.cloud.start()
        if scene.chance.random() < 0.3:  # and once more before it has come up, or shortly after
            time.sleep(scene.chance.uniform(0, 1.5))
            scene.cloud.kill()
            scene.cloud.start()
        scene.cloud.answers()
        times.append(scene.settle(f"kill {kill + 1} of the program"))
    _report(times, "program")
    _clear(scene)


def test_chaos_of_the_engine(scene: Scene, engine: Engine) -> None:
    times = []
    for kill in range(max(KILLS // 2, 1)):
        scene.crowd.work(scene.chance.uniform(0.3, 4), _killed_and_away(engine, scene.chance))
        times.append(scene.settle(f"kill {kill + 1} of the engine"))
    _report(times, "engine")
    _clear(scene)


def _killed_and_away(engine: Engine, chance: random.Random) -> Callable[[], None]:
    """Kill the engine, leave it dead for a while, start it again."""

    def disturb() -> None:
        engine.kill()
        time.sleep(chance.uniform(0, 2))
        engine.start()
        engine.mend()

    return disturb


def _clear(scene: Scene) -> None:
    """Delete all; nothing of it is left."""
    for user in scene.crowd.users:
        for entry in list(user.entries.values()):
            if entry.id is not None:
                user.session.ask("DELETE", f"/container/v1/containers/{entry.id}?stop=true&timeout=0")
                entry.expected = {"gone"}
    scene.settle("deletion of everything")
    sight = audit.look(scene.cloud.state_dir, scene.cloud.mark, scene.cloud.engine_socket)
    assert not sight.containers and not sight.loops
    assert not [name for name in sight.namespaces if "-sandbox-" in name]


def test_chaos_behind_our_back(own_cloud: Installation) -> None:
    """Containers removed with ``docker rm -f``: an Error that says so, or made again where that was asked for."""
    own_cloud.start()
    own_cloud.answers()
    session = own_cloud.session("demo")
    network = session.network("back", "10.0.0.0/24")
    nets = [{"network": network["id"]}]
    orders = [
        session.create("plain", IDLE, nets=nets, mounts=[{"size": "1", "destination": "/data"}]),
        session.create("healing", IDLE, nets=nets, auto_heal=True),
        session.create("stopped", IDLE, nets=nets, run=False),
    ]
    plain, healing = (session.running(order["uuid"]) for order in orders[:2])
    stopped = session.becomes(orders[2]["uuid"], "Created")
    for container in (plain, healing, stopped):
        name = f"boxship-{own_cloud.mark}-{container['uuid']}"
        audit.engine(own_cloud.engine_socket, "DELETE", f"/containers/{name}?force=1")
    for container in (plain, stopped):
        shown = session.becomes(container["uuid"], "Error")
        assert "removed" in shown["status_reason"], shown["status_reason"]
    until(lambda: _has(own_cloud, healing["uuid"]), "the healing one is made again")
    again = session.running(healing["uuid"])
    assert address(again) == address(healing)
    assert session.execute(healing["uuid"], "ip -4 address show eth0")[1].count(address(healing)) == 1
    session.delete(*(order["uuid"] for order in orders))
    audit.assert_sound(own_cloud)


def _has(cloud: Installation, container: str) -> bool:
    sight = audit.look(cloud.state_dir, cloud.mark, cloud.engine_socket)
    return any(container in name for name in sight.containers)
