"""Programs, machines, cables and PostgreSQL fail at random moments while containers come and go on two hosts: nothing that was
acknowledged is lost, nothing is stuck, and the hosts hold what the database says, no more and no less.

``make chaos`` runs this. The seed is printed, and BOXSHIP_CHAOS_SEED sets it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.system.chaos import Crowd, User
from tests.system.hosts import site
from tests.system.hosts.site import Host, Site
from tests.system.hosts.soundness import assert_sound
from tests.system.hosts.tenant import NETWORKS
from tests.system.marks import HOSTS, LONG
from tests.system.waiting import until

pytestmark = [*HOSTS, LONG, pytest.mark.timeout(1800)]

LEASE = 4
SLOW = 15.0
USERS, SHARE, ROUNDS = 4, 4, int(os.environ.get("BOXSHIP_CHAOS_ROUNDS", "20"))


@dataclass(slots=True)
class Scene:
    """Two hosts with a crowd that orders at both."""

    site: Site
    crowd: Crowd
    chance: random.Random

    def disasters(self) -> list[Callable[[], None]]:
        """What may happen, to one host or to the database."""
        host = self.chance.choice(self.site.hosts)
        return [
            lambda: self._killed(host),
            host.stop,
            lambda: self._engine_killed(host),
            lambda: self.site.power_off(host),
            lambda: self._cut(host),
            lambda: self._without_database(crash=True),
            lambda: self._without_database(crash=False),
        ]

    def _killed(self, host: Host) -> None:
        host.kill()
        self._pass(1.5 * LEASE)

    def _engine_killed(self, host: Host) -> None:
        host.kill()
        host.kill_engine()
        self._pass(LEASE)

    def _cut(self, host: Host) -> None:
        self.site.cut(host)
        self._pass(2 * LEASE)

    def _without_database(self, *, crash: bool) -> None:
        with self.site.database.away(crash=crash):
            self._pass(2)

    def _pass(self, most: float) -> None:
        """Let things get worse for a while."""
        time.sleep(self.chance.uniform(0, most))

    def settle(self, what: str) -> None:
        """Repair the hosts, wait until all is as acknowledged, and compare hosts and database."""
        self.site.restore_all()
        last: list[str] = []
        seen: dict[str, float] = {}
        began = time.monotonic()

        def settled() -> bool:
            last[:] = self.crowd.differences()
            seen.update({line: time.monotonic() - began for line in last})
            return not last

        try:
            until(settled, what, 20, pause=0.2)
        except AssertionError as error:
            raise AssertionError(f"{what}: not converged:\n" + "\n".join(last) + "\n" + self.site.told()) from error
        assert_sound(self.site)
        taken = time.monotonic() - began
        slow = [f"{until:.0f} s: {line}" for line, until in seen.items() if until > SLOW]
        print(f"{what}: sound after {taken:.1f} s; {self.crowd.acknowledged} orders so far", *slow, sep="\n  ")  # noqa: T201


@pytest.fixture
def scene() -> Iterator[Scene]:
    seed = int(os.environ.get("BOXSHIP_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"BOXSHIP_CHAOS_SEED={seed}")  # noqa: T201 (to be able to do the same again)
    with site.opened(BOXSHIP_HOST_LEASE=str(LEASE)) as made:
        yield Scene(made, Crowd(_users(made, seed)), random.Random(seed))  # noqa: S311 (no secret)


def _users(made: Site, seed: int) -> list[User]:
    """Each orders at one of the hosts; they share networks that a router joins."""
    first = made.hosts[0].session("demo")
    networks = [first.network(f"chaos-{number}", f"10.0.{number}.0/24") for number in range(3)]
    first.router("chaos", *(network["subnet_id"] for network in networks))
    ids = [network["id"] for network in networks]
    users = []
    for number in range(USERS):
        host = made.hosts[number % len(made.hosts)]
        session = first.elsewhere(host.url)
        host.sessions[f"chaos-{number}"] = session
        users.append(User(session, number, random.Random(seed + number), ids, SHARE))  # noqa: S311 (no secret)
    return users


def test_chaos_of_two_hosts(scene: Scene) -> None:
    for number in range(ROUNDS):
        disasters = [scene.chance.choice(scene.disasters()) for _ in range(scene.chance.choice((1, 1, 2)))]

        def disturb(disasters: list[Callable[[], None]] = disasters) -> None:
            for disaster in disasters:
                disaster()

        scene.crowd.work(scene.chance.uniform(0.3, 4), disturb)
        scene.settle(f"round {number + 1}")
    _clear(scene)


def _clear(scene: Scene) -> None:
    """Delete all; nothing of it is left."""
    for user in scene.crowd.users:
        for entry in list(user.entries.values()):
            if entry.id is not None:
                user.session.ask("DELETE", f"/container/v1/containers/{entry.id}?stop=true&timeout=0")
                entry.expected = {"gone"}
    scene.settle("deletion of everything")
    session = scene.crowd.users[0].session
    (router,) = session.ask("GET", f"{NETWORKS}/routers")["routers"]
    for leg in session.ask("GET", f"{NETWORKS}/ports?device_id={router['id']}")["ports"]:
        if leg["device_owner"] == "network:router_interface":
            session.ask("PUT", f"{NETWORKS}/routers/{router['id']}/remove_router_interface", {"port_id": leg["id"]})
    session.ask("DELETE", f"{NETWORKS}/routers/{router['id']}")
    for network in session.ask("GET", f"{NETWORKS}/networks?project_id={session.project_id}")["networks"]:
        session.ask("DELETE", f"{NETWORKS}/networks/{network['id']}")
    until(lambda: not any(host.look()["containers"] for host in scene.site.hosts), "engines are empty")
    assert_sound(scene.site)
