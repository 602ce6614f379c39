"""Containers in every state that can be reached, on days on which the world is broken: whatever was, deletion ends within ten
seconds of the world being back, and nothing is left."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.system import audit
from tests.system.api import Failed, Session
from tests.system.engine import Engine, make
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("bad states"), pytest.mark.timeout(900)]

IDLE = "trap exit TERM; while true; do sleep 1; done"
DEAF = "trap '' TERM; while true; do sleep 1; done"
SECONDS = 10.0
"""From the moment in which all parts answer again."""
ONE = "/container/v1/containers"


@dataclass(frozen=True, slots=True)
class Case:
    """A state, as what is asked for and then done; ``status`` and ``task``: how it shows."""

    status: str
    command: list[str] | str = IDLE
    run: bool = True
    first: str = "Running"
    action: str = ""
    task: str | None = None
    image: str = "busybox"
    restart: str = "no"
    volume: bool = False


def cases(registry: int) -> dict[str, Case]:
    """``registry`` is the port of one that accepts connections and never says a word."""
    return {
        "created": Case("Created", run=False, first="Created"),
        "running": Case("Running", volume=True),
        "paused": Case("Paused", action="/pause"),
        "stopped": Case("Stopped", action="/stop?timeout=0", volume=True),
        "rebuilding": Case("Rebuilding", DEAF, action="/rebuild", task="container_rebuilding"),
        "ended": Case("Stopped", ["true"], first="Stopped"),
        "restarting": Case("Restarting", "sleep 0.1; exit 1", first="Restarting", restart="always"),
        "error": Case("Error", ["/no/such/command"], first="Error"),
        "pulling": Case("Creating", first="", image=f"127.0.0.1:{registry}/slow:latest", task="image_pulling"),
        "stopping": Case("Running", DEAF, action="/stop?timeout=600", task="container_stopping"),
        "rebooting": Case("Restarting", DEAF, action="/reboot?timeout=600", task="container_rebooting"),
        "deleting": Case("Deleting", DEAF, action="DELETE", task="container_deleting"),
    }


class Stage:
    """A container per state, in one cloud."""

    def __init__(self, cloud: Installation, registry: int, turn: int) -> None:
        self.cloud = cloud
        self.turn = turn
        self.session, self.admin = cloud.session("demo"), cloud.session("admin")
        self.network = self.session.network("stage", "10.0.0.0/24")["id"]
        self.cases = cases(registry)
        self.ids: dict[str, str] = {}

    def set(self) -> None:
        """Bring every container into its state."""
        for name, case in self.cases.items():
            wish: dict[str, Any] = {"nets": [{"network": self.network}], "image": case.image, "cpu": 0.1}
            if case.volume:
                wish["mounts"] = [{"size": 1, "destination": "/data"}]
            if case.restart != "no":
                wish["restart_policy"] = {"Name": case.restart}
            self.ids[name] = self.session.create(name, case.command, run=case.run, **wish)["uuid"]
        for name, case in self.cases.items():
            if case.first:
                self._shows(name, case.first, None if case.first != "Restarting" else ...)
        for name, case in self.cases.items():
            if case.action == "DELETE":
                self.session.ask("DELETE", f"{ONE}/{self.ids[name]}?stop=true&timeout=600")
            elif case.action:
                self.session.ask("POST", f"{ONE}/{self.ids[name]}{case.action}")
        for name, case in self.cases.items():
            self._shows(name, case.status, ... if case.restart != "no" else case.task)

    def _shows(self, name: str, status: str, task: Any) -> None:
        def shown() -> bool:
            seen = self.session.show(self.ids[name])
            return seen["status"] == status and task in {..., seen["task_state"]}

        until(shown, f"{name} shows {status}", 20)

    def delete(self) -> None:
        """Ask for every container in the way that its state allows: each second one as its owner, the others by force."""
        for at, id in enumerate(self.ids.values(), self.turn):
            if not (at % 2 and self._taken(self.session, f"{ONE}/{id}?stop=true&timeout=0")):
                assert self._taken(self.admin, f"{ONE}/{id}?force=true&all_projects=true")

    def _taken(self, session: Session, path: str) -> bool:
        """Whether a deletion was taken, or there is nothing left to delete; False where the state forbids it."""
        try:
            session.ask("DELETE", path)
        except Failed as error:
            if error.status not in {404, 409}:
                raise
            return error.status == 404
        return True

    def all_go(self, engine: Engine) -> None:
        """Within ten seconds, and the host is clean."""
        until(lambda: all(self.session.is_gone(f"{ONE}/{id}") for id in self.ids.values()), "all are gone", SECONDS)
        engine.mend()
        until(
            lambda: self.session.ask("GET", "/network/v2.0/ports?device_owner=compute:kuryr")["ports"] == [],
            "ports too",
        )
        volumes = f"/volume/v3/{self.session.project_id}/volumes"
        until(lambda: self.session.ask("GET", volumes)["volumes"] == [], "and volumes")
        audit.assert_sound(self.cloud)


def nothing(stage: Stage, engine: Engine) -> None:
    stage.delete()


def the_program_dies(stage: Stage, engine: Engine) -> None:
    stage.cloud.kill()
    stage.cloud.start()
    stage.cloud.answers()
    stage.delete()


def the_program_dies_with_the_orders(stage: Stage, engine: Engine) -> None:
    stage.delete()
    stage.cloud.kill()
    stage.cloud.start()
    stage.cloud.answers()


def the_engine_dies(stage: Stage, engine: Engine) -> None:
    engine.kill()
    stage.delete()
    engine.start()


def the_containers_are_removed(stage: Stage, engine: Engine) -> None:
    names = engine.docker("ps", "--all", "--format", "{{.Names}}").split()
    mine = [name for name in names if name.startswith(f"boxship-{stage.cloud.mark}-")]
    engine.docker("rm", "--force", *mine)
    stage.delete()


def the_image_is_removed(stage: Stage, engine: Engine) -> None:
    engine.docker("rmi", "--force", "busybox:latest")
    stage.delete()


DAYS: list[Callable[[Stage, Engine], None]] = [
    nothing,
    the_program_dies,
    the_program_dies_with_the_orders,
    the_engine_dies,
    the_containers_are_removed,
    the_image_is_removed,
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One that these tests may kill."""
    made = make()
    yield made
    made.remove()


@contextmanager
def silence() -> Iterator[int]:
    """A port where a registry seems to be, that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


TURNS = (0, 1) if os.environ.get("BOXSHIP_CHAOS") == "long" else (0,)
"""Which containers are deleted by force and which by their owner; a long round does it both ways."""


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.__name__.replace("_", " "))
def test_deletion_ends(
    own_cloud: Installation, engine: Engine, day: Callable[[Stage, Engine], None], turn: int
) -> None:
    own_cloud.start()
    own_cloud.answers()
    if "busybox:latest" not in engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}"):
        engine.load("busybox:latest")
    with silence() as registry:
        stage = Stage(own_cloud, registry, turn + DAYS.index(day))
        stage.set()
        day(stage, engine)
        stage.all_go(engine)
