"""Capsules in every state that can be reached, on days on which the world is broken: deletion ends within ten seconds of the
world being back, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.system import audit
from tests.system.api import Session
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.test_bad_states import DEAF, IDLE, SECONDS, engine, silence
from tests.system.test_capsules import CAPSULES, becomes, create, part
from tests.system.waiting import until

__all__ = ["engine"]
pytestmark = [pytest.mark.system, pytest.mark.xdist_group("bad states"), pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Stage:
    """A capsule per state, in one cloud."""

    cloud: Installation
    session: Session
    engine: Engine
    ids: list[str]

    def delete(self) -> None:
        """Ask for all of them."""
        for id in self.ids:
            self.session.ask("DELETE", f"{CAPSULES}/{id}")

    def all_go(self) -> None:
        """Within ten seconds, and the host is clean."""
        until(lambda: all(self.session.is_gone(f"{CAPSULES}/{id}") for id in self.ids), "all are gone", SECONDS)
        self.engine.mend()
        audit.assert_sound(self.cloud)
        owned = f"/volume/v3/{self.session.project_id}/volumes"
        until(lambda: self.session.ask("GET", owned)["volumes"] == [], "their volumes went with them")


def stage(cloud: Installation, engine: Engine, registry: int) -> Stage:
    """``registry`` is the port of one that accepts connections and never says a word."""
    session = cloud.session("podder")
    session.network("pods", "10.76.0.0/24")
    slow = part(IDLE) | {"image": f"127.0.0.1:{registry}/slow:latest"}
    volumes = [{"name": "work", "cinder": {"size": 1, "autoRemove": True}}]
    mounted = [{"name": "work", "mountPath": "/work"}]
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("Running", create(session, "running", part(DEAF, volumeMounts=mounted), part(IDLE), volumes=volumes)),
        ("Pending", create(session, "waiting", part(IDLE), initContainers=[part(DEAF)])),
        ("Pending", create(session, "pulling", part(IDLE), slow)),
        ("Failed", create(session, "failed", part("exit 1"), restartPolicy="Never")),
        ("Running", create(session, "restarting", part("sleep 0.1; exit 1"), restartPolicy="OnFailure")),
    ]
    for status, made in wishes:
        becomes(session, made["uuid"], status)
    return Stage(cloud, session, engine, [made["uuid"] for _, made in wishes])


def nothing(stage: Stage) -> None:
    stage.delete()


def the_program_dies_with_the_orders(stage: Stage) -> None:
    stage.delete()
    stage.cloud.kill()
    stage.cloud.start()
    stage.cloud.answers()


def the_engine_dies(stage: Stage) -> None:
    stage.engine.kill()
    stage.delete()
    stage.engine.start()


def the_containers_are_removed(stage: Stage) -> None:
    names = stage.engine.docker("ps", "--all", "--format", "{{.Names}}").split()
    mine = [name for name in names if name.startswith(f"boxship-{stage.cloud.mark}-")]
    stage.engine.docker("rm", "--force", *mine)
    stage.delete()


DAYS: list[Callable[[Stage], None]] = [
    nothing,
    the_program_dies_with_the_orders,
    the_engine_dies,
    the_containers_are_removed,
]


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.__name__.replace("_", " "))
def test_deletion_ends(own_cloud: Installation, engine: Engine, day: Callable[[Stage], None]) -> None:
    own_cloud.start()
    own_cloud.answers()
    with silence() as registry:
        set_up = stage(own_cloud, engine, registry)
        day(set_up)
        set_up.all_go()
