"""The whole life of a container as a table: row and sight in, step out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from boxship.drivers.engine.interface import ContainerSight, EngineState
from boxship.services.container import model, plan, states

BOOT = "this-boot"
Step, Wish, Status = plan.Step, states.Wish, states.Status


def row(**values: Any) -> model.Container:
    """A container that is to run, just asked for."""
    defaults: dict[str, Any] = {
        "id": "c1",
        "project_id": "p",
        "user_id": "u",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "name": "web",
        "image": "busybox:latest",
        "image_driver": "docker",
        "image_id": None,
        "image_pull_policy": None,
        "command": None,
        "entrypoint": None,
        "environment": {},
        "labels": {},
        "workdir": None,
        "hostname": None,
        "cpu": 1.0,
        "memory": 512,
        "disk": 10,
        "restart_policy": None,
        "healthcheck": None,
        "interactive": False,
        "tty": False,
        "privileged": False,
        "auto_remove": False,
        "auto_heal": False,
        "availability_zone": None,
        "plugs": [model.Plug("port", "net")],
        "wish": Wish.RUNNING,
        "task": states.TaskState.CREATING,
        "starts": 1,
    }
    return model.Container(**(defaults | values))


def settled(status: states.Status, **values: Any) -> model.Container:
    """A container whose wish was met."""
    return row(
        **{"status": status, "observed": 1, "started": 1, "engine_id": "e1", "boot_id": BOOT} | values,
    )


def rebuilding(**values: Any) -> model.Container:
    """One that ran and is to be made anew."""
    return settled(Status.RUNNING, **{"rebuilds": 1, "generation": 2} | values)


def attaching() -> model.Container:
    """One that runs and is being connected to another network."""
    return settled(Status.RUNNING, task=states.TaskState.NETWORK_ATTACHING, generation=2)


def seen(state: EngineState | None, build: int = 0, **values: Any) -> plan.Seen:
    sight = ContainerSight("c1", "e1", state, None, "", None, None, None, 0, build) if state else None
    defaults: dict[str, Any] = {"image": True, "volumes": True, "wired": True, "boot_id": BOOT}
    return plan.Seen(container=sight, **(defaults | values))


NONE, CREATED, RUNNING, EXITED = None, EngineState.CREATED, EngineState.RUNNING, EngineState.EXITED
RESTARTING, PAUSED, DEAD = EngineState.RESTARTING, EngineState.PAUSED, EngineState.DEAD

TABLE = [
    ("a new one waits for its volumes", row(), seen(NONE, volumes=False), Step.WAIT),
    ("then for its image", row(), seen(NONE, image=False), Step.PULL),
    ("then it is made, wired or not", row(), seen(NONE, wired=False), Step.CREATE),
    ("it never starts before its ports are wired", row(), seen(CREATED, wired=False), Step.WAIT),
    ("nor before its volumes are there", row(), seen(CREATED, volumes=False), Step.WAIT),
    ("then it starts", row(), seen(CREATED), Step.START),
    ("then it is settled", row(), seen(RUNNING), Step.NOTHING),
    ("one that is only to be made is settled when made", row(wish=Wish.CREATED, starts=0), seen(CREATED), Step.NOTHING),
    ("a port that cannot be wired fails it", row(), seen(NONE, trouble="no"), Step.FAIL),
    ("also when it is made already", row(), seen(CREATED, trouble="no"), Step.FAIL),
    ("an error stays until something new is asked", settled(Status.ERROR), seen(CREATED), Step.NOTHING),
    ("a start after an error tries again", settled(Status.ERROR, starts=2, generation=2), seen(CREATED), Step.START),
    ("also from the beginning", settled(Status.ERROR, engine_id=None, starts=2, generation=2), seen(NONE), Step.CREATE),
    ("one that ended by itself stays stopped", settled(Status.RUNNING), seen(EXITED), Step.NOTHING),
    ("unless it is to be removed then", settled(Status.RUNNING, auto_remove=True), seen(EXITED), Step.DISMISS),
    (
        "one cut off by a reboot of the host starts again",
        settled(Status.RUNNING, boot_id="old"),
        seen(EXITED),
        Step.START,
    ),
    ("when it is wired again", settled(Status.RUNNING, boot_id="old"), seen(EXITED, wired=False), Step.WAIT),
    (
        "one that had ended before the reboot does not",
        settled(Status.STOPPED, boot_id="old"),
        seen(EXITED),
        Step.NOTHING,
    ),
    ("a stop stops", settled(Status.RUNNING, wish=Wish.STOPPED, generation=2), seen(RUNNING), Step.STOP),
    ("also a paused one", settled(Status.PAUSED, wish=Wish.STOPPED, generation=2), seen(PAUSED), Step.STOP),
    ("also one that the engine restarts", settled(Status.RUNNING, wish=Wish.STOPPED), seen(RESTARTING), Step.STOP),
    ("a stopped one is settled", settled(Status.RUNNING, wish=Wish.STOPPED, generation=2), seen(EXITED), Step.NOTHING),
    ("a start of a stopped one starts it", settled(Status.STOPPED, starts=2, generation=2), seen(EXITED), Step.START),
    ("a reboot stops first", settled(Status.RUNNING, reboots=1, generation=2), seen(RUNNING), Step.STOP),
    ("and then starts", settled(Status.RUNNING, reboots=1, generation=2), seen(EXITED), Step.START),
    (
        "a reboot of one that never ran starts it",
        settled(Status.CREATED, reboots=1, generation=2),
        seen(CREATED),
        Step.START,
    ),
    ("removed behind our back is an error", settled(Status.RUNNING), seen(NONE), Step.VANISHED),
    ("or is healed", settled(Status.RUNNING, auto_heal=True), seen(NONE), Step.CREATE),
    ("a healed one is started", settled(Status.RUNNING, auto_heal=True), seen(CREATED), Step.START),
    ("or goes, if it was to go anyway", settled(Status.RUNNING, auto_remove=True), seen(NONE), Step.DISMISS),
    (
        "removed behind our back and started: made again",
        settled(Status.ERROR, starts=2, generation=2),
        seen(NONE),
        Step.CREATE,
    ),
    ("deletion removes", settled(Status.STOPPED, wish=Wish.GONE, generation=2), seen(EXITED), Step.REMOVE),
    ("also a running one", settled(Status.RUNNING, wish=Wish.GONE, generation=2), seen(RUNNING), Step.REMOVE),
    ("also a dead one", settled(Status.DEAD, wish=Wish.GONE, generation=2), seen(DEAD), Step.REMOVE),
    (
        "with a stop before, if asked",
        settled(Status.RUNNING, wish=Wish.GONE, stop_first=True),
        seen(RUNNING),
        Step.STOP,
    ),
    ("then lets go of ports", settled(Status.RUNNING, wish=Wish.GONE), seen(NONE), Step.RELEASE),
    (
        "waits until they are unplugged",
        settled(Status.RUNNING, wish=Wish.GONE, plugs=[]),
        seen(NONE, plugged=True),
        Step.WAIT,
    ),
    ("and is forgotten", settled(Status.RUNNING, wish=Wish.GONE, plugs=[]), seen(NONE), Step.CLEAN),
    ("deletion works from an error", settled(Status.ERROR, wish=Wish.GONE, plugs=[]), seen(NONE), Step.CLEAN),
    ("and before anything was made", row(wish=Wish.GONE), seen(NONE), Step.RELEASE),
    ("and with ports that cannot be wired", row(wish=Wish.GONE), seen(CREATED, trouble="no"), Step.REMOVE),
    (
        "a group that was made for it goes with it",
        row(wish=Wish.GONE, plugs=[], group_id="g"),
        seen(NONE),
        Step.RELEASE,
    ),
    ("a pause pauses", settled(Status.RUNNING, wish=Wish.PAUSED, generation=2), seen(RUNNING), Step.PAUSE),
    ("a paused one is settled", settled(Status.RUNNING, wish=Wish.PAUSED, generation=2), seen(PAUSED), Step.NOTHING),
    ("one that ended while paused stays so", settled(Status.PAUSED, wish=Wish.PAUSED), seen(EXITED), Step.NOTHING),
    (
        "a paused one that a reboot of the host cut off is started first",
        settled(Status.PAUSED, wish=Wish.PAUSED, boot_id="old"),
        seen(EXITED),
        Step.START,
    ),
    ("an unpause unpauses", settled(Status.PAUSED, generation=2), seen(PAUSED), Step.UNPAUSE),
    ("one that was paused at the engine stays paused", settled(Status.RUNNING), seen(PAUSED), Step.NOTHING),
    ("a kill kills", settled(Status.RUNNING, kills=1, generation=2), seen(RUNNING), Step.KILL),
    ("once", settled(Status.RUNNING, kills=1, killed=1, generation=2), seen(RUNNING), Step.NOTHING),
    ("but not what has ended", settled(Status.RUNNING, kills=1, generation=2), seen(EXITED), Step.NOTHING),
    ("new limits are given to it", settled(Status.STOPPED, resizes=1, generation=2), seen(EXITED), Step.RESIZE),
    ("once as well", settled(Status.RUNNING, resizes=1, resized=1, generation=2), seen(RUNNING), Step.NOTHING),
    ("a rebuild fetches the image first", rebuilding(), seen(RUNNING, image=False), Step.PULL),
    ("then stops it", rebuilding(), seen(RUNNING), Step.STOP),
    ("then takes it out of the engine", rebuilding(), seen(EXITED), Step.DISCARD),
    ("then makes it anew", rebuilding(), seen(NONE), Step.CREATE),
    ("then starts it", rebuilding(starts=2), seen(CREATED, build=1), Step.START),
    ("or leaves it, where it did not run", rebuilding(wish=Wish.CREATED), seen(CREATED, build=1), Step.NOTHING),
    ("a network is attached when it is wired", attaching(), seen(RUNNING, wired=False), Step.WAIT),
    (
        "and the container goes on where it cannot be",
        attaching(),
        seen(RUNNING, wired=False, trouble="no"),
        Step.NOTHING,
    ),
    (
        "a cable that is down does not stop a running one",
        settled(Status.RUNNING),
        seen(RUNNING, wired=False),
        Step.NOTHING,
    ),
    ("in a capsule it waits for its turn", row(), seen(NONE, turn=False), Step.WAIT),
    ("also when it is made already", row(), seen(CREATED, turn=False), Step.WAIT),
]


@pytest.mark.parametrize(
    ("container", "sight", "expected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE]
)
def test_next_step(container: model.Container, sight: plan.Seen, expected: plan.Step) -> None:
    assert plan.next_step(container, sight) is expected


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (row(), states.TaskState.CREATING),
        (row(pulling=True), states.TaskState.IMAGE_PULLING),
        (settled(Status.RUNNING), None),
        (settled(Status.ERROR), None),
        (settled(Status.RUNNING, task=states.TaskState.PAUSING, generation=2), states.TaskState.PAUSING),
        (settled(Status.RUNNING, task=states.TaskState.PAUSING, generation=2, observed=2), None),
        (settled(Status.RUNNING, wish=Wish.GONE, generation=2), states.TaskState.DELETING),
    ],
)
def test_a_task_state_ends_when_its_wish_is_real(container: model.Container, expected: states.TaskState | None) -> None:
    assert container.task_state is expected


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (settled(Status.RUNNING), Status.RUNNING),
        (settled(Status.RUNNING, reboots=1), Status.RESTARTING),
        (settled(Status.RUNNING, rebuilds=1), Status.REBUILDING),
        (settled(Status.RUNNING, rebuilds=1, wish=Wish.GONE), Status.DELETING),
    ],
)
def test_what_takes_a_container_away_for_a_while_is_shown(container: model.Container, expected: states.Status) -> None:
    assert container.shown_status is expected
